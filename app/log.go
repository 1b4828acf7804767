package app

import (
	"github.com/spf13/cobra"

	"lamplighter/refresher/ledger"
)

func (p *program) logCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "log",
		Short: "Show what was done, when and why",
		Long:  logHelp,
		Args:  arguments(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			x, err := p.openAnyway()
			if err != nil {
				return err
			}
			events, err := x.ledger.Events(x.policy().LogKeep)
			if err != nil {
				return err
			}
			if asJSON {
				return p.printJSON(logOf(events))
			}
			v := p.view(false)
			for _, e := range events {
				p.printf("%s  %s\n", e.At.Local().Format("2006-01-02 15:04:05"), v.event(e, true))
			}
			if len(events) == 0 && p.err.isTerminal() {
				p.warnf(saidNothingDone)
			}
			return nil
		},
		ValidArgsFunction: completeNothing,
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

// The JSON of log is a contract, as that of status is.
type logJSON struct {
	Version int         `json:"version"`
	Events  []eventJSON `json:"events"`
}

type eventJSON struct {
	At        stamp   `json:"at"`
	ID        *string `json:"id"`
	Event     string  `json:"event"`
	Why       *string `json:"why"`
	Verdict   *string `json:"verdict"`
	Code      *string `json:"code"`
	Detail    *string `json:"detail"`
	Host      *string `json:"host"`
	Old       *string `json:"old"` // fingerprint of the refresh token before
	New       *string `json:"new"` // and after
	ExpiresAt stamp   `json:"expires_at"`
	PID       int     `json:"pid"`
}

func logOf(events []ledger.Event) logJSON {
	l := logJSON{Version: 1, Events: []eventJSON{}}
	for _, e := range events {
		l.Events = append(l.Events, eventJSON{
			At: stamp(e.At), ID: known(e.ID), Event: e.What, Why: known(e.Why), Verdict: known(e.Verdict),
			Code: known(e.Code), Detail: known(e.Detail), Host: known(e.Host), Old: known(e.Old), New: known(e.New),
			ExpiresAt: stamp(e.Expiry), PID: e.PID,
		})
	}
	return l
}
