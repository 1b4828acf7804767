//go:build screenshots

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lamplighter/assets"
	"lamplighter/lab"
	"lamplighter/lab/desktop"
	"lamplighter/refresher/authtest"
)

// TestScreenshots takes pictures of the real programs, for people to look at.
// It fails where something does not come to be seen.
func TestScreenshots(t *testing.T) {
	for _, look := range []struct {
		name string
		desktop.Look
	}{{"light", desktop.Light}, {"dark", desktop.Dark}} {
		for _, scene := range []struct {
			name string
			play func(s *sample)
		}{
			{"everyday", everyday}, {"dead", dead}, {"begin", begin}, {"many", many}, {"long", long}, {"trouble", trouble}, {"empty", empty},
		} {
			t.Run(scene.name+"-"+look.name, func(t *testing.T) {
				s := newSample(t, look.Look)
				s.suffix = "-" + look.name + ".png"
				scene.play(s)
				s.quit()
			})
		}
	}
}

// What is seen on a good day, and in a pause.
func everyday(s *sample) {
	s.everyday()
	s.up()
	s.icon(s.item, assets.Fresh)
	s.icons("fresh")
	s.menus("everyday", "notion...")
	s.opens(1000, 700)
	s.window("overview")
	s.item.Click("notion...", "Details")
	s.window("credential")
	for i, page := range []string{"overview", "history", "problems", "settings", "about"} {
		if i > 0 {
			s.page(i)
			s.window(page)
		}
	}
	s.page(3)
	s.scroll()
	s.window("settings-end")
	s.page(0)
	s.item.Click("Pause all", "Until tomorrow")
	s.icon(s.item, assets.Paused)
	s.icons("paused")
	s.window("paused")
	s.menus("paused", "")
	s.item.Click("Resume all...")
	s.web.server("linear").Next(authtest.Token, authtest.Behaviour{Delay: 6 * time.Second})
	s.item.Click("linear...", "Refresh now")
	s.icon(s.item, assets.Working)
	s.icons("working")
	s.window("working")
	s.icon(s.item, assets.Fresh)
}

// One refresh token is dead.
func dead(s *sample) {
	slack := s.everyday()
	s.up()
	s.icon(s.item, assets.Fresh)
	s.dies(s.web.server("slack"), slack)
	note := s.screen.Notice()
	s.shot("notification", part(note)...)
	s.quiet()
	s.icon(s.item, assets.NeedsYou)
	s.icons("needs-you")
	s.menus("dead", "slack...")
	s.opens(1000, 700)
	s.window("dead-overview")
	s.item.Click("slack...", "Details")
	s.window("dead-credential")
	s.page(2)
	s.window("dead-problems")
	s.item.Click("Sign in to slack...")
	s.shows(s.item, "Cancel the sign-in")
	s.page(0)
	s.window("signing-in")
	s.menus("signing-in", "")
	s.item.Click("Cancel the sign-in")
}

// The first run.
func begin(s *sample) {
	s.everyday()
	s.claude("miro", 12*time.Hour, -time.Hour)
	os.Remove(s.Path(".config", "lamplighter", "config.toml"))
	s.up()
	s.shows(s.item, "tokens found")
	s.menus("begin", "notion...")
	s.opens(1000, 700)
	s.window("begin")
	s.item.Click("Only watch")
	s.window("only-watch")
}

// Forty credentials, of two clients, in three homes.
func many(s *sample) {
	work := s.AddHome("codex", "work")
	s.rewrite(s.Path(".config", "lamplighter", "config.toml"), fmt.Sprintf("mode = \"keep\"\n[[home]]\nclient = \"codex\"\npath = %q\nname = \"work\"\n", work))
	var ill *lab.Line
	for i, name := range teamNames(40) {
		whole := time.Duration(1+i%24) * time.Hour
		left := whole/2 + time.Duration(i)*time.Minute/3 + 11*time.Minute
		switch {
		case i%3 == 0:
			server := s.web.server(name)
			s.CodexIn(work, "codex/mcp/"+name+"@work", name, server, server.Grant(life(whole, left)))
		case i%2 == 0:
			s.codex(name, whole, left)
		default:
			ill = s.claude(name, whole, left)
		}
	}
	s.up()
	s.icon(s.item, assets.Fresh)
	server := s.web.server(strings.TrimPrefix(ill.ID, "claude/mcp/"))
	s.dies(server, ill)
	s.screen.Notice()
	s.quiet()
	s.icon(s.item, assets.NeedsYou)
	s.menus("many", "Codex @work...")
	s.opens(1000, 700)
	s.window("many")
	s.scroll()
	s.window("many-end")
}

