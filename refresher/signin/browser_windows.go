package signin

import (
	"os/exec"
	"path/filepath"
	"syscall"
)

func openers(getenv func(string) string, url string) [][]string {
	return [][]string{{filepath.Join(getenv("SYSTEMROOT"), "System32", "rundll32.exe"), "url.dll,FileProtocolHandler", url}}
}

// apart keeps the Ctrl-C that ends us from what we started.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
