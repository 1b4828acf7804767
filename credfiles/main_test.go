package credfiles

import (
	"os"
	"testing"

	"lamplighter/credfiles/agefile"
	"lamplighter/lab/security"
)

// TestMain is also the programs that stores are opened with.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == agefile.Argument {
		os.Exit(agefile.Main(os.Stdin, os.Stdout))
	}
	security.Run()
	os.Exit(m.Run())
}
