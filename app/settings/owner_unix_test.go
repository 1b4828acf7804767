//go:build unix

package settings

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestAConfigThatOthersMayChangeIsRefused(t *testing.T) {
	for _, c := range []struct {
		name      string
		file, dir os.FileMode
		refused   string // the command's arguments, in terms of F and D
	}{
		{"ours alone", 0o600, 0o700, ""},
		{"readable by all", 0o644, 0o755, ""},
		{"file writable by the group", 0o660, 0o700, "F"},
		{"file writable by others", 0o602, 0o700, "F"},
		{"folder writable by the group", 0o600, 0o770, "D"},
		{"folder writable by others, sticky", 0o600, 0o777 | os.ModeSticky, ""},
		{"both", 0o666, 0o777, "F D"},
	} {
		t.Run(c.name, func(t *testing.T) {
			const text = "mode = \"keep\"\n[[home]]\nclient = \"codex\"\npath = \"~/a\"\n"
			path := config(t, text)
			dir := filepath.Dir(path)
			chmod(t, path, c.file)
			chmod(t, dir, c.dir)
			_, err := Load(path, clients)
			if c.refused == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			want := "chmod go-w " + strings.NewReplacer("F", path, "D", dir).Replace(c.refused)
			if err == nil || !strings.HasSuffix(err.Error(), want) {
				t.Fatalf("got %v\nwant %s", err, want)
			}
			for name, change := range map[string]func() error{
				"Set":        func() error { return Set(path, []string{"mode"}, "watch-only") },
				"AddHome":    func() error { return AddHome(path, Home{Client: "codex", Path: "~/b"}, clients) },
				"RemoveHome": func() error { return RemoveHome(path, Home{Client: "codex", Path: "~/a"}) },
			} {
				err := change()
				if now, _ := os.ReadFile(path); err == nil || string(now) != text {
					t.Errorf("%s changed it all the same: %v, %q", name, err, now)
				}
			}
			// What the message says mends it.
			chmod(t, path, c.file&^0o022)
			chmod(t, dir, c.dir&^0o022)
			if _, err := Load(path, clients); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTheFolderThatALinkedConfigStandsInCountsToo(t *testing.T) {
	real := config(t, "")
	link := filepath.Join(filepath.Dir(config(t, "")), "link.toml")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Dir(real), filepath.Dir(link)} {
		chmod(t, dir, 0o777)
		if _, err := Load(link, clients); err == nil || !strings.HasSuffix(err.Error(), "chmod go-w "+dir) {
			t.Errorf("%v", err)
		}
		chmod(t, dir, 0o700)
	}
	if _, err := Load(link, clients); err != nil {
		t.Error(err)
	}
}

func TestAConfigOfAnotherUserIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	path := config(t, "")
	if err := os.Chown(path, 12345, -1); err != nil {
		t.Fatal(err)
	}
	_, err := Load(path, clients)
	if err == nil || !strings.Contains(err.Error(), "another user (12345)") || !strings.HasSuffix(err.Error(), "sudo chown 0 "+path) {
		t.Error(err)
	}
	if err := errors.Join(os.Chown(path, 0, -1), os.Chown(filepath.Dir(path), 12345, -1)); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path, clients); err == nil || !strings.HasSuffix(err.Error(), "sudo chown 0 "+filepath.Dir(path)) {
		t.Errorf("the folder: %v", err)
	}
}

func TestACommandInAnErrorCanBePasted(t *testing.T) {
	if got, want := arguments([]string{"/a b/it's", "/plain"}), ` '/a b/it'\''s' /plain`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestANamedPipeInPlaceOfTheConfigIsRefusedAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	if _, err := Load(path, clients); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Error(err)
	}
}

func TestSecureMakesTheStateOursAloneAndSaysWhatWasWider(t *testing.T) {
	dir := filepath.Join(filepath.Dir(config(t, "")), "local", "state")
	if repaired, err := Secure(dir); err != nil || repaired != nil {
		t.Fatalf("a new one: %v, %v", repaired, err)
	}
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	sub, wide, fine := filepath.Join(dir, "journal"), filepath.Join(dir, "journal", "one"), filepath.Join(dir, "log")
	if err := errors.Join(
		os.Mkdir(sub, 0o700), os.WriteFile(wide, nil, 0o600), os.WriteFile(fine, nil, 0o600), os.WriteFile(elsewhere, nil, 0o600),
		os.Symlink(elsewhere, filepath.Join(dir, "link")),
	); err != nil {
		t.Fatal(err)
	}
	chmod(t, dir, 0o755)
	chmod(t, sub, 0o770)
	chmod(t, wide, 0o644)
	chmod(t, elsewhere, 0o644)

	repaired, err := Secure(dir)
	slices.Sort(repaired)
	if want := []string{dir, sub, wide}; err != nil || !reflect.DeepEqual(repaired, want) {
		t.Errorf("repaired %q, %v; want %q", repaired, err, want)
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, sub: 0o700, wide: 0o600, fine: 0o600, elsewhere: 0o644} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode().Perm(), err, want)
		}
	}
	if repaired, err := Secure(dir); err != nil || repaired != nil {
		t.Errorf("again: %v, %v", repaired, err)
	}
}

func TestSecureFollowsALinkToTheStateFolder(t *testing.T) {
	real, link := filepath.Join(t.TempDir(), "real"), filepath.Join(t.TempDir(), "link")
	if err := errors.Join(os.Mkdir(real, 0o700), os.WriteFile(filepath.Join(real, "f"), nil, 0o600), os.Symlink(real, link)); err != nil {
		t.Fatal(err)
	}
	chmod(t, filepath.Join(real, "f"), 0o666)
	if repaired, err := Secure(link); err != nil || len(repaired) != 1 {
		t.Errorf("repaired %q, %v", repaired, err)
	}
}

func TestSecureRefusesTheFolderOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	dir := t.TempDir()
	if err := os.Chown(dir, 12345, -1); err != nil {
		t.Fatal(err)
	}
	if _, err := Secure(dir); err == nil || !strings.Contains(err.Error(), "another user (12345)") {
		t.Error(err)
	}
}

func TestSetKeepsPermissionsAndLink(t *testing.T) {
	real := config(t, "mode = \"keep\" # mine\n")
	chmod(t, real, 0o640)
	link := filepath.Join(t.TempDir(), "config.toml")
	chmod(t, filepath.Dir(link), 0o700)
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	if err := Set(link, []string{"mode"}, "watch-only"); err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink(link); err != nil || target != real {
		t.Errorf("the link: %q, %v", target, err)
	}
	info, err := os.Stat(real)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if text, _ := os.ReadFile(real); string(text) != "mode = \"watch-only\" # mine\n" {
		t.Errorf("%q", text)
	}
}

func TestSetMakesAMissingConfigForTheUserAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lamplighter", "config.toml")
	if err := Set(path, []string{"mode"}, "watch-only"); err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(p)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", p, info.Mode().Perm(), err, want)
		}
	}
	if text, _ := os.ReadFile(path); string(text) != "mode = \"watch-only\"\n" {
		t.Errorf("%q", text)
	}
}
