package app

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lamplighter/credfiles"
	"lamplighter/refresher"
)

// completeIDs offers the IDs that there are, else unique ends of them, but
// those that are on the line.
// Completion must never fail loudly: no answer is an answer.
func (p *program) completeIDs(c *cobra.Command, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	x, err := p.openAnyway()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return offered(x.refresher.Scan(c.Context()).Rows, given, begun)
}

// completeRemembered offers those too whose entries are gone.
func (p *program) completeRemembered(c *cobra.Command, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	x, err := p.openAnyway()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	snap := x.refresher.Scan(c.Context())
	rows := slices.Clone(snap.Rows)
	lost, _ := x.refresher.Remembered(snap)
	for _, row := range lost {
		if row.ID != "" && !slices.ContainsFunc(rows, func(r refresher.Row) bool { return r.ID == row.ID }) {
			row.State = wordGone
			rows = append(rows, row)
		}
	}
	return offered(rows, given, begun)
}

func offered(rows []refresher.Row, given []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var ids []string
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	var whole, tails []cobra.Completion
	for _, row := range rows {
		if slices.Contains(given, row.ID) {
			continue
		}
		if strings.HasPrefix(row.ID, begun) {
			whole = append(whole, cobra.CompletionWithDesc(row.ID, string(row.State)))
		}
		for tail, more := row.ID, true; more; {
			if _, tail, more = strings.Cut(tail, "/"); more && strings.HasPrefix(tail, begun) && len(credfiles.Match(ids, tail)) == 1 {
				tails = append(tails, cobra.CompletionWithDesc(tail, row.ID))
			}
		}
	}
	if len(whole) == 0 {
		whole = tails
	}
	return plainSpaces(whole), cobra.ShellCompDirectiveNoFileComp
}

// plainSpaces drops the descriptions where something has a space: bash would
// take their blanks for a part of it.
func plainSpaces(all []cobra.Completion) []cobra.Completion {
	name := func(c cobra.Completion) string {
		s, _, _ := strings.Cut(c, "\t")
		return s
	}
	if slices.ContainsFunc(all, func(c cobra.Completion) bool { return strings.Contains(name(c), " ") }) {
		for i := range all {
			all[i] = name(all[i])
		}
	}
	return all
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
