// Package app is who is told: the commands, the wiring of the parts, and every
// word for people.
package app

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"os/user"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"lamplighter/credfiles"
	"lamplighter/credfiles/agefile"
	"lamplighter/credfiles/processes"
)

// Exit codes, a contract with scripts. With several credentials the highest
// applies.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitLater  = 3 // temporary trouble, deferred, or interrupted
	exitSignIn = 4 // only a person can help
)

// A program is one run of lamplighter: the computer and the streams are
// arguments, so that a test can have its own.
type program struct {
	host    credfiles.Host
	out     *stream // results
	err     *stream // words
	began   time.Time
	version string
	config  string // --config
	loud    bool   // -v
	called  bool   // the command's own code runs: what failed before is how it was called
	// say takes a keeper's lines; nil: they go to err, with the time.
	say  func(text string)
	acts *acts // what a command did so far; nil: nobody asks
}

// An exit carries a code for os.Exit through cobra; what there is to say has
// been said.
type exit struct{ code int }

func (e exit) Error() string { return "" }

// Main runs the command line and returns the exit code. about is FyneApp.toml.
func Main(about []byte, args []string) int {
	if len(args) == 1 && args[0] == agefile.Argument {
		return agefile.Main(os.Stdin, os.Stdout)
	}
	p := &program{
		host: thisHost(), out: newStream(os.Stdout), err: newStream(os.Stderr),
		began: time.Now(), version: versionIn(about), acts: &acts{},
	}
	ctx, stop := signal.NotifyContext(context.Background(), endings()...)
	defer stop()
	// A reader that has gone, as head has, is no reason to die, least of all in
	// the middle of a refresh: writing fails instead.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	defer context.AfterFunc(ctx, p.err.clear)() // the ^C that the terminal shows
	return p.run(ctx, args)
}

// endings are the signals that end a command, but those that whoever started
// us wants to be ignored, as nohup does.
func endings() []os.Signal {
	var all []os.Signal
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			all = append(all, s)
		}
	}
	return all
}

func (p *program) run(ctx context.Context, args []string) int {
	root := p.root()
	root.SetArgs(args)
	root.SetOut(p.out)
	root.SetErr(p.err)
	code := p.codeOfError(root.ExecuteContext(ctx))
	p.runHooks(ctx)
	if err := p.out.failed(); err != nil {
		p.errorf(saidNoOutput, err)
		code = max(code, exitFailed)
	}
	return code
}

func (p *program) codeOfError(err error) int {
	var e exit
	var u usage
	var n never
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &e):
		return e.code
	case errors.As(err, &n):
		p.codeOfError(n.error) // says it
		return exitNever
	}
	p.errorf("%v", err)
	if do := advice(err.Error()); do != "" {
		p.warnf(saidDoThis, do)
	}
	if errors.As(err, &u) || !p.called {
		return exitUsage
	}
	return exitFailed
}

// thisHost is the computer that we run on.
func thisHost() credfiles.Host {
	home, err := os.UserHomeDir()
	u, uerr := user.Current()
	if err != nil && uerr == nil { // cron and some services set no HOME
		home = u.HomeDir
	}
	h := credfiles.Host{OS: runtime.GOOS, Home: home, Getenv: getenv, Processes: processes.List, Keyring: systemKeyring(os.Getenv)}
	h.Opener = &credfiles.Opener{}                                             // of this program, which Main is the other end of
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil { // Linux
		h.Kernel = string(release)
	}
	switch {
	case runtime.GOOS != "windows":
		h.User = strconv.Itoa(os.Getuid()) // a container may have no list of users
	case uerr == nil:
		h.User = u.Username
	}
	return h
}

func (p *program) root() *cobra.Command {
	cobra.EnableCommandSorting = false
	cobra.MousetrapHelpText = "" // on Windows it ends what the Explorer starts, at login too
	var atLogin bool
	root := &cobra.Command{
		Use:           "lamplighter",
		Short:         "Keeps the OAuth tokens of AI clients alive",
		Long:          rootHelp,
		Version:       p.versionLine(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				return usagef(saidDidYouMean, args[0], near[0])
			}
			return usagef(saidNoCommand, args[0])
		},
		RunE: func(c *cobra.Command, _ []string) error {
			p.leaveConsole()
			return p.face(c.Context(), atLogin)
		},
	}
	root.SuggestionsMinimumDistance = 2
	root.PersistentPreRun = func(*cobra.Command, []string) { p.called = true }
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef(saidBadFlag, err, c.CommandPath())
	})
	root.Flags().Bool("version", false, "print the version")
	root.Flags().BoolVar(&atLogin, "at-login", false, "start without a window, as at login")
	flags := root.PersistentFlags()
	flags.Var(&flagValue{kind: "FILE", set: func(s string) error { p.config = s; return nil }}, "config", "read the settings from this file")
	flags.BoolVarP(&p.loud, "verbose", "v", false, "say why at each step")
	root.AddCommand(
		p.statusCommand(), p.keepCommand(), p.refreshCommand(), p.ensureCommand(), p.tokenCommand(), p.headersCommand(), p.execCommand(),
		p.loginCommand(), p.restoreCommand(), p.forgetCommand(), p.modeCommand(), p.doctorCommand(), p.logCommand(), p.serviceCommand(), p.demoCommand(), p.versionCommand(),
	)
	root.AddCommand(p.addCommand(), p.removeCommand())
	root.AddCommand(p.systemCommands()...)
	root.InitDefaultCompletionCmd("completion")
	if c, _, err := root.Find([]string{"completion"}); err == nil && c != root {
		c.Short = completionShort
		c.Args = arguments(0, 0, "bash, fish, powershell or zsh")
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	return root
}

// arguments checks how many there are; wants says in words what is right.
func arguments(least, most int, wants string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return usagef(saidArguments, c.Name(), wants, c.CommandPath())
		}
		return nil
	}
}
