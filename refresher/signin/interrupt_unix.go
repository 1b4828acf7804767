//go:build unix

package signin

import (
	"os/exec"
	"syscall"
)

func interrupt(cmd *exec.Cmd) error { return cmd.Process.Signal(syscall.SIGINT) }
