package credfiles

import (
	"context"
	"path/filepath"
	"testing"

	"lamplighter/credfiles/processes"
)

func TestTheHomeOfARunningClientIsFound(t *testing.T) {
	l := realLab(t, &codex)
	work, other := l.mkdir("work"), l.mkdir("other")
	var found []Home
	l.host.Found = func(h Home) { found = append(found, h) }
	l.host.User = "1000"
	home := "HOME=" + l.host.Home
	l.host.Processes = func(context.Context, func(string) bool) ([]processes.Process, error) {
		return []processes.Process{
			{PID: 1, Name: "codex", Owner: "1000", Env: environ(home)},
			{PID: 2, Name: "codex", Owner: "1000", Env: environ(home, "CODEX_HOME="+work)},
			{PID: 3, Name: "codex", Owner: "1001", Env: environ(home, "CODEX_HOME="+other)},
			{PID: 4, Name: "codex", Owner: "1000", Env: environ("HOME=/elsewhere", "CODEX_HOME="+other)},
			{PID: 5, Name: "codex", Owner: "1000", Env: environ(home, "CODEX_HOME="+filepath.Join(other, "gone"))},
			{PID: 6, Name: "codex", Owner: "1000", Env: environ(home, "CODEX_HOME=other")},
			{PID: 7, Name: "bash", Owner: "1000", Env: environ(home, "CODEX_HOME="+other)},
		}, nil
	}
	if _, err := Holders(context.Background(), l.stores()); err != nil {
		t.Fatal(err)
	}
	equal(t, "found", found, []Home{{Client: "codex", Path: work, Found: true}})
	if Lists(l.stores(), found[0]) || !Lists(l.stores(found...), found[0]) {
		t.Error("its stores are listed before, or not after")
	}
	// It is a profile, and takes no name from another.
	equal(t, "homes", l.profiles(found...), []string{"=.codex", "work=work"})
	l.mkdir("mine/work")
	named := append(found, Home{Client: "codex", Path: "~/mine/work"})
	if homes := l.profiles(named...); len(homes) != 3 || homes[1] != "work=mine/work" || homes[2] == "work=work" {
		t.Error(homes)
	}
	equal(t, "homes", l.profiles(append(found, Home{Client: "codex", Path: "~/work", Name: "office"})...), []string{"=.codex", "office=work"})
}

func TestTheHomesOfAWindowsAreFoundFromWSL(t *testing.T) {
	l := newLab(t, &codex)
	l.mkdir("Users/ann/.codex")
	l.mkdir("Users/ann/.claude")
	l.mkdir("Users/a@b/AppData/Local/hermes")
	l.mkdir("Users/Public/.codex")
	users := filepath.Join(l.host.Home, "Users")
	var all []string
	for _, h := range across(users) {
		name, err := filepath.Rel(users, h.Path)
		l.must(err)
		all = append(all, h.Client+" "+h.Name+" "+name)
	}
	equal(t, "homes", all, []string{
		"hermes windows-a_b a@b/AppData/Local/hermes", "codex windows-ann ann/.codex", "claude windows-ann ann/.claude",
	})
	if l.host.Across() != nil {
		t.Error("a Linux that is not WSL looks for a Windows")
	}
}
