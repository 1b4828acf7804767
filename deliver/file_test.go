package deliver

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lamplighter/credfiles"
)

func nothing(credfiles.Secret) bool    { return false }
func everything(credfiles.Secret) bool { return true }

func put(t *testing.T, target Target, tok Token) {
	t.Helper()
	if err := target.Put(t.Context(), tok, everything); err != nil {
		t.Fatal(err)
	}
}

// A reader in a tight loop never sees half a file, an empty one, or none.
func TestAReaderNeverSeesHalfAFile(t *testing.T) {
	f := File{filepath.Join(t.TempDir(), "token.json"), forms["json"]}
	long := strings.Repeat("EXAMPLE", 2000)
	put(t, f, token(long, time.Hour))
	ctx, end := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for ctx.Err() == nil {
				text, err := os.ReadFile(f.Path)
				if s := string(text); err != nil || !strings.HasPrefix(s, `{"id":"own/graph","access_token":"`) || !strings.HasSuffix(s, "\"}\n") {
					t.Errorf("%d bytes, %v", len(s), err)
					return
				}
			}
		})
	}
	for i := range 200 {
		put(t, f, token(strings.Repeat("EXAMPLE", 1+i*10), time.Hour))
	}
	end()
	readers.Wait()
}

func TestAFileIsForItsOwnerAlone(t *testing.T) {
	f := File{Path: filepath.Join(t.TempDir(), "token")}
	put(t, f, token("at-EXAMPLE", time.Hour))
	if info, err := os.Stat(f.Path); err != nil || info.Mode().Perm()&0o177 != 0 && os.PathSeparator == '/' {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// A path that was mistyped must not cost anybody his file.
func TestWhatSomebodyElseWroteStays(t *testing.T) {
	f := File{Path: filepath.Join(t.TempDir(), ".env")}
	if err := os.WriteFile(f.Path, []byte("DATABASE=x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Put(t.Context(), token("at-EXAMPLE", time.Hour), nothing); !errors.Is(err, ErrForeign) {
		t.Errorf("it was put there: %v", err)
	}
	if err := f.Erase(nothing); !errors.Is(err, ErrForeign) {
		t.Errorf("it was erased: %v", err)
	}
	if text, err := os.ReadFile(f.Path); err != nil || string(text) != "DATABASE=x\n" {
		t.Errorf("%q, %v", text, err)
	}
	if err := os.Truncate(f.Path, 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Put(t.Context(), token("at-EXAMPLE", time.Hour), nothing); err != nil {
		t.Errorf("an empty file is not taken: %v", err)
	}
}

func TestATokenAtItsEndIsNotPut(t *testing.T) {
	f := File{Path: filepath.Join(t.TempDir(), "token")}
	put(t, f, token("one EXAMPLE", time.Hour))
	for _, left := range []time.Duration{-time.Hour, 0, Least - 50*time.Millisecond} {
		if err := f.Put(t.Context(), token("two EXAMPLE", left), everything); !errors.Is(err, ErrEnding) {
			t.Errorf("%v left: %v", left, err)
		}
	}
	if text, err := os.ReadFile(f.Path); err != nil || string(text) != "one EXAMPLE" {
		t.Errorf("what was there before is %q, %v", text, err)
	}
}

func TestAFolderThatVanishesIsNotMade(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	f := File{Path: filepath.Join(folder, "token")}
	if !f.Gone() {
		t.Error("it is there before it was put")
	}
	if err := f.Put(t.Context(), token("at-EXAMPLE", time.Hour), nothing); !errors.Is(err, ErrNoFolder) {
		t.Errorf("without its folder: %v", err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, f, token("at-EXAMPLE", time.Hour))
	if f.Gone() {
		t.Error("it is there and said to be gone")
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if !f.Gone() {
		t.Error("it went with its folder and nobody noticed")
	}
	if err := f.Erase(everything); err != nil {
		t.Errorf("what is gone need not be erased: %v", err)
	}
}

func TestErasingLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	f := File{Path: filepath.Join(dir, "token")}
	put(t, f, token("at-EXAMPLE", time.Hour))
	left := filepath.Join(dir, ".token.lamplighter-0123456789ab") // as a crash leaves it
	if err := os.WriteFile(left, []byte("at-EXAMPLE"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Erase(everything); err != nil {
		t.Fatal(err)
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) > 0 {
		t.Errorf("%v, %v", all, err)
	}
}

func TestALinkIsFollowed(t *testing.T) {
	dir := t.TempDir()
	f := File{Path: filepath.Join(dir, "token")}
	to := filepath.Join(dir, "elsewhere")
	if err := os.Symlink("elsewhere", f.Path); err != nil {
		t.Skip(err)
	}
	put(t, f, token("at-EXAMPLE", time.Hour))
	if text, err := os.ReadFile(to); err != nil || string(text) != "at-EXAMPLE" {
		t.Errorf("%q, %v", text, err)
	}
	if err := f.Erase(everything); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(to); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the token is still there: %v", err)
	}
	if _, err := os.Lstat(f.Path); err != nil {
		t.Errorf("the link is gone: %v", err)
	}
	put(t, f, token("at-EXAMPLE", time.Hour))
}

func TestOnlyARegularFileIsWritten(t *testing.T) {
	f := File{Path: t.TempDir()}
	if err := f.Put(t.Context(), token("at-EXAMPLE", time.Hour), everything); !errors.Is(err, ErrForeign) {
		t.Errorf("a folder: %v", err)
	}
}
