package watch

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

const quiet = 20 * time.Millisecond

// watching returns a Watcher of the paths.
func watching(t *testing.T, paths ...string) *Watcher {
	t.Helper()
	w, err := New(quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	w.Set(paths)
	if err := w.Err(); err != nil {
		t.Fatal(err)
	}
	return w
}

// signalled waits for a signal.
func signalled(t *testing.T, w *Watcher, after string) {
	t.Helper()
	select {
	case <-w.Changed():
	case <-time.After(20 * time.Second):
		t.Fatalf("no signal after %s", after)
	}
}

// silent looks for a signal that must not come. A slow computer cannot make
// it fail.
func silent(t *testing.T, w *Watcher, after string) {
	t.Helper()
	select {
	case <-w.Changed():
		t.Fatalf("a signal after %s", after)
	case <-time.After(15 * quiet):
	}
}

// settle takes the signals of what was done before.
func settle(w *Watcher) {
	for {
		select {
		case <-w.Changed():
		case <-time.After(10 * quiet):
			return
		}
	}
}

// real returns a temporary directory without links in its path.
func real(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(content), 0o600))
}

// replaceFile replaces a file as Claude Code does: temporary file, rename.
func replaceFile(t *testing.T, path, content string) {
	t.Helper()
	tmp := path + ".tmp.0badcafe"
	write(t, tmp, content)
	must(t, os.Rename(tmp, path))
}

// relink points a link elsewhere, as `ln -sfn` does.
func relink(t *testing.T, target, link string) {
	t.Helper()
	must(t, os.Symlink(target, link+".new"), os.Rename(link+".new", link))
}

func TestAChangeOfTheFileIsSignalled(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, path string){
		"replaced by rename": func(t *testing.T, path string) { replaceFile(t, path, "two") },
		"truncated in place": func(t *testing.T, path string) { write(t, path, "two") },
		"emptied":            func(t *testing.T, path string) { must(t, os.Truncate(path, 0)) },
		"deleted":            func(t *testing.T, path string) { must(t, os.Remove(path)) },
		"renamed away":       func(t *testing.T, path string) { must(t, os.Rename(path, path+".old")) },
		"made a directory":   func(t *testing.T, path string) { must(t, os.Remove(path), os.Mkdir(path, 0o700)) },
		"made read-only":     func(t *testing.T, path string) { must(t, os.Chmod(path, 0o400)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if runtime.GOOS == "windows" && name == "made read-only" {
				t.Skip("fsnotify reports no attributes there")
			}
			path := filepath.Join(real(t), ".credentials.json")
			write(t, path, "one")
			w := watching(t, path)
			change(t, path)
			signalled(t, w, name)
		})
	}
}

func TestTheWatchOutlivesEveryReplacement(t *testing.T) {
	t.Parallel()
	path := filepath.Join(real(t), ".credentials.json")
	write(t, path, "one")
	w := watching(t, path)
	for i := range 3 {
		replaceFile(t, path, fmt.Sprint("renamed ", i))
		signalled(t, w, "a rename")
		write(t, path, fmt.Sprint("truncated ", i))
		signalled(t, w, "a write in place")
		must(t, os.Remove(path))
		signalled(t, w, "a removal")
		write(t, path, "again")
		signalled(t, w, "a creation")
		settle(w)
	}
}

func TestOtherNamesAreSilent(t *testing.T) {
	t.Parallel()
	home := real(t)
	path := filepath.Join(home, ".credentials.json")
	missing := filepath.Join(home, ".codex", ".credentials.json")
	write(t, path, "one")
	write(t, filepath.Join(home, "unrelated"), "one")
	w := watching(t, path, missing)
	for i := range 50 {
		other := filepath.Join(home, fmt.Sprintf(".xsession-%d", i))
		write(t, other, "x")
		replaceFile(t, filepath.Join(home, "unrelated"), "y")
		must(t, os.Remove(other), os.Mkdir(other, 0o700), os.Remove(other))
	}
	silent(t, w, "changes of other names")
	w.Poll()
	silent(t, w, "a poll of unchanged files")
	write(t, path, "two")
	signalled(t, w, "a write")
}