// Names as nobody expects them.
func long(s *sample) {
	patient := "a-server-whose-name-somebody-typed-with-great-patience-and-without-any-spaces-at-all"
	server := s.web.server("projects")
	ill := s.Claude(patient, server, life(12*time.Hour, 5*time.Hour))
	for i, name := range []string{"Хранилище задач отдела разработки и сопровождения", "笔记本 メモ 노트", "خادم المهام", "Zürich — Übersicht", "the team's second attempt at a wiki, this time with a search"} {
		s.Codex(name, server, life(time.Duration(i+1)*time.Hour, time.Duration(i+1)*40*time.Minute))
	}
	host := s.web.server("a.very.long.subdomain.of.a.company.with.many.departments")
	s.Codex("intranet", host, life(time.Hour, 50*time.Minute))
	s.up()
	s.icon(s.item, assets.Fresh)
	s.dies(server, ill)
	note := s.screen.Notice()
	s.shot("long-notification", part(note)...)
	s.quiet()
	s.icon(s.item, assets.NeedsYou)
	s.menus("long", "")
	s.opens(1000, 700)
	s.window("long")
	s.item.Click("a-server...", "Details")
	s.window("long-credential")
	s.size(620, 560)
	s.window("long-credential-narrow")
	s.page(0)
	s.window("long-narrow")
}

// What goes wrong, and is not a death.
func trouble(s *sample) {
	s.everyday()
	s.codex("down", time.Hour, time.Minute)
	s.web.server("down").Behave(authtest.Token, authtest.Behaviour{Answer: authtest.Status(503)})
	s.codex("moved", time.Hour, time.Minute)
	s.web.server("moved").Behave(authtest.Token, authtest.Behaviour{Answer: authtest.Status(404)})
	once := s.web.server("once").Grant(authtest.GrantOptions{AccessLeft: 25 * time.Minute, NoRefreshToken: true, Policy: &authtest.Policy{JWT: true}})
	s.CodexIn(s.Path(".codex"), "codex/mcp/once", "once", s.web.server("once"), once)
	s.up()
	s.shows(s.item, "moved: misconfigured")
	s.shows(s.item, "down: retrying")
	s.item.Click("figma...", "Pause", "For 1 hour")
	s.item.Click("sentry...", "Only watch")
	s.shows(s.item, "sentry: watch-only")
	s.rewrite(s.Path(".claude", ".credentials.json"), "{ this is no JSON")
	s.rewrite(s.Path(".config", "lamplighter", "config.toml"), "mode = \"keep\"\nnotification = true\n")
	s.icon(s.item, assets.NeedsYou)
	s.shows(s.item, "config.toml")
	s.menus("trouble", "")
	s.opens(1000, 700)
	s.window("trouble")
	s.page(2)
	s.window("trouble-problems")
	s.item.Click("moved...", "Details")
	s.window("trouble-credential")
	s.page(3)
	s.window("trouble-settings")
}

// Nothing to keep yet.
func empty(s *sample) {
	s.up()
	s.shows(s.item, "No credentials")
	s.menus("empty", "")
	s.opens(1000, 700)
	s.window("empty")
	s.page(1)
	s.window("empty-history")
	s.page(2)
	s.window("empty-problems")
}

// up starts the tray app. No browser comes up, so that a sign-in stays.
func (s *sample) up() {
	s.T.Helper()
	s.env = append(s.env, "BROWSER=")
	s.start("--at-login")
	s.item = s.bus.ItemOf(s.cmd.Process.Pid)
}

// opens opens the window at a size.
func (s *sample) opens(width, height int) {
	s.T.Helper()
	s.item.Click("Open Lamplighter")
	s.size(width, height)
}

func (s *sample) size(width, height int) {
	s.T.Helper()
	s.screen.Hand("windowsize", "--sync", s.id(), fmt.Sprint(width), fmt.Sprint(height), "windowmove", s.id(), "150", "40")
}

