package lab

import (
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"
)

// output is what one run of the program printed.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Command is the program, to be started. What it prints is shown if the test
// fails, and searched for tokens by Leaks. Its streams may be set to others.
func (l *Lab) Command(args ...string) *exec.Cmd {
	l.T.Helper()
	return l.By(exec.Command(Program(l.T), args...))
}

// By is Command for a program that runs ours, such as strace.
func (l *Lab) By(cmd *exec.Cmd) *exec.Cmd {
	l.T.Helper()
	cmd.Env = l.Environ()
	out := &output{}
	cmd.Stdout, cmd.Stderr = out, out
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outputs = append(l.outputs, out)
	return cmd
}

// A Result is how a run of the program ended.
type Result struct {
	Code   int // -1: killed by a signal
	Output string
}

// Run runs the program to its end.
func (l *Lab) Run(args ...string) Result {
	l.T.Helper()
	return l.Ends(l.Command(args...))
}

// Ends runs a command to its end.
func (l *Lab) Ends(cmd *exec.Cmd) Result {
	l.T.Helper()
	err := cmd.Run()
	if cmd.ProcessState == nil {
		l.T.Fatal(err)
	}
	return Result{cmd.ProcessState.ExitCode(), l.Said(cmd)}
}

// Said is what a command printed so far.
func (l *Lab) Said(cmd *exec.Cmd) string {
	if out, ok := cmd.Stderr.(*output); ok {
		return out.String()
	}
	return ""
}

// Keep starts "keep", which is stopped with the test at the latest.
func (l *Lab) Keep(args ...string) *exec.Cmd {
	l.T.Helper()
	cmd := l.Command(append([]string{"keep"}, args...)...)
	if err := cmd.Start(); err != nil {
		l.T.Fatal(err)
	}
	l.T.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	return cmd
}

// Stop ends a keeper as a service manager does and returns its exit code.
func (l *Lab) Stop(cmd *exec.Cmd) int {
	l.T.Helper()
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()
	return cmd.ProcessState.ExitCode()
}

// A Status is a credential as "status --json" shows it.
type Status struct {
	ID, State, Mode, Reason string
	Expires                 *time.Time `json:"expires_at"`
}

// Status asks the program for one credential; ok is false where it shows none.
func (l *Lab) Status(id string) (st Status, ok bool) {
	l.T.Helper()
	var all struct{ Credentials []Status }
	l.asked(&all, "status", "--json")
	for _, st := range all.Credentials {
		if st.ID == id {
			return st, true
		}
	}
	return Status{}, false
}

// An Event is a line of "log --json": what was done, and by whom.
type Event struct {
	ID, Event, Why, Verdict, Code, Detail string
	PID                                   int
}

// Events is what the log tells of one credential, of all if the ID is "".
func (l *Lab) Events(id string) []Event {
	l.T.Helper()
	var all struct{ Events []Event }
	l.asked(&all, "log", "--json")
	return slices.DeleteFunc(all.Events, func(e Event) bool { return id != "" && e.ID != id })
}

// asked runs a command that prints one JSON object.
func (l *Lab) asked(v any, args ...string) {
	l.T.Helper()
	cmd := l.Command(args...)
	both := cmd.Stdout
	var out bytes.Buffer
	cmd.Stdout = io.MultiWriter(&out, both)
	if err := cmd.Run(); err != nil {
		l.T.Fatalf("%v: %v", args, err)
	}
	if err := json.Unmarshal(out.Bytes(), v); err != nil {
		l.T.Fatalf("%v is no JSON: %v", args, err)
	}
}

// Until waits for something that a process does, and reports whether it came.
func Until(patience time.Duration, is func() bool) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if is() {
			return true
		}
	}
	return is()
}