func TestReadingIsSilent(t *testing.T) {
	t.Parallel()
	path := filepath.Join(real(t), ".credentials.json")
	write(t, path, "one")
	w := watching(t, path)
	for range 3 {
		if _, err := os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	silent(t, w, "reading")
	w.Poll()
	silent(t, w, "a poll after reading")
}

func TestABurstGivesOneSignal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(real(t), ".credentials.json")
	w, err := New(time.Second)
	must(t, err)
	t.Cleanup(w.Close)
	w.lull.quiet, w.lull.most = 3*time.Second, time.Hour
	w.Set([]string{path})
	for i := range 50 {
		replaceFile(t, path, fmt.Sprint(i))
	}
	signalled(t, w, "a burst")
	w.lull.mu.Lock()
	pending := !w.lull.first.IsZero()
	w.lull.mu.Unlock()
	if pending || len(w.Changed()) > 0 {
		t.Error("a second signal after one burst")
	}
}

func TestPollSeesWhatTheSystemDidNotReport(t *testing.T) {
	t.Parallel()
	home := real(t)
	path, elsewhere := filepath.Join(home, "watched", "store"), filepath.Join(home, "elsewhere", "name")
	must(t, os.Mkdir(filepath.Dir(path), 0o700), os.Mkdir(filepath.Dir(elsewhere), 0o700))
	write(t, path, "one")
	if err := os.Link(path, elsewhere); err != nil {
		t.Skip("no hard links here: ", err)
	}
	w := watching(t, path)
	settle(w)

	// inotify tells a directory only what happens through its own names.
	f, err := os.OpenFile(elsewhere, os.O_WRONLY, 0)
	must(t, err)
	defer f.Close()
	_, err = f.WriteString("two")
	must(t, err, f.Close())
	if runtime.GOOS == "linux" {
		silent(t, w, "a write through another directory")
	}
	w.Poll()
	if len(w.Changed()) == 0 && runtime.GOOS == "linux" {
		t.Error("Poll did not signal at once")
	}
	signalled(t, w, "Poll")
	w.Poll()
	silent(t, w, "a second Poll")
}

func TestPollFindsAnAncestorThatWasReplaced(t *testing.T) {
	t.Parallel()
	home := real(t)
	path := filepath.Join(home, "a", "b", "c", "store")
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	write(t, path, "one")
	w := watching(t, path)
	must(t, os.Rename(filepath.Join(home, "a"), filepath.Join(home, "old")))
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	write(t, path, "other")
	w.Poll()
	signalled(t, w, "Poll")
	settle(w)
	write(t, path, "again")
	signalled(t, w, "a write in the new directory")
}

func TestSetSignalsWhatChangedSinceTheLastLook(t *testing.T) {
	t.Parallel()
	home := real(t)
	path, other := filepath.Join(home, "store"), filepath.Join(home, "other", "store")
	write(t, path, "one")
	must(t, os.Mkdir(filepath.Dir(other), 0o700))
	w := watching(t, path)
	w.Set([]string{path, other})
	silent(t, w, "Set of a file more")
	write(t, other, "one")
	signalled(t, w, "a write to it")
	settle(w)
	w.Set([]string{other})
	write(t, path, "two")
	silent(t, w, "a write to a file that is watched no longer")
	if len(w.backend.WatchList()) != 1 {
		t.Errorf("watched: %q, want one directory", w.backend.WatchList())
	}
}

func TestNothingIsWatchedAndSentAfterClose(t *testing.T) {
	t.Parallel()
	path := filepath.Join(real(t), "store")
	w := watching(t, path)
	write(t, path, "one")
	w.Close()
	settle(w)
	write(t, path, "two")
	w.Set([]string{path})
	w.Poll()
	w.Close()
	silent(t, w, "Close")
}

