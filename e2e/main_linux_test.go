package e2e

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"lamplighter/lab"
)

// TestMain is also every program that stands in for one of the desktop's: a
// link to the tests, by the name of what it stands in for.
func TestMain(m *testing.M) {
	if play := stands[filepath.Base(os.Args[0])]; play != nil {
		play()
		return
	}
	flag.Set("test.parallel", "16") // they wait more than they compute
	lab.Main(m)
}
