package processes

import (
	"context"
	"strings"

	"github.com/shirou/gopsutil/v4/process"
)

func owner(ctx context.Context, p *process.Process) string {
	name, _ := p.UsernameWithContext(ctx)
	return name
}

// sameName reports whether both name one environment variable.
func sameName(a, b string) bool { return strings.EqualFold(a, b) }
