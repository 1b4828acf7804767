//go:build !windows

package app

import "github.com/spf13/cobra"

// systemCommands are those that only this system needs.
func (p *program) systemCommands() []*cobra.Command { return nil }
