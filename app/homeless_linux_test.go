package app

import (
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	labchild "lamplighter/lab/child"
	"lamplighter/refresher/authtest"
)

// runs runs the program with no more than env in its environment.
func runs(t *testing.T, env []string, attr *syscall.SysProcAttr, args ...string) (out, words string, code int) {
	t.Helper()
	var stdout, stderr strings.Builder
	cmd := exec.Command("/proc/self/exe") // another user may not reach the build folder
	cmd.Args = append([]string{"lamplighter"}, args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = "/", append([]string{"PATH=/usr/bin:/bin"}, env...), attr
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// A job in a container may have its home read-only.
func TestAFreshTokenIsToBeHadFromAHomeThatCannotBeWritten(t *testing.T) {
	if !labchild.InMounts(t) {
		return
	}
	for _, known := range []bool{false, true} {
		st, err := newStage()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(st.close)
		env := []string{"HOME=" + st.dir}
		if known {
			if _, words, code := runs(t, env, nil, "status"); code != exitDone {
				t.Fatal(words)
			}
		}
		t.Run(map[bool]string{false: "a first run", true: "a later run"}[known], func(t *testing.T) {
			labchild.Mount(t, st.dir, st.dir, "", unix.MS_BIND, "")
			labchild.Mount(t, "", st.dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
			for _, args := range [][]string{
				{"token", "linear", "--min-ttl", "5s"},
				{"headers", "codex/mcp/linear", "--min-ttl", "5s"},
				{"exec", "--min-ttl", "5s", "--env", "T=linear", "--", "printenv", "T"},
			} {
				if out, words, code := runs(t, env, nil, args...); code != exitDone || len(out) < 20 || words != "" {
					t.Errorf("%v: code %d, %d bytes, %s", args, code, len(out), words)
				}
			}
			if out, words, code := runs(t, env, nil, "ensure", "linear", "slack", "--min-ttl", "5s"); code != exitDone || out+words != "" {
				t.Errorf("code %d: %s", code, words)
			}
			for _, args := range [][]string{{"ensure", "linear", "--min-ttl", "20m"}, {"token", "linear", "--min-ttl", "20m"}} {
				out, words, code := runs(t, env, nil, args...)
				if code != exitFailed || out != "" || !strings.Contains(words, "read-only file system") || !strings.Contains(words, "-> mount it writable") {
					t.Errorf("%v: code %d: %s", args, code, words)
				}
			}
			sent(t, st, 0)
		})
	}
}

// cron, systemd and CI often set neither HOME nor USER.
func TestWithoutHOMEAndUSERTheHomeIsThatOfTheSystemsList(t *testing.T) {
	if !labchild.InMounts(t) {
		return
	}
	st, err := newStage()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.close)
	me, err := user.Current()
	if err != nil {
		t.Skip(err)
	}
	labchild.Mount(t, st.dir, me.HomeDir, "", unix.MS_BIND, "")
	if out, words, code := runs(t, nil, nil, "token", "linear", "--min-ttl", "5s"); code != exitDone || len(out) < 20 || words != "" {
		t.Errorf("code %d, %d bytes, %s", code, len(out), words)
	}
	// Tokens that live 30 s.
	if out, words, code := runs(t, nil, nil, "ensure", "linear", "--min-ttl", "40s"); code != exitFailed || out != "" || !strings.Contains(words, "--min-ttl 20s is the longest possible") {
		t.Errorf("code %d: %s", code, words)
	}
	if _, err := os.Stat(filepath.Join(st.dir, ".local", "state", "lamplighter", "format")); err != nil {
		t.Error(err)
	}
}

func TestAUserWithoutAHomeIsToldToSetOne(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	nobodyAtAll := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54321, Gid: 54321}}
	for args, want := range map[string]int{"ensure linear": exitFailed, "token linear": exitFailed, "exec --env A=linear -- true": exitNever} {
		out, words, code := runs(t, nil, nobodyAtAll, strings.Fields(args)...)
		if code != want || out != "" || !strings.Contains(words, "set HOME") {
			t.Errorf("%s: code %d: %s", args, code, words)
		}
	}
}

// sent asserts how many refreshes the stage's servers were asked for.
func sent(t *testing.T, st *stage, want int) {
	t.Helper()
	n := 0
	for _, s := range []*authtest.Server{st.well, st.weak, st.dies} {
		n += s.TokenPosts("")
	}
	if n != want {
		t.Errorf("%d requests, want %d", n, want)
	}
}
