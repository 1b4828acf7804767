//go:build e2e

package unattended

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"lamplighter/lab"
)

// place is the variable that says that we are in namespaces of our own.
const place = "LAMPLIGHTER_UNATTENDED"

func TestMain(m *testing.M) {
	if os.Getenv(place) != "" {
		if err := enter(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		lab.Main(m)
		return
	}
	flag.Parse()
	if os.Getuid() != 0 {
		fmt.Println("skipped: these tests make namespaces as root")
		return
	}
	runtime.LockOSThread() // Pdeathsig speaks of the thread that starts the child
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), place+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS, Pdeathsig: unix.SIGKILL}
	err := cmd.Run()
	if cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(cmd.ProcessState.ExitCode())
}

// ada is the user whose services run: nobody of this computer.
const ada = 61234

// enter makes the namespaces a computer that systemd has booted, as far as a
// user's own systemd looks, with one more user.
func enter() error {
	if os.Getpid() != 1 {
		return fmt.Errorf("%s is set, but this is no namespace of our own", place)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	for _, m := range [][3]string{{"proc", "/proc", "proc"}, {"tmpfs", "/run", "tmpfs"}} {
		if err := unix.Mount(m[0], m[1], m[2], 0, ""); err != nil {
			return fmt.Errorf("mounting %s: %w", m[1], err)
		}
	}
	runtime := fmt.Sprint("/run/user/", ada)
	for _, dir := range []string{"/run/systemd/system", "/run/systemd/journal", runtime} { // sd_booted(3)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := os.Chmod(runtime, 0o700); err != nil {
		return err
	}
	if err := os.Chown(runtime, ada, ada); err != nil {
		return err
	}
	var err error
	if others, err = os.ReadFile("/etc/passwd"); err != nil {
		return err
	}
	if err := settle("/nonexistent"); err != nil {
		return err
	}
	return unix.Mount("/run/passwd", "/etc/passwd", "", unix.MS_BIND, "")
}

var others []byte // the users of this computer

// settle gives ada a home.
func settle(home string) error {
	return os.WriteFile("/run/passwd", fmt.Appendf(slices.Clone(others), "ada:*:%d:%d::%s:/bin/sh\n", ada, ada, home), 0o644)
}

// give makes ada the owner of a lab.
func give(t *testing.T, l *lab.Lab) {
	t.Helper()
	dir := filepath.Dir(l.Home)
	for up := dir; up != "/"; up = filepath.Dir(up) {
		if info, err := os.Stat(up); err == nil && info.Mode().Perm()&0o005 == 0 {
			os.Chmod(up, 0o755)
		}
	}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, ada, ada)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// as makes a command ada's, with env in place of its environment.
func as(cmd *exec.Cmd, env ...string) *exec.Cmd {
	cmd.Env = env
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: ada, Gid: ada, Groups: []uint32{}}, Pdeathsig: unix.SIGKILL}
	return cmd
}