func TestAnOverflowedQueueIsSignalled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(real(t), "store")
	w := watching(t, path)
	w.backend.Errors <- fsnotify.ErrEventOverflow
	signalled(t, w, "an overflow")
	if err := w.Err(); err != nil {
		t.Error(err)
	}
	write(t, path, "one")
	signalled(t, w, "a write")
}

func TestAFailedBackendIsSaidAndMadeAgainByPoll(t *testing.T) {
	t.Parallel()
	path := filepath.Join(real(t), "store")
	w := watching(t, path)
	w.backend.Errors <- os.ErrDeadlineExceeded
	signalled(t, w, "a failure")
	if err := w.Err(); err == nil || !strings.Contains(err.Error(), "polling only") {
		t.Errorf("Err: %v", err)
	}
	write(t, path, "one")
	w.Poll()
	signalled(t, w, "Poll")
	if err := w.Err(); err != nil {
		t.Error(err)
	}
	settle(w)
	write(t, path, "two")
	signalled(t, w, "a write")
}

// Directories may appear at any moment of Set's own work.
func TestNothingFallsBetweenTheLookAndTheWatch(t *testing.T) {
	t.Parallel()
	for range 300 {
		home := real(t)
		path := filepath.Join(home, "a", "b", "store")
		w, err := New(quiet)
		must(t, err)
		done := make(chan error)
		go func() {
			err := os.MkdirAll(filepath.Dir(path), 0o700)
			time.Sleep(time.Duration(rand.IntN(50_000)))
			done <- errors.Join(err, os.WriteFile(path, []byte("one"), 0o600))
		}()
		time.Sleep(time.Duration(rand.IntN(200_000)))
		w.Set([]string{path})
		must(t, <-done)
		for {
			w.look.Lock()
			_, now := walk{}.follow(path)
			same := w.seen[path] == now
			w.look.Unlock()
			if same {
				break
			}
			signalled(t, w, "a change during Set")
		}
		w.Close()
	}
}

// What is there in the end is always read, whatever happened on the way:
// a reader that looks at every signal, and never otherwise, has it.
func TestTheLastStateIsNeverMissed(t *testing.T) {
	t.Parallel()
	home := real(t)
	link, one, two := filepath.Join(home, "link"), filepath.Join(home, "one"), filepath.Join(home, "two")
	path := filepath.Join(link, "deep", "store")
	w := watching(t, path)
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	read := func() string {
		b, err := os.ReadFile(path)
		if err != nil {
			return "none"
		}
		return string(b)
	}
	last := read()
	for range 60 {
		for n := range 1 + r.IntN(6) {
			dir := []string{one, two}[r.IntN(2)]
			store := filepath.Join(dir, "deep", "store")
			content := fmt.Sprint(n, r.Uint64())
			switch r.IntN(9) {
			case 0:
				os.RemoveAll(dir)
			case 1:
				os.Remove(store)
			case 2, 3:
				os.MkdirAll(filepath.Dir(store), 0o700)
				fallthrough
			case 4:
				os.WriteFile(store, []byte(content), 0o600)
			case 5:
				os.WriteFile(store+".tmp", []byte(content), 0o600)
				os.Rename(store+".tmp", store)
			case 6, 7:
				os.Remove(link)
				os.Symlink(dir, link)
			case 8:
				os.Rename(filepath.Join(dir, "deep"), filepath.Join(dir, fmt.Sprint("old", n)))
			}
			if r.IntN(3) == 0 {
				time.Sleep(time.Duration(r.IntN(int(2 * quiet))))
			}
		}
		want := read()
		for last != want {
			select {
			case <-w.Changed():
				last = read()
			case <-time.After(20 * time.Second):
				t.Fatalf("last read %q, there is %q", last, want)
			}
		}
	}
}
