package e2e

import (
	"bytes"
	"context"
	"fmt"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lamplighter/assets"
	"lamplighter/credfiles/clientlock"
	"lamplighter/lab"
	"lamplighter/lab/desktop"
	"lamplighter/refresher/authtest"
)

// A desk is a computer with a session bus, on which the tray app may run.
type desk struct {
	*lab.Lab
	windows
	bus     *desktop.Bus
	program string // ours, in a folder of its own
	path    string // the folder that is PATH: none of this computer's programs are in it
	env     []string
	cmd     *exec.Cmd
}

// newDesk is a desk with a bus and a browser, and nothing that runs. The user
// has begun.
func newDesk(t *testing.T) *desk {
	t.Helper()
	return newDeskOn(t, desktop.NewBus(t))
}

func newDeskOn(t *testing.T, bus *desktop.Bus) *desk {
	t.Helper()
	dir, err := os.MkdirTemp("", "desk-") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	d := &desk{Lab: lab.New(t), bus: bus, program: filepath.Join(dir, "lamplighter"), path: filepath.Join(dir, "bin")}
	if err := os.Link(lab.Program(t), d.program); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(d.path, 0o755); err != nil {
		t.Fatal(err)
	}
	d.env = []string{"PATH=" + d.path, "DBUS_SESSION_BUS_ADDRESS=" + bus.Address(), "BROWSER=" + link(t, d.path, "browser")}
	d.Settings("mode = \"keep\"\n")
	return d
}

// window installs a stand-in for the window.
func (d *desk) window(t *testing.T) {
	t.Helper()
	link(t, filepath.Dir(d.program), "lamplighter-window")
	socket := filepath.Join(filepath.Dir(d.program), "windows")
	d.listen(t, socket)
	d.env = append(d.env, windowVariable+"="+socket)
}

// run is the program on this desk, to be started.
func (d *desk) run(args ...string) *exec.Cmd {
	d.T.Helper()
	cmd := d.By(exec.Command(d.program, args...))
	cmd.Env = append(cmd.Env, d.env...)
	return cmd
}

// start starts the tray app.
func (d *desk) start(args ...string) {
	d.T.Helper()
	cmd := d.run(args...)
	if err := cmd.Start(); err != nil {
		d.T.Fatal(err)
	}
	d.cmd = cmd
	d.T.Cleanup(func() { d.end(cmd, syscall.SIGKILL) })
}

// end ends a process by a signal and returns its exit code.
func (d *desk) end(cmd *exec.Cmd, by os.Signal) int {
	if cmd.ProcessState == nil {
		cmd.Process.Signal(by)
		cmd.Wait()
	}
	return cmd.ProcessState.ExitCode()
}

// quit ends the tray app as a logout does. It has to end well.
func (d *desk) quit() {
	d.T.Helper()
	if code := d.end(d.cmd, syscall.SIGTERM); code != 0 {
		d.T.Errorf("the tray app ended with %d: %s", code, said(d.cmd))
	}
}

// said is what a process said so far.
func said(cmd *exec.Cmd) string { return fmt.Sprint(cmd.Stderr) }

func (d *desk) until(what string, is func() bool) {
	d.T.Helper()
	if !lab.Until(desktop.Patience, is) {
		d.T.Fatalf("%s: not in %v", what, desktop.Patience)
	}
}

// well waits until there is nothing wrong any more.
func (d *desk) well() {
	d.T.Helper()
	if wrong := ""; !lab.Until(desktop.Patience, func() bool { wrong = d.Well(); return wrong == "" }) {
		d.T.Error(wrong)
	}
}

// shows waits for a menu with this text in it.
func (d *desk) shows(item *desktop.Item, text string) {
	d.T.Helper()
	d.menu(item, text, func(menu string) bool { return strings.Contains(menu, text) })
}

// hides waits for a menu without this text.
func (d *desk) hides(item *desktop.Item, text string) {
	d.T.Helper()
	d.menu(item, "no "+text, func(menu string) bool { return !strings.Contains(menu, text) })
}

