//go:build unix && !darwin

package desktop

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const secret = "access-token-EXAMPLE"

var (
	x11     = map[string]string{"DISPLAY": ":0"}
	wayland = map[string]string{"WAYLAND_DISPLAY": "wayland-0"}
	both    = map[string]string{"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}
)

// programs makes PATH a folder with programs that note their name, arguments
// and stdin, and end with 1 where an argument is one of refuse.
func programs(t *testing.T, refuse string, names ...string) (noted func() string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		text := "#!/bin/sh\necho \"" + name + " $* <$(/bin/cat)>\" >>'" + dir + "/noted'\ncase \" $* \" in *' " + refuse + " '*) exit 1;; esac\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	return func() string {
		text, _ := os.ReadFile(filepath.Join(dir, "noted"))
		return string(text)
	}
}

func TestTheTextIsCopiedByStdinAndNeverAnArgument(t *testing.T) {
	for _, test := range []struct {
		env    map[string]string
		refuse string
		there  string
		want   string
	}{
		{x11, "", "xclip xsel wl-copy", "xclip -selection clipboard <*>\n"},
		{x11, "", "xsel wl-copy", "xsel --clipboard --input <*>\n"},
		{wayland, "", "wl-copy xclip", "wl-copy --type text/plain --sensitive <*>\n"},
		{wayland, "--sensitive", "wl-copy", "wl-copy --type text/plain --sensitive <*>\nwl-copy --type text/plain <*>\n"},
		{both, "", "xclip wl-copy", "wl-copy --type text/plain --sensitive <*>\n"},
		{both, "", "xsel", "xsel --clipboard --input <*>\n"},
		{both, "text/plain", "wl-copy xclip", "wl-copy --type text/plain --sensitive <*>\nwl-copy --type text/plain <*>\nxclip -selection clipboard <*>\n"},
	} {
		noted := programs(t, test.refuse, strings.Fields(test.there)...)
		if err := Copy(t.Context(), from(test.env), secret); err != nil {
			t.Errorf("%+v: %v", test, err)
		}
		if got, want := noted(), strings.ReplaceAll(test.want, "*", secret); got != want {
			t.Errorf("%+v: called\n%s", test, got)
		}
	}
}

func TestWhereNothingCanCopyTheNextStepIsSaid(t *testing.T) {
	for _, test := range []struct {
		env    map[string]string
		refuse string
		there  string
		want   string
	}{
		{nil, "", "xclip", "no display"},
		{x11, "", "wl-copy", "install xclip"},
		{wayland, "", "xclip", "install wl-clipboard"},
		{both, "", "", "install wl-clipboard"},
		{x11, "clipboard", "xclip", "xclip could not copy"},
	} {
		programs(t, test.refuse, strings.Fields(test.there)...)
		err := Copy(t.Context(), from(test.env), secret)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "lamplighter token") || strings.Contains(err.Error(), secret) {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

func TestAProgramThatHangsIsNotWaitedFor(t *testing.T) {
	programs(t, "", "xclip")
	path, _ := exec.LookPath("xclip")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexec /bin/sleep 60\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := Copy(ctx, from(x11), secret); err == nil {
		t.Error("it is said to be copied")
	}
}

// A real X server and the real programs, where they are.
func TestWhatIsCopiedCanBePasted(t *testing.T) {
	if _, err := exec.LookPath("Xvfb"); err != nil {
		t.Skip(err)
	}
	xsel, err := exec.LookPath("xsel")
	if err != nil {
		t.Skip(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	server := exec.Command("Xvfb", "-displayfd", "3", "-nolisten", "tcp", "-noreset")
	server.ExtraFiles = []*os.File{w}
	if err := server.Start(); err != nil {
		t.Skip(err)
	}
	w.Close()
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })
	number := make([]byte, 16)
	n, err := r.Read(number)
	if err != nil {
		t.Skip("no X server here:", err)
	}
	display := ":" + strings.TrimSpace(string(number[:n]))
	t.Setenv("DISPLAY", display)
	if err := Copy(t.Context(), from(map[string]string{"DISPLAY": display}), secret); err != nil {
		t.Fatal(err)
	}
	var out []byte
	for range 200 { // xclip goes on in the background, and is not there at once
		if out, err = exec.Command(xsel, "--clipboard", "--output").Output(); err == nil && len(out) > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil || string(out) != secret {
		t.Errorf("%q, %v", out, err)
	}
}
