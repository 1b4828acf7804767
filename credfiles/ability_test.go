package credfiles

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestCodexSinceOneFortyNineCannotRenewWhatNamesNoIssuer(t *testing.T) {
	l := realLab(t, &codex)
	s := l.store()
	creds, _ := s.Scan(t.Context())
	c := creds[slices.IndexFunc(creds, func(c Credential) bool { return !c.Refresh.IsZero() && c.Issuer != "" })]
	without := c
	without.Issuer = ""
	login := without
	login.Kind = "login"
	for _, test := range []struct {
		what     string
		c        Credential
		versions []string
		hinders  bool
	}{
		{"with an issuer", c, nil, false},
		{"without one", without, nil, true},
		{"without one, old versions only", without, []string{"0.148.0", "0.140.0"}, false},
		{"without one, a new one beside", without, []string{"0.148.0", "0.169.0"}, true},
		{"a version that says nothing", without, []string{""}, true},
		{"its own login", login, nil, false},
	} {
		if got := slices.Contains(s.Hindrances(test.c, test.versions), Unbound); got != test.hinders {
			t.Errorf("%s: %v, want %v", test.what, got, test.hinders)
		}
	}
}

func TestAStoreThatIsALinkHindersItsClient(t *testing.T) {
	for c, want := range map[*client]Hindrance{&codex: LinkRefused, &claude: LinkReplaced, &gemini: ""} {
		l := realLab(t, c)
		s := l.store()
		creds, _ := s.Scan(t.Context())
		if got := s.Hindrances(creds[0], nil); len(got) != 0 {
			t.Errorf("%s, a file: %v", c.name, got)
		}
		elsewhere := filepath.Join(t.TempDir(), "store")
		l.must(os.Rename(s.path, elsewhere))
		if err := os.Symlink(elsewhere, s.path); err != nil {
			t.Skip(err)
		}
		got := s.Hindrances(creds[0], nil)
		if want == "" && len(got) > 0 || want != "" && !slices.Equal(got, []Hindrance{want}) {
			t.Errorf("%s, a link: %v, want %s", c.name, got, want)
		}
	}
}

func TestAnObstacleIsFoundWithoutALockAndLeavesNothing(t *testing.T) {
	l := realLab(t, &claude)
	s := l.store()
	entries := func() int {
		all, err := os.ReadDir(s.home)
		l.must(err)
		return len(all)
	}
	before, text := entries(), l.get(".credentials.json")
	if p := s.Obstacle(t.Context()); p != nil {
		t.Errorf("a healthy store: %v", p)
	}
	if entries() != before || l.get(".credentials.json") != text {
		t.Error("something was left behind or changed")
	}
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	l.must(os.Chmod(s.home, 0o555))
	t.Cleanup(func() { os.Chmod(s.home, 0o755) })
	if p := s.Obstacle(t.Context()); p == nil || p.Kind != Folder && p.Kind != Denied {
		t.Errorf("a folder that may not be written: %v", p)
	}
}

func TestProgramsAreFoundWithoutRunningThem(t *testing.T) {
	dir := t.TempDir()
	ran := filepath.Join(dir, "ran")
	put := func(name, text string, mode os.FileMode) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	script := "#!/bin/sh\ntouch " + ran + "\n"
	put("lib/node_modules/@openai/codex/package.json", `{"name":"@openai/codex","version":"0.148.0"}`, 0o644)
	put("lib/node_modules/@openai/codex/bin/codex.js", script, 0o755)
	put("bin/claude", script, 0o755)
	put("bin/node", script, 0o755)
	put("bin/gemini", script, 0o644)
	put(".vscode/extensions/openai.chatgpt-0.4.19-linux-x64/bin/linux-x86_64/codex", script, 0o755)
	if err := os.Symlink("../lib/node_modules/@openai/codex/bin/codex.js", filepath.Join(dir, "bin", "codex")); err != nil {
		t.Skip(err)
	}
	path := filepath.Join(dir, "bin") + string(filepath.ListSeparator) + "relative" + string(filepath.ListSeparator) + filepath.Join(dir, "bin")
	h := Host{OS: "linux", Home: dir, Getenv: func(name string) string { return map[string]string{"PATH": path}[name] }}
	want := []Program{
		{"codex", filepath.Join(dir, "bin", "codex"), "0.148.0"},
		{"claude", filepath.Join(dir, "bin", "claude"), ""},
		{"codex", filepath.Join(dir, ".vscode/extensions/openai.chatgpt-0.4.19-linux-x64/bin/linux-x86_64/codex"), ""},
	}
	if got := h.Programs(); !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("a program was run")
	}
}

func TestVersionsThatSpoilEachOthersEntriesClash(t *testing.T) {
	for _, test := range []struct {
		client   string
		versions []string
		clash    bool
	}{
		{"codex", []string{"0.148.0", "0.169.0"}, true},
		{"codex", []string{"0.149.1", "0.169.0"}, false},
		{"codex", []string{"0.140.0", "0.148.0"}, false},
		{"codex", nil, false},
		{"claude", []string{"2.1.74", "2.1.329"}, false},
	} {
		if got := Clash(test.client, test.versions); got != test.clash {
			t.Errorf("%s %v: %v", test.client, test.versions, got)
		}
	}
}
