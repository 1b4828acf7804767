//go:build unix

package hook

import (
	"errors"
	"os/exec"
	"syscall"
	"time"
)

// apart has a command run in a process group of its own, which ends as a whole.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		group := -cmd.Process.Pid
		err := syscall.Kill(group, syscall.SIGTERM)
		for end := time.Now().Add(grace); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if errors.Is(syscall.Kill(group, 0), syscall.ESRCH) {
				return err
			}
		}
		return syscall.Kill(group, syscall.SIGKILL)
	}
}
