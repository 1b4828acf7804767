package app

import (
	"strings"

	"github.com/spf13/cobra"

	"lamplighter/refresher/ledger"
)

func (p *program) logCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "log",
		Short: "Show what was done, when and why",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			x, err := p.open()
			if err != nil {
				return err
			}
			events, err := x.ledger.Events(x.policy().LogKeep)
			if err != nil {
				return err
			}
			if asJSON {
				return p.printJSON(struct {
					Version int            `json:"version"`
					Events  []ledger.Event `json:"events"`
				}{1, append([]ledger.Event{}, events...)})
			}
			for _, e := range events {
				p.printf("%s  %s\n", e.At.Local().Format("2006-01-02 15:04:05"), eventText(e, true))
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

// eventText is one line for people; all adds fingerprints, hosts and details.
func eventText(e ledger.Event, all bool) string {
	var b strings.Builder
	if e.ID != "" {
		b.WriteString(e.ID + ": ")
	}
	word, ok := eventWords[e.What]
	if !ok {
		word = e.What
	}
	b.WriteString(word)
	if e.Code != "" {
		b.WriteString(" (" + e.Code + ")")
	}
	if all {
		switch {
		case e.Old != "" && e.New != "" && e.Old != e.New:
			b.WriteString(", refresh token " + e.Old + " -> " + e.New)
		case e.Old+e.New != "":
			b.WriteString(", refresh token " + max(e.Old, e.New))
		}
		if e.Host != "" {
			b.WriteString(", " + e.Host)
		}
	}
	if !e.Expiry.IsZero() {
		b.WriteString(", good until " + clock(e.Expiry, e.At))
	}
	for _, more := range []string{e.Detail, e.Why} {
		if more != "" {
			b.WriteString(": " + more)
		}
	}
	return b.String()
}
