//go:build wine

package wine

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

// withWindow puts the window, as make builds it, beside the program.
func withWindow(t *testing.T) {
	t.Helper()
	built, err := filepath.Abs("../lamplighter-window.exe")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(built); err != nil {
		t.Skip(err, "; make window-windows builds it")
	}
	beside := filepath.Join(filepath.Dir(program), filepath.Base(built))
	if err := os.Symlink(built, beside); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(beside) })
}

func (p *pc) windows() int {
	p.T.Helper()
	n := 0
	for _, f := range p.frames("GLFW30") {
		if f.title == "Lamplighter" {
			n++
		}
	}
	return n
}

var withOpen = []string{"the tokens are fresh", rule, "Claude Code", "notion", "slack", rule, "Open Lamplighter", "Pause all", "Start at login", "About", rule, "Quit"}

func TestTheWindowOpensAndEndsWithItsParent(t *testing.T) {
	p := newPC(t)
	withWindow(t)
	p.begun()
	s := authtest.New(t, authtest.Options{})
	p.Claude("slack", s, authtest.GrantOptions{AccessLeft: 8 * time.Hour})
	p.Claude("notion", s, authtest.GrantOptions{AccessLeft: 50 * time.Minute})
	app := p.start("--at-login")
	p.click(withOpen, "Open Lamplighter")
	p.until("a window", func() bool { return p.windows() == 1 })
	time.Sleep(time.Second) // for the picture: it has drawn itself
	p.picture("window")
	p.click(withOpen, "Quit")
	if err := ended(app.Wait()); err != nil {
		t.Errorf("it ended with %v: %s", err, said(app))
	}
	p.until("the window's end", func() bool { return p.windows() == 0 })

	app = p.start("--at-login")
	p.open(withOpen...)
	p.press(5, 5)
	if r := p.Ends(p.lamplighter()); r.Code != 0 {
		t.Errorf("a second start ended with %d: %s", r.Code, r.Output)
	}
	p.until("a window, by the second start", func() bool { return p.windows() == 1 })
	app.Process.Kill()
	app.Wait()
	p.until("the end of a window whose parent was killed", func() bool { return p.windows() == 0 })
	if wrong := p.Well(); wrong != "" {
		t.Error(wrong)
	}
}

// The Explorer starts it from a double click and at login. It opens a console
// for what may be a program of the command line.
func TestNoConsoleStaysOpenBesideTheTray(t *testing.T) {
	p := newPC(t)
	p.begun()
	s := authtest.New(t, authtest.Options{})
	p.Claude("slack", s, authtest.GrantOptions{AccessLeft: time.Hour})
	cmd := inside(p.By(exec.Command("wine", "explorer", `Z:`+filepath.ToSlash(program))))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.open(begun...)
	if !lab.Until(5*time.Second, func() bool { return len(p.frames("ConsoleWindowClass"))+len(p.frames("WineConsoleClass")) == 0 }) {
		p.picture("console")
		t.Error("a console stays open")
	}
	p.press(5, 5)
	p.click(begun, "Quit")
	cmd.Wait()
	p.until("the end", func() bool { return p.Well() == "" })
}
