//go:build e2e

package unattended

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

// images is podman with a store of its own.
type images struct {
	t    *testing.T
	conf string
}

func newImages(t *testing.T) *images {
	t.Helper()
	if _, err := exec.LookPath("podman"); err != nil {
		t.Skip("podman is not there:", err)
	}
	// It takes no tree of control groups that is half of each version.
	unix.Unmount("/sys/fs/cgroup", unix.MNT_DETACH)
	if err := unix.Mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, ""); err != nil {
		t.Skip("there is no second version of control groups:", err)
	}
	dir := t.TempDir()
	i := &images{t, filepath.Join(dir, "storage.conf")}
	text := fmt.Sprintf("[storage]\ndriver = \"vfs\"\ngraphroot = %q\nrunroot = %q\n", filepath.Join(dir, "graph"), filepath.Join(dir, "run"))
	if err := os.WriteFile(i.conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := i.command("../packaging/container/build", "lamplighter-test")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return i
}

func (i *images) command(words ...string) *exec.Cmd {
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Env = append(os.Environ(), "CONTAINERS_STORAGE_CONF="+i.conf, "BUILDAH_ISOLATION=chroot")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
	return cmd
}

// run is a container of the image: nothing of it can be written but its volumes,
// and it may do nothing that a user may not.
func (i *images) run(options []string, words ...string) *exec.Cmd {
	all := []string{
		"podman", "run", "--rm", "--network=host", "--read-only", "--read-only-tmpfs=false", "--cap-drop=all", "--security-opt=no-new-privileges",
		"--cgroups=disabled", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000", // what this computer may lack the right to
	}
	return i.command(slices.Concat(all, options, []string{"lamplighter-test"}, words)...)
}

func TestARealImageHoldsTheProgramAndTheRootsAndNoMore(t *testing.T) {
	i := newImages(t)
	if out, err := i.command("podman", "create", "--name=still", "lamplighter-test").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := i.command("sh", "-c", "podman export still | tar -t").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files := []string{}
	for name := range strings.Lines(string(out)) {
		// A container has these, whatever its image.
		if name = strings.TrimSpace(name); !strings.HasSuffix(name, "/") && !strings.HasPrefix(name, "etc/host") && name != "etc/resolv.conf" && name != "etc/mtab" && !strings.HasPrefix(name, "run/") {
			files = append(files, name)
		}
	}
	if want := []string{"etc/ssl/certs/ca-certificates.crt", "lamplighter"}; !slices.Equal(slices.Sorted(slices.Values(files)), want) {
		t.Errorf("it holds %q", files)
	}
	version, err := i.run(nil, "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(version), "lamplighter ") {
		t.Errorf("%v\n%s", err, version)
	}
}

// The user's own stores and state, at the same path inside as outside: both see
// one state, and one lock.
func TestARealImageKeepsTheStoresOfItsUser(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l := lab.New(t)
	late := l.Claude("late", s, authtest.GrantOptions{AccessLeft: time.Minute})
	state := l.Path(".local", "state", "lamplighter")
	if err := os.MkdirAll(state, 0o700); err != nil {
		t.Fatal(err)
	}
	give(t, l)
	i := newImages(t)
	options := []string{fmt.Sprintf("--user=%d:%d", ada, ada), "-e=HOME=" + l.Home}
	for _, dir := range []string{l.Path(".claude"), state} {
		options = append(options, "-v="+dir+":"+dir)
	}
	var said strings.Builder
	keeper := i.run(append(options, "--name=keeper"))
	keeper.Stdout, keeper.Stderr = &said, &said
	if err := keeper.Start(); err != nil {
		t.Fatal(err)
	}
	landed := lab.Until(patience, func() bool { return holds(s, late) })
	var status []byte
	if !lab.Until(patience, func() (fresh bool) { // it may be about to end what it noted
		status, _ = i.run(options, "status", "--exit-code").CombinedOutput()
		return strings.Contains(string(status), "The one token is fresh")
	}) || strings.Contains(string(status), "No keeper") {
		t.Errorf("status says\n%s", status)
	}
	if out, err := i.command("podman", "stop", "keeper").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	keeper.Wait()
	if code := keeper.ProcessState.ExitCode(); !landed || code != 0 || !strings.Contains(said.String(), "stopped") {
		t.Errorf("landed: %v; it ended with %d and said\n%s", landed, code, said.String())
	}
	for _, dir := range []string{l.Path(".claude"), state} {
		filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if info, ierr := d.Info(); ierr == nil && info.Sys().(*syscall.Stat_t).Uid != ada {
				t.Errorf("%s is not its user's", path)
			}
			return err
		})
	}
	if problems := strings.Join(s.Check(), "\n"); problems != "" {
		t.Error(problems)
	}
}

// It needs no list of users, no folder for temporary files and nothing of the
// image but its program.
func TestARealImageRunsAsAnybody(t *testing.T) {
	i := newImages(t)
	for _, test := range []struct {
		options []string
		says    string
	}{
		{nil, "No credentials found."},
		{[]string{"--user=4711:4711", "-e=HOME=/elsewhere", "--tmpfs=/elsewhere:mode=1777"}, "No credentials found."},
		{[]string{"--user=4711:4711", "-e=HOME=/elsewhere"}, "mkdir /elsewhere: read-only file system"},
	} {
		out, _ := i.run(test.options, "status").CombinedOutput()
		if !strings.Contains(string(out), test.says) {
			t.Errorf("%q: it says\n%s", test.options, out)
		}
	}
}

// No HOME, no USER, and a user whom no list has: folders by the other variables
// will do.
func TestAUserWithoutANameOrAHomeKeeps(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l := lab.New(t)
	late := l.Claude("late", s, authtest.GrantOptions{AccessLeft: time.Minute})
	give(t, l)
	stranger := func(env ...string) (int, string) {
		cmd := as(l.Command("refresh"), append(env, "LANG=C")...)
		cmd.SysProcAttr.Credential.Uid, cmd.SysProcAttr.Credential.Gid = ada+1, ada+1
		cmd.Dir = "/"
		got := l.Ends(cmd)
		return got.Code, got.Output
	}
	err := filepath.WalkDir(filepath.Dir(l.Home), func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, ada+1, ada+1)
	})
	if err != nil {
		t.Fatal(err)
	}
	if code, said := stranger(); code != 1 || !strings.Contains(said, "there is no home folder: set HOME") {
		t.Errorf("with nothing: %d, %s", code, said)
	}
	if code, said := stranger("XDG_STATE_HOME="+filepath.Dir(l.State), "XDG_CONFIG_HOME="+l.Path(".config"), "CLAUDE_CONFIG_DIR="+l.Path(".claude")); code != 0 || !holds(s, late) {
		t.Errorf("with folders: %d, %s", code, said)
	}
	if problems := strings.Join(append(s.Check(), l.Leaks()), ""); problems != "" {
		t.Error(problems)
	}
}
