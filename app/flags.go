package app

import (
	"time"

	"github.com/spf13/cobra"
)

// A flagValue is a flag whose help names its kind by an example. pflag's own
// way, quotes in the usage text, shows them in completions.
type flagValue struct {
	set  func(string) error
	text string
	kind string
}

func (f *flagValue) Set(s string) error {
	f.text = s
	return f.set(s)
}

func (f *flagValue) String() string { return f.text }
func (f *flagValue) Type() string   { return f.kind }

// timeFlag is a flag that says how long.
func timeFlag(c *cobra.Command, to *time.Duration, name, example, usage string) {
	c.Flags().Var(&flagValue{kind: example, set: func(s string) (err error) {
		*to, err = time.ParseDuration(s)
		if err != nil {
			return sayf(saidNoTime)
		}
		if *to <= 0 {
			return sayf(saidNotPositive)
		}
		return nil
	}}, name, usage)
	c.RegisterFlagCompletionFunc(name, completeNothing)
}
