package desktop

import (
	"bufio"
	"context"
	_ "embed"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/godbus/dbus/v5"
)

// A Screen is a real desktop on a display that nobody sees: a window manager, a
// panel with a tray, and a service that shows notifications.
type Screen struct {
	Width, Height int

	t      testing.TB
	bus    *Bus
	home   string
	look   Look
	env    []string
	panel  *exec.Cmd
	empty  image.Image // of the panel without an icon
	access *access
}

// A Look is how the desktop looks: the name of a theme of GTK.
type Look string

// The looks.
const (
	Light Look = "Adwaita"
	Dark  Look = "Adwaita:dark"
)

// screenWants is what a Screen is made of, as Debian and Ubuntu call it. The
// Makefile reads it too.
//
//go:embed packages
var screenWants string

const panelConfig = `<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="dark-mode" type="bool" value="%v"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="length" type="uint" value="100"/>
      <property name="size" type="uint" value="32"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/><value type="int" value="2"/></property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="separator">
      <property name="expand" type="bool" value="true"/>
      <property name="style" type="uint" value="0"/>
    </property>
    <property name="plugin-2" type="string" value="systray">
      <property name="icon-size" type="int" value="22"/>
    </property>
  </property>
</channel>
`

// Notifications stand in the lower right corner: they must not hide the menu.
const noticesConfig = `<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-notifyd" version="1.0">
  <property name="notify-location" type="uint" value="3"/>
</channel>
`

// Screen starts a desktop, which ends with the test. The test is skipped where
// a program for it is missing.
func (b *Bus) Screen(look Look) *Screen {
	b.t.Helper()
	home, err := os.MkdirTemp("", "screen-")
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { os.RemoveAll(home) })
	s := &Screen{Width: 1280, Height: 800, t: b.t, bus: b, home: home, look: look, access: b.access()}
	folder := filepath.Join(home, "config", "xfce4", "xfconf", "xfce-perchannel-xml")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		b.t.Fatal(err)
	}
	for name, text := range map[string]string{"xfce4-panel.xml": fmt.Sprintf(panelConfig, look == Dark), "xfce4-notifyd.xml": noticesConfig} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	s.find("xdotool")
	s.find("import")
	s.env = []string{"DISPLAY=" + s.display()}
	s.service("/usr/lib/*/xfce4/xfconf/xfconfd", "org.xfce.Xfconf")
	s.service("xfwm4", "", "--compositor=off")
	s.Panel()
	s.drawn()
	s.service("/usr/lib/*/xfce4/notifyd/xfce4-notifyd", noticesName)
	return s
}

// Panel starts the panel, in place of one that runs: that one is killed.
func (s *Screen) Panel() {
	s.t.Helper()
	if s.panel != nil {
		s.panel.Process.Kill()
		s.panel.Wait()
		s.bus.until("the panel's end", func() bool { return !s.owned(watcherName) })
	}
	s.panel = s.service("xfce4-panel", watcherName)
}

// service starts a program of the desktop, and waits until it has its name.
func (s *Screen) service(program, name string, args ...string) *exec.Cmd {
	s.t.Helper()
	cmd := exec.Command(s.find(program), args...)
	cmd.Env = append(s.Environ(), "HOME="+s.home, "PATH="+os.Getenv("PATH"), "LANG=C.UTF-8",
		"XDG_CONFIG_HOME="+filepath.Join(s.home, "config"), "XDG_CACHE_HOME="+filepath.Join(s.home, "cache"),
		"GTK_THEME="+string(s.look), "GDK_BACKEND=x11", s.bus.accessEnviron())
	s.start(cmd)
	if name != "" {
		s.bus.until(name, func() bool { return s.owned(name) })
	}
	return cmd
}

// find is the path of a program: a name, or a pattern.
func (s *Screen) find(name string) string {
	s.t.Helper()
	if strings.Contains(name, "/") {
		if all, _ := filepath.Glob(name); len(all) > 0 {
			return all[0]
		}
	} else if path, err := exec.LookPath(name); err == nil {
		return path
	}
	s.t.Skipf("needs %s (Debian: apt-get install %s)", filepath.Base(name), strings.TrimSpace(screenWants))
	return ""
}

// display starts an X server on a display that is free.
func (s *Screen) display() string {
	s.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Close()
	cmd := exec.Command(s.find("Xvfb"), "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", s.Width, s.Height), "-nolisten", "tcp", "-noreset", "-fbdir", s.home)
	cmd.ExtraFiles = []*os.File{w}
	s.start(cmd)
	w.Close()
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		s.t.Fatal("Xvfb does not start: ", err)
	}
	return ":" + strings.TrimSpace(number)
}

