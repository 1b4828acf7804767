//go:build e2e

package unattended

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

// What cannot be remembered is told twice rather than never, but by one keeper
// once: however often it looks.
func TestAHookIsRunOnceOnAFullDisk(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l := lab.New(t)
	l.Claude("a", s, authtest.GrantOptions{})
	told := filepath.Join(filepath.Dir(l.Home), "told")
	script := filepath.Join(filepath.Dir(l.Home), "tell")
	if err := os.WriteFile(script, []byte("#!/bin/sh\ncat >> '"+told+"'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	l.Settings(fmt.Sprintf("[[hook]]\non = [\"sign-in-needed\", \"recovered\"]\ncommand = [%q]\n", script))
	if err := os.MkdirAll(l.State, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", l.State, "tmpfs", 0, "size=256k,mode=700"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(l.State, unix.MNT_DETACH) })
	if first := l.Run("refresh"); first.Code != 0 {
		t.Fatal(first)
	}
	filler, err := os.Create(filepath.Join(l.State, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = filler.Write(make([]byte, 512))
	}
	filler.Close()

	keeper := l.Keep()
	dead := l.Claude("dead", s, authtest.GrantOptions{})
	var store struct {
		OAuth map[string]map[string]any `json:"mcpOAuth"`
	}
	text, err := os.ReadFile(dead.Store)
	if err == nil {
		err = json.Unmarshal(text, &store)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range store.OAuth {
		if e["serverName"] == "dead" { // as its client leaves it after a refusal
			e["accessToken"], e["expiresAt"] = "", 0
			delete(e, "refreshToken")
		}
	}
	write := func(more string) {
		text, err := json.Marshal(store)
		if err == nil {
			err = os.WriteFile(dead.Store, append(text, more...), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write("")
	calls := func() int {
		text, _ := os.ReadFile(told)
		return strings.Count(string(text), "claude/mcp/dead")
	}
	if !lab.Until(patience, func() bool { return calls() > 0 }) {
		t.Fatalf("nobody was told:\n%s", l.Said(keeper))
	}
	for i := range 5 { // it looks again at each of these
		write(strings.Repeat("\n", i))
		time.Sleep(time.Second)
	}
	if code := l.Stop(keeper); code != 0 {
		t.Errorf("it ended with %d", code)
	}
	if n := calls(); n != 1 {
		t.Errorf("told %d times:\n%s", n, l.Said(keeper))
	}
	if problems := strings.Join(append(s.Check(), l.Leaks()), ""); problems != "" {
		t.Error(problems)
	}
}
