package app

import (
	"time"

	"github.com/spf13/cobra"
)

func (p *program) tokenCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "token ID",
		Short: "Print an access token, never a refresh token",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			x, err := p.open()
			if err != nil {
				return err
			}
			snap := x.refresher.Scan(c.Context())
			rows, err := pick(snap.Rows, args)
			if err != nil {
				return err
			}
			row := rows[0]
			if row.Access.IsZero() || !row.Expiry.IsZero() && !row.Expiry.After(time.Now()) {
				m := rowOf(row, snap.At)
				p.errorf(saidNoToken, row.ID, m.Reason)
				if m.Do != "" {
					p.warnf("  -> %s", m.Do)
				}
				if m.needsYou() {
					return exit{exitSignIn}
				}
				return exit{exitLater}
			}
			p.printf("%s\n", row.Access.Reveal())
			return nil
		},
		ValidArgsFunction: p.completeIDs,
	}
}
