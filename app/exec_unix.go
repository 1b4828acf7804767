//go:build unix

package app

import (
	"os"
	"syscall"
)

// run puts the command in our place: it has our process ID, and whoever waits for
// us or sends us signals has to do with it alone.
func run(name string, args, env []string) (code int, err error) {
	return 0, os.NewSyscallError("exec", syscall.Exec(name, args, env))
}

func sameVariable(a, b string) bool { return a == b }
