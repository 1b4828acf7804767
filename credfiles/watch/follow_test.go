package watch

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestALinkThatPointsElsewhereIsSignalled(t *testing.T) {
	t.Parallel()
	home := real(t)
	for _, dir := range []string{"one", "two", "mid"} {
		must(t, os.Mkdir(filepath.Join(home, dir), 0o700))
	}
	one, two := filepath.Join(home, "one", "store"), filepath.Join(home, "two", "store")
	write(t, one, "one")
	write(t, two, "two")
	mid, path := filepath.Join(home, "mid", "link"), filepath.Join(home, "link")
	must(t, os.Symlink(filepath.Join("..", "one", "store"), mid), os.Symlink(mid, path))

	w := watching(t, path)
	write(t, one, "changed")
	signalled(t, w, "a write to the target")
	replaceFile(t, one, "renamed")
	signalled(t, w, "a rename over the target")
	settle(w)

	relink(t, filepath.Join("..", "two", "store"), mid)
	signalled(t, w, "a link in between that points elsewhere")
	settle(w)
	write(t, one, "nobody's")
	silent(t, w, "a write to the target before")
	write(t, two, "changed")
	signalled(t, w, "a write to the new target")
	settle(w)

	relink(t, one, path)
	signalled(t, w, "the first link pointing elsewhere")
	settle(w)
	write(t, one, "ours again")
	signalled(t, w, "a write to its target")
	settle(w)

	relink(t, filepath.Join(home, "later", "store"), path)
	signalled(t, w, "a link to nothing")
	settle(w)
	must(t, os.Mkdir(filepath.Join(home, "later"), 0o700))
	write(t, filepath.Join(home, "later", "store"), "late")
	signalled(t, w, "the target appearing")
}

func TestAFileBehindALinkedDirectoryIsSignalled(t *testing.T) {
	t.Parallel()
	home := real(t)
	dotfiles := filepath.Join(home, "dotfiles", "claude")
	must(t, os.MkdirAll(dotfiles, 0o700), os.Symlink(dotfiles, filepath.Join(home, ".claude")))
	path := filepath.Join(home, ".claude", ".credentials.json")
	write(t, path, "one")

	w := watching(t, path)
	replaceFile(t, filepath.Join(dotfiles, ".credentials.json"), "two")
	signalled(t, w, "a rename in the real directory")
	replaceFile(t, path, "three")
	signalled(t, w, "a rename through the link")
	settle(w)

	other := filepath.Join(home, "other")
	must(t, os.Mkdir(other, 0o700))
	relink(t, other, filepath.Join(home, ".claude"))
	signalled(t, w, "the directory's link pointing elsewhere")
	settle(w)
	write(t, filepath.Join(other, ".credentials.json"), "four")
	signalled(t, w, "a write in the new directory")
}

func TestALinkLoopIsWatchedUntilItIsMended(t *testing.T) {
	t.Parallel()
	home := real(t)
	a, b := filepath.Join(home, "a"), filepath.Join(home, "b")
	must(t, os.Symlink(b, a), os.Symlink(a, b))
	w := watching(t, a)
	must(t, os.Remove(b))
	signalled(t, w, "one link of the loop going")
	settle(w)
	write(t, b, "one")
	signalled(t, w, "the file appearing")
}

func TestTheWatchMovesDownAsDirectoriesAppear(t *testing.T) {
	t.Parallel()
	home := real(t)
	path := filepath.Join(home, "a", "b", "c", "store")
	w := watching(t, path)
	for _, dir := range []string{"a", "a/b", "a/b/c"} {
		write(t, filepath.Join(home, filepath.Dir(dir), "unrelated"), "x")
		silent(t, w, "an unrelated name beside "+dir)
		must(t, os.Mkdir(filepath.Join(home, dir), 0o700))
		signalled(t, w, dir+" appeared")
		settle(w)
	}
	write(t, path, "one")
	signalled(t, w, "the file appeared")
	settle(w)
	write(t, path, "two")
	signalled(t, w, "a write")
}

func TestDirectoriesThatAppearAllAtOnceAreFollowed(t *testing.T) {
	t.Parallel()
	home := real(t)
	path := filepath.Join(home, "a", "b", "c", "store")
	w := watching(t, path)
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	write(t, path, "one")
	signalled(t, w, "everything appeared")
	settle(w)
	replaceFile(t, path, "two")
	signalled(t, w, "a rename")
}

func TestADirectoryRemovedAndMadeAgainIsFollowed(t *testing.T) {
	t.Parallel()
	home := real(t)
	dir := filepath.Join(home, ".codex")
	path := filepath.Join(dir, "deep", ".credentials.json")
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	write(t, path, "one")
	w := watching(t, path)
	for range 3 {
		must(t, os.RemoveAll(dir))
		signalled(t, w, "the directories went")
		settle(w)
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		write(t, path, "one")
		signalled(t, w, "they came back")
		settle(w)
		write(t, path, "two")
		signalled(t, w, "a write")
		settle(w)

		// Without a pause, so that the system may give the same inodes again.
		must(t, os.RemoveAll(dir), os.MkdirAll(filepath.Dir(path), 0o700))
		write(t, path, "three")
		signalled(t, w, "they were replaced")
		settle(w)
		write(t, path, "four")
		signalled(t, w, "a write")
		settle(w)
	}
}

func TestADirectoryRenamedAwayIsNotWatchedThere(t *testing.T) {
	t.Parallel()
	home := real(t)
	dir := filepath.Join(home, ".codex")
	path := filepath.Join(dir, ".credentials.json")
	must(t, os.Mkdir(dir, 0o700))
	write(t, path, "one")
	w := watching(t, path)
	must(t, os.Rename(dir, dir+".bak"))
	signalled(t, w, "the directory was renamed")
	settle(w)
	if runtime.GOOS != "windows" { // there the library keeps its handle
		write(t, filepath.Join(dir+".bak", ".credentials.json"), "nobody's")
		silent(t, w, "a write in the renamed directory")
	}
	must(t, os.Mkdir(dir, 0o700))
	write(t, path, "two")
	signalled(t, w, "a new directory")
}
