//go:build !windows

package processes

import (
	"context"
	"strconv"

	"github.com/shirou/gopsutil/v4/process"
)

func owner(ctx context.Context, p *process.Process) string {
	uids, err := p.UidsWithContext(ctx)
	if err != nil || len(uids) == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(uids[0]), 10)
}

// sameName reports whether both name one environment variable.
func sameName(a, b string) bool { return a == b }
