package app

import (
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
)

// run runs the command and waits for it. Ctrl-C and the closing of the console
// go to it as they go to us, and its answer is ours.
func run(name string, args, env []string) (code int, err error) {
	cmd := &exec.Cmd{Path: name, Args: args, Env: env, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM) // there they go to all that share the console
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	cmd.Wait() // its code says it
	return cmd.ProcessState.ExitCode(), nil
}

// Windows takes Path and PATH for one.
func sameVariable(a, b string) bool { return strings.EqualFold(a, b) }
