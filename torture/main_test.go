// Package torture does to the real program what computers, disks, servers and
// other programs do to it on a bad day, and looks at what is left: the stores,
// the journal, and what the authorization servers saw.
package torture_test

import (
	"testing"

	"lamplighter/lab"
)

func TestMain(m *testing.M) { lab.Main(m) }
