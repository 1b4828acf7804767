package ledger_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"lamplighter/credfiles/keyring"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// A vault is a keyring in memory, which can refuse.
type vault struct {
	mu      sync.Mutex
	kept    map[string]string
	refuses error
	asked   int
}

func (v *vault) Recall(_ context.Context, name string) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked++
	text, ok := v.kept[name]
	switch {
	case v.refuses != nil && !errors.Is(v.refuses, keyring.ErrVolatile):
		return nil, v.refuses
	case !ok:
		return nil, fs.ErrNotExist
	}
	return []byte(text), nil
}

func (v *vault) Keep(_ context.Context, name string, secret []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.refuses != nil {
		return v.refuses
	}
	if v.kept == nil {
		v.kept = map[string]string{}
	}
	v.kept[name] = string(secret)
	return nil
}

// sealed opens a state folder with a vault.
func sealed(t *testing.T, dir string, v ledger.Vault) *ledger.Locked {
	t.Helper()
	l := open(t, dir)
	l.Vault = v
	lk, err := l.Lock(ctx, key("a"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lk.Unlock() })
	lk.Protected = true
	return lk
}

func protectedSent() ledger.Sent {
	s := sent("a")
	s.Protected = true
	return s
}

// plainly finds a token, or an answer, anywhere in a state folder.
func plainly(t *testing.T, dir string) (found string) {
	t.Helper()
	told := []string{"EXAMPLE", base64.StdEncoding.EncodeToString([]byte("answer EXAMPLE")), base64.StdEncoding.EncodeToString([]byte("image EXAMPLE"))}
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if text, err := os.ReadFile(path); err == nil && slices.ContainsFunc(told, func(s string) bool { return bytes.Contains(text, []byte(s)) }) {
			found = path
		}
		return nil
	})
	return found
}

