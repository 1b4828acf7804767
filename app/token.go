package app

import (
	"time"

	"github.com/spf13/cobra"

	"lamplighter/refresher"
)

func (p *program) tokenCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "token ID",
		Short:   "Print an access token, never a refresh token",
		Long:    tokenHelp,
		Example: tokenExample,
		Args:    arguments(1, 1, "one ID"),
		RunE: func(c *cobra.Command, args []string) error {
			x, err := p.openAnyway()
			if err != nil {
				return err
			}
			snap, err := p.read(c.Context(), x, args[0])
			if err != nil {
				return err
			}
			if snap, err = narrow(snap, args); err != nil { // what is there has to be known
				if snap, err = p.read(c.Context(), x, ""); err == nil {
					snap, err = narrow(snap, args)
				}
			}
			if err != nil {
				return err
			}
			if row := snap.Rows[0]; !row.Access.IsZero() && (row.Expiry.IsZero() || row.Expiry.After(time.Now())) {
				p.printf("%s\n", row.Access.Reveal())
				return nil
			}
			// Why there is none is for the rules to say.
			if snap, err = p.scan(c.Context(), x); err != nil {
				return err
			}
			if snap, err = narrow(snap, args); err != nil {
				return err
			}
			v := p.view(x.keeperRuns())
			m := v.model(snap, nil)
			r := m.Rows[0]
			switch refresher.State(r.State) {
			case refresher.Fresh, refresher.Refreshing, refresher.Paused:
				r.Do = command(v.os, "", "lamplighter", "refresh", r.ID)
			}
			p.errorf(saidNoToken, r.ID, r.Reason)
			if r.Do != "" {
				p.warnf(saidDoThis, r.Do)
			}
			return ended(max(codeOfState(r), exitFailed))
		},
		ValidArgsFunction: p.completeIDs,
	}
}
