//go:build unix

package signin

import (
	"io"
	"os/exec"
	"syscall"

	"github.com/creack/pty"
)

// terminals reports whether there is a terminal to be had.
func terminals() bool {
	screen, tty, err := pty.Open()
	if err != nil {
		return false
	}
	screen.Close()
	tty.Close()
	return true
}

// runAlone runs a command on a terminal of its own, or on none where there is
// none to be had. It is not the controlling one: a client that ends would take
// the browser that it has started with it (setpgid(2), termios(3) on SIGHUP).
func runAlone(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	screen, tty, err := pty.Open()
	if err != nil {
		return cmd.Run()
	}
	defer screen.Close()
	pty.Setsize(screen, &pty.Winsize{Rows: 24, Cols: 80})
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	err = cmd.Start()
	tty.Close()
	if err != nil {
		return err
	}
	go io.Copy(io.Discard, screen) // a full terminal would stop it
	return cmd.Wait()
}

// interruptAll presses Ctrl-C for a command and all that it runs.
func interruptAll(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }

// killAll ends what is left of a command that was told to end.
func killAll(cmd *exec.Cmd) {
	if cmd.Process != nil {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}

// safe reports whether a program gets its arguments as they are.
func safe(string, []string) bool { return true }
