package app

import (
	"strings"

	"github.com/spf13/cobra"
)

// completeIDs offers the IDs that there are. Completion must never fail
// loudly: no answer is an answer.
func (p *program) completeIDs(c *cobra.Command, given []string, begun string) ([]string, cobra.ShellCompDirective) {
	x, err := p.open()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []string
	for _, row := range x.refresher.Scan(c.Context()).Rows {
		if strings.HasPrefix(row.ID, begun) || strings.Contains(row.ID, "/"+begun) {
			ids = append(ids, row.ID)
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

func (p *program) completeModes(c *cobra.Command, given []string, begun string) ([]string, cobra.ShellCompDirective) {
	ids, d := p.completeIDs(c, given, begun)
	for _, m := range []string{"keep", "watch-only", "paused"} {
		if strings.HasPrefix(m, begun) {
			ids = append(ids, m)
		}
	}
	return ids, d
}

// list writes candidates one under the other.
func list(ids []string) string { return "\n  " + strings.Join(ids, "\n  ") }
