package daemon

import (
	"context"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

// Since is when a process was started; zero where that cannot be told.
func Since(ctx context.Context, pid int) time.Time {
	if pid <= 0 {
		return time.Time{}
	}
	p, err := process.NewProcessWithContext(ctx, int32(pid))
	if err != nil {
		return time.Time{}
	}
	ms, err := p.CreateTimeWithContext(ctx)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
