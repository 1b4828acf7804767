package app

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"lamplighter/app/model"
	"lamplighter/credfiles"
	"lamplighter/refresher"
)

func (p *program) statusCommand() *cobra.Command {
	var asJSON, exitCode, ask bool
	var h hope
	var metricsFile string
	c := &cobra.Command{
		Use:   "status [ID...]",
		Short: "Show what there is, its state, and what happens next",
		Long:  statusHelp,
		RunE: func(c *cobra.Command, args []string) error {
			x, err := p.openAnyway()
			if err != nil {
				return err
			}
			if h.timeout > 0 && h.state == "" {
				return usagef(saidTimeout)
			}
			snap, late, err := p.look(c.Context(), x, h, args)
			if err != nil {
				return err
			}
			refused := false
			if ask {
				if snap, refused, err = p.asked(c.Context(), x, snap, args); err != nil {
					return err
				}
			}
			if len(args) > 0 {
				if snap, err = narrow(snap, args); err != nil {
					return err
				}
			}
			m := p.view(x.keeperRuns()).model(x.withDeliveries(snap), x.trouble())
			switch {
			case metricsFile != "":
				err = writeMetrics(metricsFile, snap, m.Keeper)
			case asJSON:
				err = p.printJSON(jsonOf(m))
			default:
				p.printStatus(m, len(args) == 0)
			}
			switch {
			case err == nil && refused:
				return ended(exitFailed)
			case err == nil && late:
				p.errorf(saidLate, h.state, plainSpan(h.timeout))
				return ended(exitLater)
			case err == nil && exitCode:
				return ended(codeOfModel(m))
			}
			return err
		},
		ValidArgsFunction: p.completeIDs,
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	c.Flags().BoolVar(&ask, "ask", false, "read what the macOS keychain keeps for its client alone, where the person at it allows that")
	c.Flags().Var(&flagValue{kind: "STATE", set: func(s string) error {
		if h.state = refresher.State(s); h.state != refresher.Fresh && h.state != refresher.SignInNeeded {
			return sayf(saidNoHope)
		}
		return nil
	}}, "wait", "wait until all are fresh, or until one is sign-in-needed")
	c.RegisterFlagCompletionFunc("wait", cobra.FixedCompletions([]string{string(refresher.Fresh), string(refresher.SignInNeeded)}, cobra.ShellCompDirectiveNoFileComp))
	timeFlag(c, &h.timeout, "timeout", "10m", "how long --wait waits, and exits 3 then; without it as long as it takes")
	c.Flags().Var(&flagValue{kind: "FILE", set: func(s string) error {
		if metricsFile = s; s == "" {
			return sayf(saidNoFile)
		}
		return nil
	}}, "prometheus", "write it into this file for Prometheus, in place of printing it")
	c.Flags().BoolVar(&exitCode, "exit-code", false, "exit 4 where a sign-in is needed, 3 on temporary trouble, 1 on a problem")
	return c
}

// narrow leaves the rows that arguments name, and the problems of their stores.
func narrow(snap refresher.Snapshot, args []string) (refresher.Snapshot, error) {
	rows, err := pick(snap, args)
	if err != nil {
		return snap, err
	}
	snap.Rows = rows
	snap.Problems = slices.DeleteFunc(slices.Clone(snap.Problems), func(p credfiles.Problem) bool {
		return !slices.ContainsFunc(rows, func(r refresher.Row) bool {
			return r.Path == p.Store && (p.Entry == "" || p.Entry == r.Name) || p.Kind == credfiles.BadConfig && r.Client == p.Client
		})
	})
	return snap, nil
}

// pick chooses the rows that arguments name.
func pick(snap refresher.Snapshot, args []string) ([]refresher.Row, error) {
	var ids []string
	for _, r := range snap.Rows {
		ids = append(ids, r.ID)
	}
	var chosen []refresher.Row
	for _, arg := range args {
		found := credfiles.Match(ids, arg)
		switch {
		case len(found) == 0 && slices.ContainsFunc(snap.Problems, unread):
			return nil, sayf(saidNoSuchID+saidUnread, arg) // it may stand there
		case len(found) == 0:
			return nil, usagef(saidNoSuchID, arg)
		case len(found) > 1:
			return nil, usagef(saidAmbiguousID, arg, strings.Join(found, "\n  "))
		}
		i := slices.Index(ids, found[0])
		if !slices.ContainsFunc(chosen, func(r refresher.Row) bool { return r.Key == snap.Rows[i].Key }) {
			chosen = append(chosen, snap.Rows[i])
		}
	}
	return chosen, nil
}

// codeOfModel maps states and problems to an exit code.
func codeOfModel(m model.Model) int {
	code := exitDone
	if len(m.Problems) > 0 {
		code = exitFailed
	}
	for _, r := range m.Rows {
		code = max(code, codeOfState(r))
	}
	return code
}

// codeOfState is what a credential's state means to who wants to use it.
func codeOfState(r model.Row) int {
	switch {
	case r.NeedsYou:
		return exitSignIn
	case r.Unused:
		return exitDone
	}
	switch refresher.State(r.State) {
	case refresher.Retrying, refresher.Deferred, refresher.Refreshing, refresher.Unsaved:
		return exitLater
	case refresher.Misconfigured:
		return exitFailed
	}
	return exitDone
}

// ended is the error that makes the exit code.
func ended(code int) error {
	if code == exitDone {
		return nil
	}
	return exit{code}
}