func TestWhatIsRememberedOfAProtectedStoreIsSealed(t *testing.T) {
	dir, v := t.TempDir(), &vault{}
	lk := sealed(t, dir, v)
	rec, err := lk.Begin(protectedSent())
	if err != nil {
		t.Fatal(err)
	}
	v.refuses = keyring.ErrLocked // the key is in memory by now
	if err := rec.Answered(answer("answer EXAMPLE")); err != nil {
		t.Fatal(err)
	}
	if err := rec.Imaged([]byte("image EXAMPLE")); err != nil {
		t.Fatal(err)
	}
	if err := lk.SaveKept(ledger.Kept{Good: ledger.Keep(someToken(1), 3), Orphan: ledger.Keep(someToken(2), 4)}); err != nil {
		t.Fatal(err)
	}
	if name := plainly(t, dir); name != "" {
		t.Errorf("%s is plain", name)
	}
	if lk.Unsealed() {
		t.Error("it says that it is not sealed")
	}
	rec.Close()
	lk.Unlock()

	// Locked, another process sees that there is something, and what it is about.
	lk = sealed(t, dir, v)
	var unread *ledger.SealedError
	if _, err := lk.Unfinished(); !errors.As(err, &unread) || unread.Lost || !errors.Is(err, keyring.ErrLocked) || unread.For != lk.Fingerprint(sent("a").Before.Refresh) {
		t.Errorf("%+v, %v", unread, err)
	}
	if _, err := lk.Kept(key("a")); !errors.As(err, &unread) {
		t.Errorf("kept: %v", err)
	}
	if all, err := lk.Pending(); err != nil || len(all) != 1 || !all[0].Sealed || all[0].Sent.Key != key("a") || all[0].Answer != nil || all[0].For == "" {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := lk.Begin(protectedSent()); err == nil {
		t.Error("a sealed record was written over")
	}
	v.refuses = nil
	rec, err = lk.Unfinished()
	if err != nil || rec == nil || string(rec.Answer.Body) != "answer EXAMPLE" || string(rec.Image) != "image EXAMPLE" {
		t.Fatalf("%v, %v", rec, err)
	}
	// What is added to it is sealed as well.
	if err := rec.Answered(answer("answer EXAMPLE")); err != nil {
		t.Fatal(err)
	}
	if name := plainly(t, dir); name != "" {
		t.Errorf("%s is plain", name)
	}
	if k, err := lk.Kept(key("a")); err != nil || !k.Good.Reveal().Refresh.Equal(someToken(1).Refresh) || !k.Orphan.Reveal().Access.Equal(someToken(2).Access) || k.Orphan.Lineage != 4 {
		t.Errorf("%v, %v", k, err)
	}
	if err := rec.Done(); err != nil {
		t.Fatal(err)
	}
	if rec, err := lk.Unfinished(); rec != nil || err != nil {
		t.Errorf("%v, %v", rec, err)
	}
}

func TestTheLargestAnswerFitsIntoWhatWasReservedSealed(t *testing.T) {
	dir, v := t.TempDir(), &vault{}
	lk := sealed(t, dir, v)
	rec := begin(t, lk, protectedSent())
	name := filepath.Join(dir, "journal", lk.OwnerOf(lk.Key))
	before, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := rec.Answered(answer(strings.Repeat("x", exchange.MaxBody))); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(name); err != nil || after.Size() != before.Size() {
		t.Errorf("%d bytes were reserved, it has %d now (%v)", before.Size(), after.Size(), err)
	}
}

// A crash may tear any line of a sealed record as of a plain one.
func TestATornSealedLineIsNotWritten(t *testing.T) {
	dir, v := t.TempDir(), &vault{}
	lk := sealed(t, dir, v)
	rec, err := lk.Begin(protectedSent())
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "journal", lk.OwnerOf(key("a")))
	first, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	first = first[:bytes.IndexByte(first, '\n')+1]
	if err := rec.Answered(answer("answer EXAMPLE")); err != nil {
		t.Fatal(err)
	}
	rec.Close()
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	end := bytes.IndexByte(whole, 0)
	for cut := 0; cut < end; cut += 7 {
		torn := append(bytes.Clone(whole[:cut]), make([]byte, len(whole)-cut)...)
		if err := os.WriteFile(name, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		rec, err := lk.Unfinished()
		switch {
		case err != nil:
			t.Fatalf("cut at %d: %v", cut, err)
		case cut < len(first)-1 && rec != nil, cut >= len(first)-1 && rec == nil:
			t.Fatalf("cut at %d of %d and %d: %v", cut, len(first), end, rec)
		case rec != nil:
			if whole := cut >= end-1; (rec.Answer != nil) != whole {
				t.Fatalf("cut at %d: an answer is there: %v", cut, !whole)
			}
			rec.Close()
		}
	}
}

// Without a key nothing is sent, and what is sealed is not thrown away.
func TestNothingBeginsWithoutAKey(t *testing.T) {
	for _, refuses := range []error{keyring.ErrLocked, keyring.ErrSlow, keyring.ErrAbsent, errors.New("odd")} {
		dir := t.TempDir()
		lk := sealed(t, dir, &vault{refuses: refuses})
		if _, err := lk.Begin(protectedSent()); !errors.Is(err, refuses) {
			t.Error(err)
		}
		if err := lk.SaveKept(ledger.Kept{Good: ledger.Keep(someToken(1), 0)}); !errors.Is(err, refuses) {
			t.Error(err)
		}
		if name := plainly(t, dir); name != "" || lk.Unsealed() {
			t.Errorf("%v: %s is plain", refuses, name)
		}
		lk.Unlock()
	}
}

// Where the system keeps nothing for us, our files are as plain as those of
// other credentials, and that is said.
func TestWithoutAVaultItIsSaidThatFilesArePlain(t *testing.T) {
	for name, v := range map[string]ledger.Vault{"none": nil, "volatile": &vault{refuses: keyring.ErrVolatile}} {
		dir := t.TempDir()
		lk := sealed(t, dir, v)
		rec, err := lk.Begin(protectedSent())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		rec.Close()
		if !lk.Unsealed() || plainly(t, dir) == "" {
			t.Errorf("%s: it is not said", name)
		}
		if rec, err := lk.Unfinished(); err != nil || !rec.Sent.Before.Refresh.Equal(token("a", 1)) {
			t.Errorf("%s: %v", name, err)
		} else {
			rec.Done()
		}
		lk.Unlock()
		lk = sealed(t, dir, &vault{})
		if rec, err = lk.Begin(protectedSent()); err != nil || lk.Unsealed() {
			t.Errorf("%s, later: %v, still said: %v", name, err, lk.Unsealed())
		}
		rec.Close()
		lk.Unlock()
	}
}

func TestAKeyThatIsGoneIsTold(t *testing.T) {
	for name, loss := range map[string]func(*vault){
		"gone":    func(v *vault) { v.kept = nil },
		"another": func(v *vault) { v.kept = map[string]string{only(v.kept): strings.Repeat("0f", 32)} },
	} {
		dir, v := t.TempDir(), &vault{}
		lk := sealed(t, dir, v)
		rec, err := lk.Begin(protectedSent())
		if err != nil {
			t.Fatal(err)
		}
		rec.Close()
		if err := lk.SaveKept(ledger.Kept{Good: ledger.Keep(someToken(1), 0)}); err != nil {
			t.Fatal(err)
		}
		lk.Unlock()
		loss(v)
		lk = sealed(t, dir, v)
		var unread *ledger.SealedError
		if _, err := lk.Unfinished(); !errors.As(err, &unread) || !unread.Lost {
			t.Errorf("%s: %v", name, err)
		}
		if k, err := lk.Kept(key("a")); err != nil || k != (ledger.Kept{}) {
			t.Errorf("%s: %v, %v", name, k, err)
		}
		if err := lk.Drop(); err != nil {
			t.Error(err)
		}
		if rec, err := lk.Unfinished(); rec != nil || err != nil {
			t.Errorf("%s: %v, %v", name, rec, err)
		}
		lk.Unlock()
	}
}

func only(m map[string]string) (name string) {
	for name = range m {
	}
	return name
}

// Two processes that begin at once end with one key.
func TestTwoFirstStartsMakeOneKey(t *testing.T) {
	dir, v := t.TempDir(), &vault{}
	open(t, dir)
	var group sync.WaitGroup
	for _, name := range []string{"a", "b", "c", "d"} {
		group.Go(func() {
			l, err := ledger.Open(dir)
			if err != nil {
				t.Error(err)
				return
			}
			l.Vault = v
			lk, err := l.Lock(ctx, key(name))
			if err != nil {
				t.Error(err)
				return
			}
			defer lk.Unlock()
			lk.Protected = true
			if err := lk.SaveKept(ledger.Kept{Good: ledger.Keep(someToken(1), 0)}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	l := open(t, dir)
	l.Vault = v
	for _, name := range []string{"a", "b", "c", "d"} {
		if k, err := l.Kept(key(name)); err != nil || k.Good == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
