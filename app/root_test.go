package app

import (
	"testing"

	"github.com/spf13/cobra"
)

// cobra ends a program that the Explorer started: from a double click, and at
// login.
func TestTheExplorerMayStartTheProgram(t *testing.T) {
	before := cobra.MousetrapHelpText
	t.Cleanup(func() { cobra.MousetrapHelpText = before })
	cobra.MousetrapHelpText = "This is a command line tool."
	(&program{}).root()
	if cobra.MousetrapHelpText != "" {
		t.Errorf("it would end with %q", cobra.MousetrapHelpText)
	}
}
