//go:build wine

package wine

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lamplighter/lab"
)

// wants is what the tests are made of, as Debian calls it.
const wants = "wine wine64 gcc-mingw-w64-x86-64 xvfb xdotool imagemagick"

// The computer that all tests run on, one after another.
var (
	root    string   // a folder of this run
	env     []string // of Wine
	profile string   // the user's, as Linux names it
	program = "lamplighter.exe"
)

const (
	width  = 1100
	height = 750
)

// random is what Wine 8 lacks of bcryptprimitives.dll: without it no program
// made by Go 1.22 or later starts.
const random = `#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
BOOL WINAPI ProcessPrng(PBYTE p, SIZE_T n) { return SystemFunction036(p, n); }
`

func TestMain(m *testing.M) {
	os.Exit(func() int {
		stop, err := boot()
		defer stop()
		if err != nil {
			fmt.Fprintf(os.Stderr, "%v\nneeds what Debian has in %s\n", err, wants)
			return 1
		}
		return m.Run()
	}())
}

// boot makes a Windows of its own, with a display that nobody sees.
func boot() (stop func(), err error) {
	var ends []func()
	stop = func() {
		for i := range ends {
			ends[len(ends)-1-i]()
		}
	}
	if root, err = os.MkdirTemp("", "lamplighter-wine-"); err != nil {
		return stop, err
	}
	ends = append(ends, func() { os.RemoveAll(root) })
	display, end, err := screen()
	if err != nil {
		return stop, err
	}
	ends = append(ends, end)
	prefix := filepath.Join(root, "prefix")
	env = []string{
		"WINEPREFIX=" + prefix, "WINEDLLOVERRIDES=mscoree,mshtml=", "WINEDEBUG=-all", "DISPLAY=" + display,
		"HOME=" + root, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "LIBGL_ALWAYS_SOFTWARE=1",
	}
	ends = append(ends, func() { wine("wineserver", "-k") })
	dll := filepath.Join(root, "bcryptprimitives.dll")
	c := exec.Command("x86_64-w64-mingw32-gcc", "-shared", "-x", "c", "-o", dll, "-", "-ladvapi32")
	c.Stdin = strings.NewReader(random)
	if out, err := c.CombinedOutput(); err != nil {
		return stop, fmt.Errorf("%w %s", err, out)
	}
	if err := wine("wineboot", "-i"); err != nil {
		return stop, err
	}
	if err := os.Rename(dll, filepath.Join(prefix, "drive_c", "windows", "system32", filepath.Base(dll))); err != nil {
		return stop, err
	}
	// A desktop of Wine's own has a taskbar, whose tray can be clicked.
	const key = `HKCU\Software\Wine\Explorer`
	if err := errors.Join(
		wine("wine", "reg", "add", key, "/v", "Desktop", "/d", "Default"),
		wine("wine", "reg", "add", key+`\Desktops`, "/v", "Default", "/d", fmt.Sprintf("%dx%d", width, height)),
		wine("wineserver", "-k"), // the desktop is made with the next start
	); err != nil {
		return stop, err
	}
	profiles, _ := filepath.Glob(filepath.Join(prefix, "drive_c", "users", "*", "AppData"))
	if len(profiles) != 1 {
		return stop, fmt.Errorf("Wine made the profiles %v", profiles)
	}
	profile = filepath.Dir(profiles[0])
	if err := install(); err != nil {
		return stop, err
	}
	return stop, nil
}

// install builds the programs into a folder, as an installer would put them.
func install() error {
	dir := filepath.Join(root, "Lamp lighter")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for name, of := range map[string]string{"lamplighter.exe": "lamplighter", "hand.exe": "lamplighter/wine/hand"} {
		c := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, name), of)
		c.Env = append(os.Environ(), "GOOS=windows", "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w", out, err)
		}
	}
	program = filepath.Join(dir, "lamplighter.exe")
	return nil
}

// screen starts an X server on a display that is free.
func screen() (display string, stop func(), err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return "", nil, err
	}
	defer r.Close()
	c := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", width, height), "-nolisten", "tcp")
	c.ExtraFiles = []*os.File{w}
	err = c.Start()
	w.Close()
	if err != nil {
		return "", nil, err
	}
	stop = func() { c.Process.Kill(); c.Wait() }
	number, err := bufio.NewReader(r).ReadString('\n')
	return ":" + strings.TrimSpace(number), stop, err
}

func wine(name string, args ...string) error {
	c := exec.Command(name, args...)
	c.Env = env
	// No pipe: what stays in the background would keep it open.
	if err := c.Run(); err != nil && name != "wineserver" {
		return fmt.Errorf("%s %v: %w", name, args, err)
	}
	return nil
}

// patience is how long anything may take.
const patience = time.Minute

// A pc is a Windows computer on which nothing of Lamplighter has run. What
// opens the ledger, as Quiet and Well do, has to wait for the programs' end:
// their locks are not seen from outside of Wine.
type pc struct{ *lab.Lab }

func newPC(t *testing.T) *pc {
	t.Helper()
	p := &pc{&lab.Lab{T: t, Home: profile, State: filepath.Join(profile, "AppData", "Local", "Lamplighter")}}
	for _, dir := range []string{p.State, p.Path(".codex"), p.Path(".claude"), filepath.Dir(p.config())} {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (p *pc) config() string { return p.Path("AppData", "Roaming", "Lamplighter", "config.toml") }

// begun is the config of a user who said so.
func (p *pc) begun() {
	p.T.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(p.config()), 0o700), os.WriteFile(p.config(), []byte("mode = \"keep\"\n"), 0o600)); err != nil {
		p.T.Fatal(err)
	}
}

// lamplighter is the program, to be started.
func (p *pc) lamplighter(args ...string) *exec.Cmd {
	p.T.Helper()
	return inside(p.By(exec.Command("wine", append([]string{program}, args...)...)))
}

// inside makes a command one of this Wine. What Wine starts with its first
// program, as its desktop, keeps that one's pipes: they are not waited for.
func inside(cmd *exec.Cmd) *exec.Cmd {
	cmd.Env, cmd.WaitDelay = env, time.Second
	return cmd
}

// ended is how a command ended, whoever still has its pipes.
func ended(err error) error {
	if errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	return err
}

// output is what a program of Wine's prints.
func output(name string, args ...string) ([]byte, error) {
	out, err := inside(exec.Command("wine", append([]string{name}, args...)...)).Output()
	return out, ended(err)
}

// runs runs the program to its end, which has to be this one.
func (p *pc) runs(code int, args ...string) string {
	p.T.Helper()
	r := p.Ends(p.lamplighter(args...))
	if r.Code != code {
		p.T.Errorf("lamplighter %s ended with %d, not %d: %s", strings.Join(args, " "), r.Code, code, r.Output)
	}
	return r.Output
}

func (p *pc) until(what string, is func() bool) {
	p.T.Helper()
	if !lab.Until(patience, is) {
		p.T.Fatalf("%s: not in %v", what, patience)
	}
}

// start starts the program, which ends with the test.
func (p *pc) start(args ...string) *exec.Cmd {
	p.T.Helper()
	cmd := p.lamplighter(args...)
	if err := cmd.Start(); err != nil {
		p.T.Fatal(err)
	}
	p.T.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	return cmd
}

func said(cmd *exec.Cmd) string { return fmt.Sprint(cmd.Stderr) }
