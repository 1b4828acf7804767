//go:build bench && linux

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

// A runner is one command as a process, from before its start to after its end.
type runner struct {
	name   string
	cmd    func() *exec.Cmd
	silent bool  // it prints nothing
	err    error // why it cannot be run
	took   sample
}

// inTurn runs each in turn, so that what else the machine does falls on all
// alike.
func inTurn(t testing.TB, rounds int, runners ...*runner) {
	t.Helper()
	for range rounds {
		for _, r := range runners {
			if r.err != nil {
				continue
			}
			cmd := r.cmd()
			began := time.Now()
			out, err := cmd.Output()
			took := time.Since(began)
			if err != nil {
				t.Fatalf("%s: %v", r.name, err)
			}
			if len(out) == 0 != r.silent {
				t.Fatalf("%s printed %d bytes", r.name, len(out))
			}
			r.took = append(r.took, took)
		}
	}
}

// What a script pays that asks for a token which lives long enough. oidc-token
// asks an agent that runs; ours reads the stores.
func TestCommands(t *testing.T) {
	const most = 5 * time.Millisecond
	rounds := few(300, 100)
	tb := newTable(fmt.Sprintf("Commands as processes, %d runs each, in turn", rounds), "command", "p50", "p99", "target of p50", "p50 beside ours")

	l := ten(t, authtest.New(t, eightHours))
	run := func(args ...string) func() *exec.Cmd {
		return func() *exec.Cmd { cmd := exec.Command(lab.Program(t), args...); cmd.Env = l.Environ(); return cmd }
	}
	empty := emptyProgram(t)
	token := &runner{name: "lamplighter token ID", cmd: run("token", "codex/mcp/server-3")}
	ensure := &runner{name: "lamplighter ensure ID", cmd: run("ensure", "codex/mcp/server-3"), silent: true}
	status := &runner{name: "lamplighter status --json", cmd: run("status", "--json")}
	peer := &runner{name: "oidc-token ACCOUNT"}
	if agent, err := startOIDCAgent(t, 10); err != nil {
		peer.err = err
	} else {
		peer.cmd = func() *exec.Cmd {
			cmd := exec.Command("oidc-token", agent.accounts[3])
			cmd.Env = agent.env
			return cmd
		}
	}
	version := &runner{name: "lamplighter version", cmd: run("version")}
	floor := &runner{name: "a Go program that prints one line", cmd: func() *exec.Cmd { return exec.Command(empty) }}
	nothing := &runner{name: "true", cmd: func() *exec.Cmd { return exec.Command("true") }, silent: true}
	all := []*runner{token, ensure, status, peer, version, floor, nothing}

	keeper := l.Keep()
	if !lab.Until(20*time.Second, func() bool { return strings.Contains(l.Run("status", "--json").Output, `"keeper": true`) }) {
		t.Fatal("the keeper does not start")
	}
	inTurn(t, rounds, all...)
	l.Stop(keeper)
	for _, r := range all {
		if r.err != nil {
			tb.add(r.name, r.err.Error(), "", "", "")
			continue
		}
		target := ""
		if r == token || r == ensure || r == status {
			target = fmt.Sprintf("%s, %s", ms(most), judged(r.took.p50().Seconds(), most.Seconds()))
		}
		tb.add(r.name, ms(r.took.p50()), ms(r.took.p99()), target, ratio(r.took.p50().Seconds(), token.took.p50().Seconds()))
	}
	tb.note("10 credentials in two stores, and a keeper that runs. The last three rows are what the machine takes for a start.")
	tb.print(t)
}

// emptyProgram builds what any Go program costs at least.
func emptyProgram(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte("package main\n\nimport \"os\"\n\nfunc main() { os.Stdout.WriteString(\"EXAMPLE\\n\") }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "empty")
	build := exec.Command("go", "build", "-o", name, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GO111MODULE=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return name
}
