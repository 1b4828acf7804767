//go:build unix

package signin

import (
	"io"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"github.com/creack/pty"
	"github.com/shirou/gopsutil/v4/process"
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
// the browser that it has started with it (SIGHUP, termios(3)).
func runAlone(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var told []int
	cmd.Cancel = func() error {
		told = client(int32(cmd.Process.Pid))
		for _, pid := range told {
			syscall.Kill(pid, syscall.SIGINT)
		}
		return nil
	}
	defer func() {
		for _, pid := range told {
			if group, err := syscall.Getpgid(pid); err == nil && group == cmd.Process.Pid {
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	}()
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

// client are a process and all below it, without the browser: a person is at
// work in it. Codex 0.169.0 and Claude Code 2.1.329 start it as a child, in
// their own process group (observed); what is started to show a page has its
// address among the arguments.
func client(pid int32) (all []int) {
	all = append(all, int(pid))
	children, _ := (&process.Process{Pid: pid}).Children()
	for _, c := range children {
		arguments, _ := c.CmdlineSlice()
		if !slices.ContainsFunc(arguments, func(a string) bool { return strings.Contains(a, "://") }) {
			all = append(all, client(c.Pid)...)
		}
	}
	return all
}

// safe reports whether a program gets its arguments as they are.
func safe(string, []string) bool { return true }