func (d *desk) menu(item *desktop.Item, what string, is func(string) bool) {
	d.T.Helper()
	var last string
	if !lab.Until(desktop.Patience, func() bool { last = item.Open().String(); return is(last) }) {
		d.T.Fatalf("the menu never was: %s\n%s", what, last)
	}
}

// icon waits for a state of the icon.
func (d *desk) icon(item *desktop.Item, state string) {
	d.T.Helper()
	last := ""
	if !lab.Until(desktop.Patience, func() bool { last = stateOf(item); return last == state }) {
		d.T.Fatalf("the icon says %s, not %s; the menu:\n%s", last, state, item.Open())
	}
}

// stateOf is what the icon says, by its picture.
func stateOf(item *desktop.Item) string {
	for _, state := range []string{assets.Fresh, assets.Working, assets.Paused, assets.NeedsYou} {
		for _, p := range item.Pictures() {
			if slices.ContainsFunc(assets.Tray(state, "linux"), func(data []byte) bool { return bytes.Equal(p.Pixels, argb(data)) }) {
				return state
			}
		}
	}
	return "nothing"
}

// argb is a PNG as it stands on the bus.
func argb(data []byte) (pixels []byte) {
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			pixels = append(pixels, c.A, c.R, c.G, c.B)
		}
	}
	return pixels
}

// late makes a token one that ends in a minute, as its client sees it.
func (d *desk) late(line *lab.Line) {
	d.T.Helper()
	text, err := os.ReadFile(line.Store)
	if err != nil {
		d.T.Fatal(err)
	}
	c, _ := d.Stored(line)
	before, entry, ok := strings.Cut(string(text), c.Access.Reveal())
	if !ok || c.Access.IsZero() {
		d.T.Fatal(line.ID, " is not in its store")
	}
	soon := strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10)
	entry = strings.Replace(entry, strconv.FormatInt(c.Expiry.UnixMilli(), 10), soon, 1)
	d.rewrite(line.Store, before+c.Access.Reveal()+entry)
}

// rewrite replaces a store as its client would.
func (d *desk) rewrite(store, text string) {
	d.T.Helper()
	if err := os.WriteFile(store+".new", []byte(text), 0o600); err != nil {
		d.T.Fatal(err)
	}
	if err := os.Rename(store+".new", store); err != nil {
		d.T.Fatal(err)
	}
}

// dies ends a grant, and waits until the tray app, or a keeper, has run into
// that and the minute has passed after which it is told.
func (d *desk) dies(s *authtest.Server, line *lab.Line) {
	d.T.Helper()
	s.KillGrant(line.Grant.ID)
	d.late(line)
	d.minute(line)
}

// minute lets the minute after a death be over.
func (d *desk) minute(line *lab.Line) {
	d.T.Helper()
	l := d.Ledger()
	c, _ := d.Stored(line)
	d.until(line.ID+" is found dead", func() bool {
		m, err := l.Memory(c.Key)
		return err == nil && !m.Dead.IsZero()
	})
	lk, err := l.Lock(context.Background(), c.Key)
	if err != nil {
		d.T.Fatal(err)
	}
	defer lk.Unlock()
	m, err := lk.Memory(c.Key)
	if err == nil {
		m.Dead = m.Dead.Add(-2 * time.Minute)
		err = lk.Save(m)
	}
	if err == nil {
		err = l.Signal()
	}
	if err != nil {
		d.T.Fatal(err)
	}
}

// holdStore holds Codex's lock on its store, as one that hangs in its write.
func (d *desk) holdStore() (unlock func()) {
	d.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), desktop.Patience)
	defer cancel()
	file := d.Path(".codex", "mcp-oauth-locks", "file-store.lock")
	lock, err := clientlock.File(ctx, file, clientlock.FileOptions{Mode: 0o644, FolderMode: 0o755, Retry: time.Millisecond})
	if err != nil {
		d.T.Fatal(err)
	}
	return func() { lock.Release() }
}
