package signin

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/windows"
)

// terminals is false: creack/pty has none for Windows, so a client that wants
// one is signed in by our own flow.
func terminals() bool { return false }

// runAlone runs a command without a console window.
func runAlone(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{HideWindow: true, CreationFlags: windows.CREATE_NO_WINDOW}
	return cmd.Run()
}

// safe reports whether a program gets its arguments as they are. A batch file,
// as npm installs them, is read by cmd.exe, which makes commands of some.
func safe(path string, arguments []string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".cmd", ".bat":
		for _, a := range arguments {
			if strings.ContainsFunc(a, func(r rune) bool {
				return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@", r))
			}) {
				return false
			}
		}
	}
	return true
}
