//go:build wine

package wine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

// A frame is a window that can be seen: left, top, right and bottom.
type frame struct {
	class, title string
	at           [4]int
}

// hand is our program that sees windows.
func hand() string { return filepath.Join(filepath.Dir(program), "hand.exe") }

func (p *pc) frames(class string) (all []frame) {
	p.T.Helper()
	out, err := output(hand())
	if err != nil {
		p.T.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		var f frame
		if n, _ := fmt.Sscan(line, &f.class, &f.at[0], &f.at[1], &f.at[2], &f.at[3], &f.title); n >= 5 && f.class == class {
			all = append(all, f)
		}
	}
	return all
}

// do is what a hand does with the mouse.
func (p *pc) do(args ...string) {
	p.T.Helper()
	cmd := exec.Command("xdotool", args...)
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		p.T.Fatalf("xdotool %v: %v %s", args, err, out)
	}
}

func (p *pc) press(x, y int) { p.do("mousemove", strconv.Itoa(x), strconv.Itoa(y), "click", "1") }

// The tray is at the right end of the taskbar.
func (p *pc) pressIcon() { p.press(width-9, height-10) }

// picture keeps what the screen shows, in the folder that the variable names.
func (p *pc) picture(name string) {
	dir := os.Getenv("LAMPLIGHTER_PICTURES")
	if dir == "" {
		return
	}
	cmd := exec.Command("import", "-window", "root", filepath.Join(dir, name+".png"))
	cmd.Env = env
	cmd.Run()
}

// A menu of Wine's has lines of 16 pixels, separators of 9 and an edge of 3.
const (
	menuClass = "#32768"
	lineHigh  = 16
	ruleHigh  = 9
	edge      = 3
	rule      = "-"
)

// open opens the menu when it has these lines. Its texts cannot be read from
// outside; its height tells how many there are.
func (p *pc) open(lines ...string) (menu frame) {
	p.T.Helper()
	p.tries(func() bool {
		p.pressIcon()
		menu = p.menus(1, lines)
		return menu.class != ""
	})
	return menu
}

// menus waits for so many that are open, and returns the one that was opened
// last if it has these lines.
func (p *pc) menus(n int, lines []string) frame {
	p.T.Helper()
	var open []frame
	if !lab.Until(3*time.Second, func() bool { open = p.frames(menuClass); return len(open) == n }) || open[0].high() != high(lines) {
		return frame{}
	}
	return open[0]
}

// tries does something until it works; the menu is closed in between.
func (p *pc) tries(works func() bool) {
	p.T.Helper()
	for range 20 {
		if works() {
			return
		}
		p.picture("wrong-menu")
		p.press(5, 5)
	}
	p.T.Fatalf("the menu never was as it should be: %v", p.frames(menuClass))
}

func (f frame) high() int { return f.at[3] - f.at[1] }

// high is the height of a menu.
func high(lines []string) int {
	n := 2 * edge
	for _, l := range lines {
		if l == rule {
			n += ruleHigh
		} else {
			n += lineHigh
		}
	}
	return n
}

// line is the middle of one of a menu's lines.
func (f frame) line(lines []string, text string) (x, y int) {
	for i, l := range lines {
		if l == text {
			return f.at[0] + 30, f.at[1] + high(lines[:i]) - edge + lineHigh/2
		}
	}
	panic("no line " + text)
}

// click opens the menu and clicks a line; then, in each menu that opens, the
// line before its lines.
func (p *pc) click(lines []string, text string, sub ...[]string) {
	p.T.Helper()
	p.tries(func() bool {
		x, y := p.open(lines...).line(lines, text)
		for i, s := range sub {
			p.press(x, y)
			menu := p.menus(i+2, s[1:])
			if menu.class == "" {
				return false
			}
			x, y = menu.line(s[1:], s[0])
		}
		p.press(x, y)
		return true
	})
}

// The menus, with the window not installed.
var (
	before  = []string{"one token found", rule, "Begin", "Only watch", rule, "Claude Code", "slack", rule, "Start at login", "Lamplighter", rule, "Quit"}
	begun   = []string{"the token is fresh", rule, "Claude Code", "slack", rule, "Pause all", "Start at login", "Lamplighter", rule, "Quit"}
	slack   = []string{"why", rule, "Refresh now", "Copy", "Pause", "Only watch", "Sign in again"}
	resting = []string{"all is paused", rule, "Claude Code", "slack", rule, "Go on", "Start at login", "Lamplighter", rule, "Quit"}
	pauses  = []string{"For 1 hour", "Until tomorrow"}
)

func (p *pc) runKey() string {
	out, _ := output("reg", "query", `HKCU\Software\Microsoft\Windows\CurrentVersion\Run`)
	return string(out)
}

func TestTheTrayShowsItsMenuAndDoesWhatIsClicked(t *testing.T) {
	p := newPC(t)
	s := authtest.New(t, authtest.Options{})
	line := p.Claude("slack", s, authtest.GrantOptions{})
	app := p.start()
	p.open(before...)
	p.picture("menu-first")
	p.press(5, 5)
	p.click(before, "Begin")
	p.until("it keeps", func() bool {
		text, _ := os.ReadFile(p.config())
		return strings.Contains(string(text), `mode = "keep"`)
	})
	if n := s.TokenPosts(line.Grant.ID); n != 0 {
		t.Errorf("%d requests for a token that is fresh", n)
	}
	p.click(begun, "slack", append([]string{"Refresh now"}, slack...))
	p.until("a refresh", func() bool { return s.TokenPosts(line.Grant.ID) == 1 && p.Landed(line) == "" })
	p.click(begun, "Start at login")
	p.until("the entry", func() bool { return strings.Contains(p.runKey(), `lamplighter.exe" --at-login`) })
	p.click(begun, "Start at login")
	p.until("no entry", func() bool { return !strings.Contains(p.runKey(), "lamplighter.exe") })
	p.click(begun, "Pause all", append([]string{"For 1 hour"}, pauses...))
	p.until("a pause", func() bool {
		text, _ := os.ReadFile(p.config())
		return strings.Contains(string(text), "paused_until")
	})
	p.click(resting, "Go on")
	p.open(begun...)
	p.picture("menu")
	p.press(5, 5)
	if r := p.Ends(p.lamplighter()); r.Code != 0 {
		t.Errorf("a second start ended with %d: %s", r.Code, r.Output)
	}
	p.click(begun, "Quit")
	if err := ended(app.Wait()); err != nil {
		t.Errorf("it ended with %v: %s", err, said(app))
	}
	p.until("all is well", func() bool { return p.Well() == "" })
}
