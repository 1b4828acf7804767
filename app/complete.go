package app

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// completeIDs offers the IDs that there are, but those that are on the line.
// Completion must never fail loudly: no answer is an answer.
func (p *program) completeIDs(c *cobra.Command, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	x, err := p.openAnyway()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []cobra.Completion
	for _, row := range x.refresher.Scan(c.Context()).Rows {
		if strings.HasPrefix(row.ID, begun) && !slices.Contains(given, row.ID) {
			ids = append(ids, cobra.CompletionWithDesc(row.ID, string(row.State)))
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

func (p *program) completeModes(c *cobra.Command, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	ids, d := p.completeIDs(c, given, begun)
	for _, m := range modes {
		if strings.HasPrefix(m, begun) {
			ids = append(ids, m)
		}
	}
	return ids, d
}

// completeNothing keeps a shell from offering files.
var completeNothing = cobra.NoFileCompletions
