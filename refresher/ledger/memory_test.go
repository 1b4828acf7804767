package ledger_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"lamplighter/refresher/ledger"
)

func TestWhatIsRememberedComesBackInAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	at := time.Unix(1_900_000_000, 5).UTC()
	want := ledger.Memory{
		ID: "codex/mcp/a", Client: "client-1", Lineage: 2, Refresh: "r", Access: "a", Seen: at, Lifetime: time.Hour,
		RefreshExpiry: at, Refreshed: at, Repaired: at, For: "f", Tried: at, Failures: 3, Wait: ledger.Asked, Until: at, Verdict: "later", Code: "slow_down",
		Detail: "too fast", Setup: "s", Request: "q", Slowest: time.Second, Posts: 7, Skew: time.Minute, Endpoint: "https://as.example.com/token", TokenURL: "https://as.example/token", Issuer: "https://as.example", Reverts: []time.Time{at},
		Gone: at, Dead: at, Told: "d", Hooked: "h",
	}
	if err := locked(t, dir, "a").Save(want); err != nil {
		t.Fatal(err)
	}
	want.Store, want.Entry = key("a").Store, key("a").Entry
	for i, v := 0, reflect.ValueOf(want); i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Errorf("%s is not tested", v.Type().Field(i).Name)
		}
	}
	got, err := open(t, dir).Memory(key("a"))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestADamagedMemoryIsNoneAndOneThatCannotBeReadAnError(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	name := filepath.Join(dir, "memory", l.OwnerOf(key("a")))
	for _, text := range []string{"", "{", `{"failures":"x","id":"y"}`, "\x00\x00"} {
		put(t, text, name)
		if m, err := l.Memory(key("a")); err != nil || m.ID != "" || m.Entry != "a" {
			t.Errorf("%q: %+v, %v", text, m, err)
		}
	}
	os.Remove(name)
	if err := os.Mkdir(name, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Memory(key("a")); err == nil {
		t.Error("what cannot be read counts as nothing")
	}
}

func TestAPauseEndsByItself(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		l := open(t, dir)
		set := ledger.Mode{Mode: "keep", Paused: true, Until: time.Now().Add(time.Hour)}
		if err := l.SetMode(key("a"), set); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			wait   time.Duration
			paused bool
		}{{time.Hour - 1, true}, {1, false}, {1000 * time.Hour, false}} {
			time.Sleep(step.wait)
			m, err := open(t, dir).Mode(key("a"))
			if err != nil || m.Paused != step.paused || m.Mode != "keep" || step.paused == m.Until.IsZero() {
				t.Errorf("after %v more: %+v, %v", step.wait, m, err)
			}
		}
		if err := l.SetMode(key("a"), ledger.Mode{Paused: true}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10000 * time.Hour)
		if m, err := l.Mode(key("a")); err != nil || !m.Paused {
			t.Errorf("a pause without an end has ended: %+v, %v", m, err)
		}
	})
}

func TestAModeThatCannotBeUnderstoodAllowsNothing(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	name := filepath.Join(dir, "modes", l.OwnerOf(key("a")))
	for _, text := range []string{"", "{", "keep", `{"mode":"everything"}`, `{"mode":1}`, `{"paused":"no"}`, `{"paused":true,"until":"tomorrow"}`} {
		put(t, text, name)
		if m, err := l.Mode(key("a")); err != nil || m.Mode != "watch-only" && !m.Paused {
			t.Errorf("%q: %+v, %v", text, m, err)
		}
	}
	os.Remove(name)
	if err := os.Mkdir(name, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Mode(key("a")); err == nil {
		t.Error("what cannot be read counts as nothing said")
	}
}

func TestAModeThatSaysNothingLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	for _, m := range []ledger.Mode{{}, {Mode: "watch-only"}, {}, {}} {
		if err := l.SetMode(key("a"), m); err != nil {
			t.Fatal(err)
		}
		if got, err := l.Mode(key("a")); err != nil || got != m {
			t.Errorf("%+v, want %+v, %v", got, m, err)
		}
	}
	if entries, err := os.ReadDir(filepath.Join(dir, "modes")); err != nil || len(entries) != 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
}
