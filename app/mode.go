package app

import (
	"time"

	"github.com/spf13/cobra"

	"lamplighter/app/settings"
	"lamplighter/refresher"
	"lamplighter/refresher/ledger"
)

func (p *program) modeCommand() *cobra.Command {
	var all bool
	var span time.Duration
	c := &cobra.Command{
		Use:   "mode ID...|--all keep|watch-only|paused",
		Short: "Say what may be done with a credential",
		Long:  modeHelp,
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			word := args[len(args)-1]
			ids := args[:len(args)-1]
			switch {
			case word != "keep" && word != "watch-only" && word != "paused":
				return usagef(saidNoMode, word)
			case all == (len(ids) > 0):
				return usagef(saidAllOrIDs)
			case c.Flags().Changed("for") && word != "paused":
				return usagef(saidForOnlyPaused)
			case span < 0:
				return usagef(saidNegative, "--for")
			}
			var end time.Time
			if span > 0 {
				end = time.Now().Add(span).Truncate(time.Second)
			}
			x, err := p.open()
			if err != nil {
				return err
			}
			snap := x.refresher.Scan(c.Context())
			rows := snap.Rows
			if all {
				if err := p.modeForAll(x, word, end); err != nil {
					return err
				}
			} else if rows, err = pick(rows, ids); err != nil {
				return err
			}
			for _, row := range rows {
				if err := p.setMode(x, row, word, end, all); err != nil {
					return err
				}
			}
			return x.ledger.Signal()
		},
		ValidArgsFunction: p.completeModes,
	}
	c.Flags().BoolVar(&all, "all", false, "every credential, and those still to come")
	c.Flags().DurationVar(&span, "for", 0, "how long a pause lasts, such as `1h`")
	return c
}

// modeForAll changes the config: it speaks of credentials that do not exist
// yet as well.
func (p *program) modeForAll(x *parts, word string, end time.Time) error {
	if word != "paused" {
		if err := settings.Unset(x.configFile, "paused_until"); err != nil {
			return err
		}
		return settings.Set(x.configFile, []string{"mode"}, word)
	}
	if end.IsZero() {
		end = time.Now().AddDate(100, 0, 0).Truncate(time.Second) // until told otherwise
	}
	return settings.Set(x.configFile, []string{"paused_until"}, end.UTC())
}

func (p *program) setMode(x *parts, row refresher.Row, word string, end time.Time, all bool) error {
	m := ledger.Mode{Mode: row.Mode.Mode}
	switch {
	case all && word == "paused":
	case all:
		m = ledger.Mode{}
	case word == "paused":
		m.Paused, m.Until = true, end
	default:
		m = ledger.Mode{Mode: word}
	}
	if err := x.ledger.SetMode(row.Key, m); err != nil {
		return err
	}
	now := time.Now()
	switch {
	case word == "keep" && row.WatchOnly != "":
		p.printf(saidStillWatched, row.ID, watchReason(row))
	case word == "paused" && !end.IsZero():
		p.printf(saidPausedUntil, row.ID, clock(end, now))
	default:
		p.printf(saidMode, row.ID, word)
	}
	return nil
}
