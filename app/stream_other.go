//go:build !windows

package app

import "os"

// ansi reports whether the terminal understands escape sequences.
func ansi(*os.File) bool { return os.Getenv("TERM") != "dumb" }
