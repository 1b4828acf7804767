package credfiles

import (
	"io/fs"
	"testing"
)

func regroup(testing.TB, string) int { return 0 }

func groupOf(fs.FileInfo) int { return 0 }
