package signin

import "os/exec"

// Windows sends a Ctrl-C to all programs of a console by itself.
func interrupt(cmd *exec.Cmd) error { return cmd.Process.Kill() }
