package signin

import (
	"os/exec"
	"syscall"
)

func openers(_ func(string) string, url string) [][]string {
	return [][]string{{"/usr/bin/open", url}}
}

// apart keeps the Ctrl-C that ends us from what we started.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
