package ledger_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

var ctx = context.Background()

func key(entry string) credfiles.Key {
	return credfiles.Key{Store: "/home/someone/.codex/.credentials.json", Entry: entry}
}

// token is the nth refresh token of an entry.
func token(entry string, n int) credfiles.Secret {
	return credfiles.NewSecret(fmt.Sprintf("rt-%s-%d-EXAMPLE", entry, n))
}

func open(t *testing.T, dir string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// locked opens the folder as another process would, and takes one
// credential's lock.
func locked(t *testing.T, dir, entry string) *ledger.Locked {
	t.Helper()
	lk, err := open(t, dir).Lock(ctx, key(entry))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lk.Unlock() })
	return lk
}

func put(t *testing.T, text string, elem ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(elem...), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// files are the regular files below a folder, with their content.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		all[filepath.ToSlash(name)], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestFirstStartsAtOnceEndWithOneSalt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	prints := others(t, "open", dir, make([]string, 8))
	if len(slices.Compact(prints)) != 1 || len(prints[0]) != 32 {
		t.Errorf("fingerprints of one token: %q", prints)
	}
	if p := open(t, dir).Fingerprint(credfiles.NewSecret("rt-EXAMPLE")); p != prints[0] {
		t.Errorf("later it is %s", p)
	}
}

func TestAFirstStartThatWasCutShortIsGoneOnWith(t *testing.T) {
	whole := t.TempDir()
	print := open(t, whole).Fingerprint(token("a", 1))
	salt := files(t, whole)["salt"]
	for _, missing := range [][]string{{"format"}, {"format", "marks"}} {
		dir := t.TempDir()
		open(t, dir)
		put(t, string(salt), dir, "salt")
		for _, name := range missing {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		l := open(t, dir)
		if got := l.Fingerprint(token("a", 1)); got != print {
			t.Errorf("without %v there is another salt", missing)
		}
		if _, _, err := l.Marked(print); err != nil {
			t.Errorf("without %v: %v", missing, err)
		}
	}
}

func TestAFolderOfANewerVersionIsLeftAloneAndSaid(t *testing.T) {
	dir := t.TempDir()
	put(t, "2\n", dir, "format")
	_, err := ledger.Open(dir)
	var newer *ledger.FormatError
	if !errors.As(err, &newer) || newer.Found != 2 || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("it was touched: %v, %v", entries, err)
	}
}

func TestWhatCannotBeReadIsDamageAndNoNewBeginning(t *testing.T) {
	for _, name := range []string{"format", "salt"} {
		for _, text := range []string{"", "x\n", "-1\n"} {
			dir := t.TempDir()
			open(t, dir)
			put(t, text, dir, name)
			if _, err := ledger.Open(dir); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, name)) {
				t.Errorf("%s with %q: %v", name, text, err)
			}
			if got := files(t, dir)[name]; string(got) != text {
				t.Errorf("%s with %q was overwritten", name, text)
			}
		}
	}
}

// A keeper runs for months. Meanwhile somebody may upgrade the program, erase
// the folder, or put a backup in its place.
func TestNothingIsLockedInAFolderThatIsAnotherOneNow(t *testing.T) {
	for name, change := range map[string]func(dir string){
		"newer format":        func(dir string) { put(t, "2\n", dir, "format") },
		"gone":                func(dir string) { os.RemoveAll(dir) },
		"empty":               func(dir string) { os.RemoveAll(dir); os.MkdirAll(filepath.Join(dir, "locks"), 0o700) },
		"begun anew":          func(dir string) { os.RemoveAll(dir); open(t, dir) },
		"salt gone":           func(dir string) { os.Remove(filepath.Join(dir, "salt")) },
		"a file in its place": func(dir string) { os.RemoveAll(dir); put(t, "", dir) },
	} {
		dir := filepath.Join(t.TempDir(), "state")
		l := open(t, dir)
		change(dir)
		if lk, err := l.Lock(ctx, key("a")); err == nil {
			lk.Unlock()
			t.Errorf("%s: locked", name)
		}
	}
}

func TestALockWhoseFileWasRemovedIsLost(t *testing.T) {
	dir := t.TempDir()
	lk := locked(t, dir, "a")
	if err := lk.Check(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "locks")); err != nil {
		t.Fatal(err)
	}
	if lk.Check() == nil {
		t.Error("it counts as ours though anybody can take another")
	}
}

