// Package app is who is told: the commands, the wiring of the parts, and every
// word for people.
package app

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"os/user"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"lamplighter/credfiles"
	"lamplighter/credfiles/processes"
)

// Exit codes, a contract with scripts. With several credentials the highest
// applies.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitLater  = 3 // temporary trouble, or deferred
	exitSignIn = 4 // only a person can help
)

// A program is one run of lamplighter: the computer and the streams are
// arguments, so that a test can have its own.
type program struct {
	host   credfiles.Host
	in     io.Reader
	out    io.Writer // results
	err    io.Writer // words
	began  time.Time
	config string // --config
	loud   bool   // -v

	keeping bool // a keeper says what happens, a command only its result
	version string
}

// An exit carries a code for os.Exit through cobra; its error has been said
// already, or there is none.
type exit struct{ code int }

func (e exit) Error() string { return "" }

// Main runs the command line and returns the exit code. about is FyneApp.toml.
func Main(about []byte, args []string) int {
	p := &program{
		host: thisHost(), in: os.Stdin, out: os.Stdout, err: os.Stderr,
		began: time.Now(), version: versionIn(about),
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return p.run(ctx, args)
}

func (p *program) run(ctx context.Context, args []string) int {
	root := p.root()
	root.SetArgs(args)
	root.SetOut(p.out)
	root.SetErr(p.err)
	err := root.ExecuteContext(ctx)
	var e exit
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &e):
		return e.code
	}
	p.errorf("%v", err)
	var u usage
	if errors.As(err, &u) || cobraUsage(err) {
		return exitUsage
	}
	return exitFailed
}

// thisHost is the computer that we run on.
func thisHost() credfiles.Host {
	home, err := os.UserHomeDir()
	if err != nil {
		if u, err := user.Current(); err == nil { // cron and some services set no HOME
			home = u.HomeDir
		}
	}
	h := credfiles.Host{OS: runtime.GOOS, Home: home, Getenv: os.Getenv, Processes: processes.List}
	if u, err := user.Current(); err == nil {
		h.User = u.Uid
		if runtime.GOOS == "windows" {
			h.User = u.Username
		}
	}
	return h
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "lamplighter",
		Short:         "Keeps the OAuth tokens of AI clients alive",
		Long:          rootHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	flags := root.PersistentFlags()
	flags.StringVar(&p.config, "config", "", "read settings from `FILE`")
	flags.BoolVarP(&p.loud, "verbose", "v", false, "say why at each step")
	root.AddCommand(
		p.keepCommand(), p.statusCommand(), p.refreshCommand(), p.tokenCommand(),
		p.modeCommand(), p.logCommand(), p.demoCommand(), p.versionCommand(),
	)
	return root
}
