//go:build unix && !darwin

package signin

import (
	"os/exec"
	"syscall"
)

func openers(getenv func(string) string, url string) [][]string {
	return append(chosen(getenv("BROWSER"), url), []string{"xdg-open", url})
}

// apart keeps the Ctrl-C that ends us from a browser that we started.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