func TestOneCredentialsLockKeepsOthersOut(t *testing.T) {
	dir := t.TempDir()
	locked(t, dir, "a")
	locked(t, dir, "b")
	short, cancel := context.WithTimeout(ctx, 30*time.Millisecond)
	defer cancel()
	if _, err := open(t, dir).Lock(short, key("a")); err == nil {
		t.Error("taken twice")
	}
}

// everything uses every part of the ledger, with tokens wherever they may
// stand.
func everything(t *testing.T, dir string) (secrets []string) {
	t.Helper()
	lk := locked(t, dir, "a")
	access, old, next := "at-SECRET-EXAMPLE", "rt-SECRET-old-EXAMPLE", "rt-SECRET-new-EXAMPLE"
	before := credfiles.Credential{Key: key("a"), ID: "codex/mcp/a", Token: credfiles.Token{
		Access: credfiles.NewSecret(access), Refresh: credfiles.NewSecret(old),
	}}
	rec, err := lk.Begin(ledger.SentOf(before, exchange.Post{TokenURL: "https://as.example/token"}, 0, false))
	if err != nil {
		t.Fatal(err)
	}
	answer := exchange.Answer{Status: 200, Body: []byte(`{"refresh_token":"` + next + `"}`), Written: true}
	if err := errors.Join(
		rec.Answered(answer),
		rec.Imaged([]byte(next)),
		lk.SaveKept(ledger.Kept{Good: ledger.Keep(before.Token, 0), Orphan: ledger.Keep(before.Token, 0)}),
		lk.MarkSpent(lk.Fingerprint(before.Refresh), 0),
		lk.MarkDead(lk.Fingerprint(credfiles.NewSecret(next)), 0),
		lk.Save(ledger.Memory{ID: "codex/mcp/a", Refresh: lk.Fingerprint(before.Refresh), Wait: ledger.Ambiguous}),
		lk.SetMode(key("a"), ledger.Mode{Mode: "keep"}),
		lk.Log(ledger.Event{ID: "codex/mcp/a", What: "sent", Old: lk.Fingerprint(before.Refresh)[:8]}, 1<<20, 1),
		lk.Signal(),
	); err != nil {
		t.Fatal(err)
	}
	return []string{access, old, next}
}

func TestTokensStandInTheJournalAndTheKeptRecordsOnly(t *testing.T) {
	dir := t.TempDir()
	secrets := everything(t, dir)
	for name, text := range files(t, dir) {
		if strings.HasPrefix(name, "journal/") || strings.HasPrefix(name, "kept/") {
			continue
		}
		for _, s := range secrets {
			if bytes.Contains(text, []byte(s)) || bytes.Contains(text, []byte(base64.StdEncoding.EncodeToString([]byte(s))[:12])) {
				t.Errorf("%s holds a token", name)
			}
		}
	}
}

func TestEverythingIsForItsOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	everything(t, dir)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNothingThatHoldsATokenPrintsIt(t *testing.T) {
	dir := t.TempDir()
	secrets := everything(t, dir)
	l := open(t, dir)
	records, err := l.Pending()
	if err != nil || len(records) != 1 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	kept, err := l.Kept(key("a"))
	if err != nil || kept.Good == nil {
		t.Fatal(err)
	}
	inside := struct {
		k ledger.KeptToken
		s ledger.Sent
	}{*kept.Good, records[0].Sent}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		text := fmt.Sprintf(verb+verb+verb+verb+verb, records, &records[0], *kept.Good, records[0].Sent, inside)
		for _, s := range secrets {
			if strings.Contains(text, s) || strings.Contains(text, fmt.Sprintf("%x", s)) {
				t.Errorf("%s shows a token", verb)
			}
		}
	}
}

func TestTheSignalFileChangesWithEverySignal(t *testing.T) {
	l := open(t, t.TempDir())
	var before []byte
	for range 3 {
		if err := l.Signal(); err != nil {
			t.Fatal(err)
		}
		now, err := os.ReadFile(l.SignalFile())
		if err != nil || bytes.Equal(now, before) {
			t.Errorf("%q after %q, %v", now, before, err)
		}
		before = now
	}
}
