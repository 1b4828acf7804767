//go:build !linux

package processes

import (
	"context"

	"github.com/shirou/gopsutil/v4/process"
)

// names asks the system for the names of all programs, by rising PID.
func names(ctx context.Context) ([]named, error) {
	pids, err := process.PidsWithContext(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]named, 0, len(pids))
	for _, pid := range pids {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		// Not process.NewProcess, which asks for the start time of each.
		p := process.Process{Pid: pid}
		if name, err := p.NameWithContext(ctx); err == nil {
			all = append(all, named{pid, name})
		}
	}
	return all, nil
}