// id waits for the window.
func (s *sample) id() (id string) {
	s.T.Helper()
	s.until("the window", func() bool {
		id, _, _ = strings.Cut(s.hand("xdotool", "search", "--onlyvisible", "--name", "^Lamplighter$"), "\n")
		return id != ""
	})
	return id
}

// page turns to the n-th page of the list at the side.
func (s *sample) page(n int) {
	s.T.Helper()
	s.screen.Hand("mousemove", "--window", s.id(), "70", fmt.Sprint(79+40*n), "click", "1")
}

// scroll goes to the end of a page.
func (s *sample) scroll() {
	s.T.Helper()
	s.screen.Hand("mousemove", "--window", s.id(), "560", "560", "click", "--repeat", "80", "--delay", "10", "5")
}

// window takes a picture of the window.
func (s *sample) window(name string) {
	s.T.Helper()
	s.screen.Hand("mousemove", "--window", s.id(), "600", "8") // nothing is there: what it was over is left
	time.Sleep(50 * time.Millisecond)
	s.screen.Hand("mousemove", "3", fmt.Sprint(s.screen.Height-3))
	s.shot("window-"+name, "-window", s.id())
}

// icons takes a picture of the panel's end.
func (s *sample) icons(name string) {
	s.T.Helper()
	s.shot("icon-"+name, part(desktop.Frame{X: s.screen.Width - 64, Width: 64, Height: 32})...)
}

// menus takes a picture of the menu, with the submenu of a line.
func (s *sample) menus(name, of string) {
	s.T.Helper()
	top := s.item.Open()
	s.screen.PressIcon()
	f := s.screen.Menu()
	if of != "" {
		found, _ := top.Find(of)
		for _, line := range top.Lines {
			if !line.Separator && !line.Off {
				s.screen.Hand("key", "Down")
			}
			if line.ID == found.ID {
				break
			}
		}
		s.screen.Hand("key", "Right")
	}
	s.screen.Hand("mousemove", "3", fmt.Sprint(s.screen.Height-3))
	s.rests("-window", "root")
	left, bottom := f.X, f.Y+f.Height
	for _, o := range s.screen.Frames("--name", ".*") {
		if o.Y >= 30 && o.X+o.Width <= f.X+20 && o.Width > 50 && o.X > 200 && of != "" {
			left, bottom = min(left, o.X), max(bottom, o.Y+o.Height)
		}
	}
	s.shot("menu-"+name, part(desktop.Frame{X: left, Width: s.screen.Width - left, Height: bottom})...)
	s.screen.Hand("key", "Escape", "key", "Escape", "key", "Escape")
	time.Sleep(300 * time.Millisecond) // for the window manager
}

// part is a part of the screen, as import has it.
func part(f desktop.Frame) []string {
	return []string{"-window", "root", "-crop", fmt.Sprintf("%dx%d+%d+%d", f.Width, f.Height, f.X, f.Y)}
}

// shot takes a picture, once nothing moves in it.
func (s *sample) shot(name string, of ...string) {
	s.T.Helper()
	picture := s.rests(of...)
	if err := os.WriteFile(filepath.Join(s.dir, name+s.suffix), []byte(picture), 0o644); err != nil {
		s.T.Fatal(err)
	}
}

func (s *sample) rests(of ...string) (picture string) {
	s.T.Helper()
	take := func() string { return s.hand("import", append(of, "+repage", "-strip", "png:-")...) }
	time.Sleep(150 * time.Millisecond)
	picture = take()
	s.until("a picture that rests", func() bool {
		time.Sleep(150 * time.Millisecond)
		before := picture
		picture = take()
		return before == picture
	})
	return picture
}

// quiet takes the notifications away.
func (s *sample) quiet() {
	notices := s.bus.Connect().Object("org.freedesktop.Notifications", "/org/freedesktop/Notifications")
	for id := range uint32(4) {
		notices.Call("org.freedesktop.Notifications.CloseNotification", 0, id)
	}
}

// hand runs a program of the desktop's, and returns what it prints; nothing if
// it fails.
func (s *sample) hand(name string, args ...string) string {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), s.screen.Environ()...)
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(out), "\n")
}
