package e2e

import (
	"testing"

	"lamplighter/lab"
)

func TestMain(m *testing.M) { lab.Main(m) }
