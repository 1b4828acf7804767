package app

import (
	"math"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"lamplighter/app/settings"
	"lamplighter/refresher"
	"lamplighter/refresher/ledger"
)

var modes = []string{"keep", "watch-only", "paused"}

func (p *program) modeCommand() *cobra.Command {
	var all bool
	var span time.Duration
	c := &cobra.Command{
		Use:     "mode ID...|--all keep|watch-only|paused",
		Short:   "Say what may be done with a credential",
		Long:    modeHelp,
		Example: modeExample,
		Args:    arguments(1, math.MaxInt, "IDs, or --all, and a mode"),
		RunE: func(c *cobra.Command, args []string) error {
			word := args[len(args)-1]
			ids := args[:len(args)-1]
			switch {
			case !slices.Contains(modes, word):
				return usagef(saidNoMode, word)
			case all == (len(ids) > 0):
				return usagef(saidAllOrIDs)
			case c.Flags().Changed("for") && word != "paused":
				return usagef(saidForOnlyPaused)
			}
			var end time.Time
			if span > 0 {
				end = time.Now().Add(span).Truncate(time.Second)
			}
			x, err := p.open()
			if err != nil {
				return err
			}
			snap, err := p.scan(c.Context(), x)
			if err != nil {
				return err
			}
			if all {
				if err := p.modeForAll(x, word, end); err != nil {
					return err
				}
			} else if snap, err = narrow(snap, ids); err != nil {
				return err
			}
			code := exitDone
			for _, row := range snap.Rows {
				if err := setMode(x, row, word, end, all); err != nil {
					return err
				}
				if !all && !p.saidMode(row, word, end) {
					code = exitFailed
				}
			}
			if err := x.ledger.Signal(); err != nil {
				return err
			}
			return ended(code)
		},
		ValidArgsFunction: p.completeModes,
	}
	c.Flags().BoolVar(&all, "all", false, "every credential, and those still to come")
	timeFlag(c, &span, "for", "1h", "how long a pause lasts")
	return c
}

// modeForAll changes the config: it speaks of credentials that do not exist
// yet as well.
func (p *program) modeForAll(x *parts, word string, end time.Time) error {
	if word != "paused" {
		if err := settings.Unset(x.configFile, "paused_until"); err != nil {
			return err
		}
		if err := settings.Set(x.configFile, []string{"mode"}, word); err != nil {
			return err
		}
		p.printf(saidAllMode, word)
		return nil
	}
	until := end
	if until.IsZero() {
		until = forever()
	}
	if err := settings.Set(x.configFile, []string{"paused_until"}, until.UTC()); err != nil {
		return err
	}
	if end.IsZero() {
		p.printf(saidAllMode, word)
	} else {
		p.printf(saidAllPaused, clock(end, time.Now()))
	}
	return nil
}

// forever is until told otherwise.
func forever() time.Time { return time.Now().AddDate(100, 0, 0).Truncate(time.Second) }

func setMode(x *parts, row refresher.Row, word string, end time.Time, all bool) error {
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
	return x.ledger.SetMode(row.Key, m)
}

// saidMode says what came of it; false where it is not what was asked for.
func (p *program) saidMode(row refresher.Row, word string, end time.Time) bool {
	now := time.Now()
	switch {
	case word == "keep" && row.WatchOnly != "":
		p.printf(saidStillWatched, row.ID, p.view(false).watchOnly(row, now))
		return false
	case word == "paused" && !end.IsZero():
		p.printf(saidPausedUntil, row.ID, clock(end, now))
	default:
		p.printf(saidMode, row.ID, word)
	}
	return true
}
