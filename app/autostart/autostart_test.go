package autostart

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newEntry is one of a throwaway home, with a program that is there.
func newEntry(t *testing.T, goos, program string, arguments ...string) Entry {
	t.Helper()
	home := t.TempDir()
	return Entry{
		OS: goos, Home: home, ID: "app.lamplighter", Name: "Lamplighter", Comment: "Keeps sign-ins fresh",
		Executable: place(t, home, program), Arguments: arguments,
	}
}

// place makes a program that writes its arguments, one a line, beside itself.
func place(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	text := "#!/bin/sh\nfor a; do printf '%s\\n' \"$a\"; done > \"$0.new\"; mv \"$0.new\" \"$0.said\"\n"
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func (e Entry) put(t *testing.T, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(e.path()), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(e.path(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (e Entry) get(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(e.path())
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

func (e Entry) is(t *testing.T, want bool, when string) {
	t.Helper()
	if got, err := e.Enabled(); err != nil || got != want {
		t.Errorf("%s: %s is %v, %v\n%s", e.OS, when, got, err, e.get(t))
	}
}

func (e Entry) do(t *testing.T, what func(Entry) error) {
	t.Helper()
	if err := what(e); err != nil {
		t.Fatal(err)
	}
}

// files are the systems where the entry is a file.
var files = []string{"linux", "freebsd", "darwin"}

func TestWhatIsOnCanBeOffAndLeavesNothing(t *testing.T) {
	for _, goos := range files {
		e := newEntry(t, goos, "opt/lamplighter")
		e.is(t, false, "nothing")
		e.do(t, Entry.Disable)
		e.do(t, Entry.Update)
		e.is(t, false, "what was never on")
		for range 2 {
			e.do(t, Entry.Enable)
			e.is(t, true, "enabled")
		}
		info, err := os.Stat(e.path())
		if err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		e.do(t, Entry.Disable)
		e.is(t, false, "disabled")
		names, err := os.ReadDir(filepath.Dir(e.path()))
		if err != nil || len(names) > 0 {
			t.Errorf("%v are left, %v", names, err)
		}
	}
}

func TestTheFolderIsTheDesktops(t *testing.T) {
	for want, e := range map[string]Entry{
		"/h/.config/autostart/x.y.desktop":  {OS: "linux", Home: "/h", ID: "x.y", ConfigHome: "relative"},
		"/c/autostart/x.y.desktop":          {OS: "linux", Home: "/h", ID: "x.y", ConfigHome: "/c"},
		"/h/Library/LaunchAgents/x.y.plist": {OS: "darwin", Home: "/h", ID: "x.y", ConfigHome: "/c"},
	} {
		if got := e.path(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestAnUpdateElsewhereIsFollowed(t *testing.T) {
	for _, goos := range files {
		e := newEntry(t, goos, "opt/1.0/lamplighter", "--quiet")
		e.do(t, Entry.Enable)
		next := e
		next.Executable = place(t, e.Home, "opt/2.0/lamplighter")
		next.is(t, true, "one that starts the version before")
		if err := os.Remove(e.Executable); err != nil {
			t.Fatal(err)
		}
		next.is(t, false, "one that starts nothing")
		next.do(t, Entry.Update)
		next.is(t, true, "one that was updated")
		if next.get(t) != next.text() {
			t.Errorf("%s", next.get(t))
		}
		next.do(t, Entry.Disable)
		e.do(t, Entry.Update)
		if next.get(t) != "" {
			t.Error("what is off is updated")
		}
	}
}

func TestAnEntryOfAnOldPlaceIsOursToRemove(t *testing.T) {
	for _, goos := range files {
		e := newEntry(t, goos, "opt/1.0/lamplighter")
		e.do(t, Entry.Enable)
		e.Executable = place(t, e.Home, "opt/2.0/lamplighter")
		e.do(t, Entry.Disable)
		if got := e.get(t); got != "" {
			t.Errorf("%s: left:\n%s", goos, got)
		}
	}
}

// What a person wrote into an entry, by system.
var edits = map[string]func(text string) string{
	"linux": func(text string) string {
		return "# mine\n" + strings.Replace(text, "Exec=", "X-Delay = 5\nExec=nice ", 1) + "\n[Desktop Action More]\nHidden=true\nExec=other\n"
	},
	"darwin": func(text string) string {
		text = strings.Replace(text, "<array>\n", "<array>\n\t\t<string>/usr/bin/nice</string>\n", 1)
		return strings.Replace(text, "<key>Label</key>", "<!-- mine --><key>EnvironmentVariables</key>\n\t<dict><key>A</key><string>Disabled &amp; on</string></dict>\n\t<key>Label</key>", 1)
	},
}

func TestWhatAPersonWroteIntoAnEntryStays(t *testing.T) {
	for goos, edit := range edits {
		e := newEntry(t, goos, "opt/lamplighter")
		mine := edit(e.text())
		e.put(t, mine)
		nice := strings.Contains(mine, "/usr/bin/nice")
		if _, err := os.Stat("/usr/bin/nice"); nice && err != nil {
			t.Skip("no nice here")
		}
		e.is(t, true, "a person's")
		e.do(t, Entry.Enable)
		e.do(t, Entry.Update)
		if got := e.get(t); got != mine {
			t.Errorf("%s: enabled it is\n%s", goos, got)
		}
		e.do(t, Entry.Disable)
		e.is(t, false, "a person's, disabled")
		off := e.get(t)
		e.do(t, Entry.Disable)
		if e.get(t) != off {
			t.Error("it is changed twice")
		}
		e.do(t, Entry.Enable)
		e.is(t, true, "a person's, enabled again")
		if got := e.get(t); got != mine {
			t.Errorf("%s: enabled again it is\n%s\nand was\n%s", goos, got, mine)
		}
	}
}

func TestALinkStaysALink(t *testing.T) {
	for _, goos := range files {
		e := newEntry(t, goos, "opt/lamplighter")
		target := filepath.Join(e.Home, "dotfiles")
		e.put(t, "")
		if err := os.WriteFile(target, []byte(e.text()), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(e.path()); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, e.path()); err != nil {
			t.Skip(err)
		}
		e.do(t, Entry.Disable)
		e.is(t, false, "a link, disabled")
		e.do(t, Entry.Enable)
		e.is(t, true, "a link, enabled")
		if to, err := os.Readlink(e.path()); err != nil || to != target {
			t.Errorf("%s: %v", to, err)
		}
		if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	}
}

func TestWhatNoEntryCanSayIsRefused(t *testing.T) {
	for _, goos := range files {
		for _, program := range []string{"lamplighter", "", "/opt/a\nb", "/opt/\xff", "/opt/a\x1b"} {
			e := Entry{OS: goos, Home: t.TempDir(), ID: "app.lamplighter", Executable: program}
			if e.Enable() == nil || e.Update() == nil || e.get(t) != "" {
				t.Errorf("%q is written", program)
			}
		}
	}
	for _, program := range []string{"/opt/a=b", "/opt/100%"} {
		e := Entry{OS: "linux", Home: t.TempDir(), ID: "app.lamplighter", Executable: program}
		if e.Enable() == nil || e.get(t) != "" {
			t.Errorf("%q is written", program)
		}
	}
}

func TestAFolderThatRefusesIsSaidAndLeavesNothing(t *testing.T) {
	for _, goos := range files {
		e := newEntry(t, goos, "opt/lamplighter")
		if err := os.MkdirAll(filepath.Dir(filepath.Dir(e.path())), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Dir(e.path()), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := e.Enable(); err == nil || !strings.Contains(err.Error(), filepath.Dir(e.path())) {
			t.Errorf("%v", err)
		}
	}
}

func TestAProgramThatIsGoneIsNamed(t *testing.T) {
	for _, goos := range files {
		e := newEntry(t, goos, "opt/lamplighter", "--at-login")
		is := func(want, when string) {
			t.Helper()
			if got, err := e.Gone(); got != want || err != nil {
				t.Errorf("%s, %s: %q, %v", goos, when, got, err)
			}
		}
		is("", "no entry")
		e.do(t, Entry.Enable)
		is("", "it is there")
		if err := os.Remove(e.Executable); err != nil {
			t.Fatal(err)
		}
		is(e.Executable, "it is gone")
		e.do(t, func(e Entry) error {
			found, err := e.read()
			if err == nil {
				found.turn(false)
				err = e.write(found.String())
			}
			return err
		})
		is("", "switched off")
	}
}