// start starts a program that ends with the test, or with us.
func (s *Screen) start(cmd *exec.Cmd) {
	s.t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
}

func (s *Screen) owned(name string) bool {
	var has bool
	conn, err := dbus.Connect(s.bus.Address())
	if err != nil {
		return false
	}
	defer conn.Close()
	return conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, name).Store(&has) == nil && has
}

// Environ is what a program needs to show itself here.
func (s *Screen) Environ() []string {
	return append([]string{"DBUS_SESSION_BUS_ADDRESS=" + s.bus.Address(), "XDG_RUNTIME_DIR=" + s.bus.RuntimeDir(), "LIBGL_ALWAYS_SOFTWARE=1"}, s.env...)
}

// do runs a program that looks at the screen or acts on it.
func (s *Screen) do(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience) // xdotool waits for windows that have gone
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), s.env...)
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

// Hand moves the mouse and types, as the arguments say to xdotool.
func (s *Screen) Hand(args ...string) {
	s.t.Helper()
	if _, err := s.do("xdotool", args...); err != nil {
		s.t.Fatalf("xdotool %v: %v", args, err)
	}
}

// Press moves the mouse to a place and presses its left button.
func (s *Screen) Press(x, y int) {
	s.t.Helper()
	s.Hand("mousemove", strconv.Itoa(x), strconv.Itoa(y), "click", "1")
}

// A Frame is where something is on the screen.
type Frame struct{ X, Y, Width, Height int }

// Frames are the windows that can be seen and are found by what they are
// searched by, as xdotool has it: "--class", "--name".
func (s *Screen) Frames(by, what string) (all []Frame) {
	ids, _ := s.do("xdotool", "search", "--onlyvisible", by, what)
	for id := range strings.FieldsSeq(ids) {
		text, err := s.do("xdotool", "getwindowgeometry", "--shell", id)
		if err != nil {
			continue // it has gone
		}
		at := map[string]int{}
		for line := range strings.Lines(text) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			at[name], _ = strconv.Atoi(value)
		}
		all = append(all, Frame{at["X"], at["Y"], at["WIDTH"], at["HEIGHT"]})
	}
	return all
}

// Menu waits for the open menu, which hangs from the panel.
func (s *Screen) Menu() (menu Frame) {
	s.t.Helper()
	s.bus.until("an open menu", func() bool {
		for _, f := range s.Frames("--name", ".*") {
			if f.Y >= 30 && f.Y <= 36 && f.Height > 50 && f.Width > 50 {
				menu = f
				return true
			}
		}
		return false
	})
	return menu
}

// Notice waits for the notification on the screen.
func (s *Screen) Notice() (note Frame) {
	s.t.Helper()
	s.bus.until("a notification", func() bool {
		for _, f := range s.Frames("--class", "xfce4-notifyd") {
			note = f
		}
		return note.Height > 20
	})
	return note
}

// Picture writes a part of the screen to a PNG; all of it where the part is
// zero.
func (s *Screen) Picture(file string, part Frame) {
	s.t.Helper()
	args := []string{"-window", "root"}
	if part != (Frame{}) {
		args = append(args, "-crop", fmt.Sprintf("%dx%d+%d+%d", part.Width, part.Height, part.X, part.Y))
	}
	if _, err := s.do("import", append(args, "+repage", file)...); err != nil {
		s.t.Fatal("no picture: ", err)
	}
}

// ItemOf waits for the icon of a process, whoever shows it.
func (b *Bus) ItemOf(pid int) *Item {
	b.t.Helper()
	conn := b.Connect()
	name, owner := fmt.Sprintf("%s-%d-1", itemName, pid), ""
	b.until(name, func() bool {
		return conn.BusObject().Call("org.freedesktop.DBus.GetNameOwner", 0, name).Store(&owner) == nil
	})
	return &Item{Owner: owner, bus: b, conn: conn, object: conn.Object(owner, "/StatusNotifierItem")}
}

// ShownNotices counts the notifications that anybody shows from now on.
func (b *Bus) ShownNotices() (count func() int) {
	b.t.Helper()
	conn := b.Connect()
	rule := "type='method_call',interface='" + noticesName + "',member='Notify',eavesdrop='true'"
	if err := conn.BusObject().Call("org.freedesktop.DBus.AddMatch", 0, rule).Err; err != nil {
		b.t.Fatal(err)
	}
	all := make(chan *dbus.Message, 64)
	conn.Eavesdrop(all) // from here on no call of ours would be answered
	var n atomic.Int32
	go func() {
		for m := range all {
			if m.Type == dbus.TypeMethodCall {
				n.Add(1)
			}
		}
	}()
	return func() int { return int(n.Load()) }
}
