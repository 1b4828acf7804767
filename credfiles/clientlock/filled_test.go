package clientlock

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// opencodes are the files that opencode 1.18.33 puts into its locks.
func opencodes(token string) map[string]string {
	return map[string]string{"heartbeat": "", "meta.json": `{"token":"` + token + `"}`}
}

// The two clients that lock like this, asked for less often so that simulated
// hours stay cheap.
var filled = map[string]FilledOptions{
	"opencode": {Files: opencodes, Beat: "heartbeat", Breaker: ".breaker", Stale: 60 * time.Second, Heartbeat: 20 * time.Second, Retry: 250 * time.Millisecond},
	"Cline": {
		Files: func(token string) map[string]string { return map[string]string{"owner." + token: token} },
		Stale: 10 * time.Second, Heartbeat: 3 * time.Second, Retry: 250 * time.Millisecond,
	},
}

func eachFilled(t *testing.T, test func(t *testing.T, path string, opts FilledOptions)) {
	for name, opts := range filled {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				test(t, filepath.Join(t.TempDir(), "locks", "x.lock"), opts)
			})
		})
	}
}

func filledHolder(t *testing.T, path string, opts FilledOptions) *Lock {
	t.Helper()
	l, err := Filled(patience(t, time.Minute), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Release() })
	return l
}

// names are what stands in a folder.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestAFilledLockStandsThereWholeAndLeavesNothing(t *testing.T) {
	eachFilled(t, func(t *testing.T, path string, opts FilledOptions) {
		l := filledHolder(t, path, opts)
		if n := len(names(t, path)); n != len(opts.Files("")) {
			t.Errorf("%d files", n)
		}
		if mode := stat(t, path).Mode().Perm(); mode != 0o700 {
			t.Errorf("mode %v", mode)
		}
		if got := names(t, filepath.Dir(path)); !slices.Equal(got, []string{"x.lock"}) {
			t.Errorf("beside it: %q", got)
		}
		if err := l.Release(); err != nil {
			t.Error(err)
		}
		if got := names(t, filepath.Dir(path)); len(got) != 0 {
			t.Errorf("left behind: %q", got)
		}
	})
}

func TestAFilledLockNeverLooksStaleAndKeepsOthersOut(t *testing.T) {
	eachFilled(t, func(t *testing.T, path string, opts FilledOptions) {
		l := filledHolder(t, path, opts)
		for range 200 {
			time.Sleep(time.Second)
			info, err := opts.look(path)
			if err != nil {
				t.Fatal(err)
			}
			if age := time.Since(info.ModTime()); age > opts.Heartbeat+time.Second || age >= opts.Stale {
				t.Fatalf("it looks %v old", age)
			}
		}
		if err := l.Check(); err != nil {
			t.Error(err)
		}
		_, err := Filled(patience(t, 3*opts.Stale), path, opts)
		if _, ok := errors.AsType[*BusyError](err); !ok {
			t.Error(err)
		}
	})
}

func TestAnAbandonedFilledLockIsTakenOverPastTheStaleAge(t *testing.T) {
	eachFilled(t, func(t *testing.T, path string, opts FilledOptions) {
		succeed(t, os.MkdirAll(path, 0o700))
		for name, text := range opts.Files("another") {
			succeed(t, os.WriteFile(filepath.Join(path, name), []byte(text), 0o600))
		}
		setAge(t, filepath.Join(path, opts.Beat), 0)
		_, err := Filled(patience(t, opts.Stale), path, opts)
		if _, ok := errors.AsType[*BusyError](err); !ok {
			t.Fatal("taken over while it is young:", err)
		}
		if opts.Breaker != "" {
			// Another takes it over just now.
			succeed(t, os.Mkdir(path+opts.Breaker, 0o700))
			if _, err := Filled(patience(t, 2*opts.Stale), path, opts); err == nil {
				t.Fatal("taken over by two")
			}
			succeed(t, os.Remove(path+opts.Breaker))
		}
		l := filledHolder(t, path, opts)
		if err := l.Check(); err != nil {
			t.Error(err)
		}
		if got := names(t, filepath.Dir(path)); !slices.Equal(got, []string{"x.lock"}) {
			t.Errorf("beside it: %q", got)
		}
	})
}

func TestAFilledLockThatWasTakenIsLostAndLeftAlone(t *testing.T) {
	eachFilled(t, func(t *testing.T, path string, opts FilledOptions) {
		l := filledHolder(t, path, opts)
		succeed(t, os.RemoveAll(path))
		succeed(t, os.Mkdir(path, 0o700))
		for name, text := range opts.Files("another") {
			succeed(t, os.WriteFile(filepath.Join(path, name), []byte(text), 0o600))
		}
		time.Sleep(2 * opts.Heartbeat)
		if err := l.Check(); !errors.Is(err, ErrLost) {
			t.Error(err)
		}
		if err := l.Release(); !errors.Is(err, ErrLost) {
			t.Error(err)
		}
		for name, text := range opts.Files("another") {
			if got, err := os.ReadFile(filepath.Join(path, name)); err != nil || string(got) != text {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
	})
}

func TestWhereNoFilledLockCanBeIsAnError(t *testing.T) {
	for name, opts := range filled {
		path := filepath.Join(t.TempDir(), "x.lock")
		succeed(t, os.WriteFile(path, nil, 0o600))
		_, err := Filled(patience(t, time.Second), path, opts)
		if _, busy := errors.AsType[*BusyError](err); err == nil || busy {
			t.Errorf("%s, a file: %v", name, err)
		}
		if _, err := Filled(patience(t, time.Second), filepath.Join(path, "y.lock"), opts); err == nil {
			t.Errorf("%s, below a file: no error", name)
		}
		if _, err := Filled(patience(t, time.Second), path, FilledOptions{Files: opts.Files}); err == nil {
			t.Errorf("%s: no heartbeat, and no error", name)
		}
	}
}

func succeed(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
