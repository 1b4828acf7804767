package app

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lamplighter/app/settings"
	"lamplighter/credfiles"
	"lamplighter/doctor"
	"lamplighter/refresher/exchange"
)

// reporting is how a report is put out, and whether anybody is asked.
type reporting struct {
	json, markdown, offline bool
}

func (f *reporting) flags(c *cobra.Command) {
	c.Flags().BoolVar(&f.json, "json", false, "print one JSON object")
	c.Flags().BoolVar(&f.markdown, "markdown", false, "print Markdown, for a ticket")
	c.Flags().BoolVar(&f.offline, "offline", false, "send nothing; show what would be sent")
	c.PreRunE = func(*cobra.Command, []string) error { return atMostOne(c, "json", "markdown") }
}

func (p *program) doctorCommand() *cobra.Command {
	var f reporting
	var s shown
	var w visit
	c := &cobra.Command{
		Use:     "doctor [ID|URL]",
		Short:   "Say why a token, a server or an endpoint does not work",
		Long:    doctorHelp,
		Example: doctorExample,
		Args:    arguments(0, 1, "an ID, a URL or nothing"),
		RunE: func(c *cobra.Command, args []string) error {
			exchange.UserAgent = "lamplighter/" + p.version
			if err := atMostOne(c, "bearer", "basic", "api-key-header", "api-key-query"); err != nil {
				return err
			}
			if s.ask.Gateway != "" && s.ask.Place == doctor.Nowhere {
				return usagef(saidGatewayAlone)
			}
			isID := len(args) == 1 && !doctor.IsURL(args[0])
			if (w.refresh || w.yes) && !isID {
				return usagef(saidRefreshID)
			}
			if len(args) == 1 && !isID {
				return p.report(f)(p.examineURL(c.Context(), f, s, args[0]))
			}
			switch {
			case s.ask.Place != doctor.Nowhere:
				return usagef(saidSecretForURL)
			case isID:
				w.id, w.offline = args[0], f.offline
				return p.report(f)(p.examineCredential(c.Context(), w))
			}
			return p.report(f)(p.examineLocal(c.Context()))
		},
		ValidArgsFunction: p.completeIDs,
	}
	f.flags(c)
	s.flags(c)
	w.flags(c)
	c.AddCommand(p.tokenEndpointCommand())
	return c
}

// atMostOne is for flags of which one rules out the others.
func atMostOne(c *cobra.Command, names ...string) error {
	var given []string
	for _, name := range names {
		if c.Flags().Changed(name) {
			given = append(given, "--"+name)
		}
	}
	if len(given) > 1 {
		return usagef(saidOneOf, strings.Join(given, " and "))
	}
	return nil
}

// report prints what an examination came to, and ends with its exit code.
func (p *program) report(f reporting) func(doctor.Report, error) error {
	return func(r doctor.Report, err error) error {
		if err != nil {
			return err
		}
		switch {
		case f.json:
			err = p.printJSON(r)
		case f.markdown:
			p.printf("%s", r.Markdown())
		default:
			p.printf("%s", p.reportText(r))
		}
		if err != nil {
			return err
		}
		return ended(r.Exit())
	}
}

func (p *program) reportText(r doctor.Report) string {
	width, _ := p.out.size()
	if width == 0 {
		width = 80
	}
	bold := func(s string) string { return s }
	if p.out.canColour() {
		bold = func(s string) string { return "\x1b[1m" + s + "\x1b[0m" }
	}
	return r.Text(min(width, 100), bold)
}

// shown is how the secret for a URL is shown to its server.
type shown struct{ ask doctor.Ask }

func (s *shown) flags(c *cobra.Command) {
	plain := func(place doctor.Place, name, usage string) {
		c.Flags().BoolFunc(name, usage, func(string) error { s.ask.Place, s.ask.Name = place, ""; return nil })
	}
	named := func(place doctor.Place, name, usage string) {
		c.Flags().Var(&flagValue{kind: "NAME", set: func(text string) (err error) {
			s.ask.Place = place
			s.ask.Name, err = nameOf(text)
			return err
		}}, name, usage)
		c.RegisterFlagCompletionFunc(name, completeNothing)
	}
	plain(doctor.Bearer, "bearer", "show a token from stdin as a bearer token")
	plain(doctor.BasicPair, "basic", "show user:password from stdin by HTTP Basic")
	named(doctor.KeyHeader, "api-key-header", "show a key from stdin in this header")
	named(doctor.KeyQuery, "api-key-query", "show a key from stdin in this parameter of the URL")
	c.Flags().Var(&flagValue{kind: "NAME", set: func(text string) (err error) {
		s.ask.Gateway, err = nameOf(text)
		return err
	}}, "gateway-key", "show a gateway its own key from the second line in this header")
	c.RegisterFlagCompletionFunc("gateway-key", completeNothing)
}

// nameOf is the name of a header or parameter.
func nameOf(text string) (string, error) {
	if text == "" || strings.ContainsAny(text, " \t\r\n:=&?\"") {
		return "", sayf(saidKeyName)
	}
	return text, nil
}

// examineURL is the report on a server.
func (p *program) examineURL(ctx context.Context, f reporting, s shown, url string) (doctor.Report, error) {
	if err := doctor.CheckURL(url); err != nil {
		return doctor.Report{}, usagef(saidNoURL, err)
	}
	s.ask.URL = url
	if s.ask.Place != doctor.Nowhere {
		var err error
		if s.ask.Secret, err = p.askSecret(ctx, askFor[s.ask.Place]); err != nil {
			return doctor.Report{}, err
		}
	}
	if s.ask.Gateway != "" {
		var err error
		if s.ask, err = p.withGateway(ctx, s.ask); err != nil {
			return doctor.Report{}, err
		}
	}
	defer p.working(workAsking)()
	x := doctor.NewRecorder(url, doctor.Transport(url, p.privateHosts(), f.offline))
	doctor.URL(ctx, x, s.ask)
	if ctx.Err() != nil {
		p.errorf(saidInterrupted)
		return *x.Report, exit{exitLater}
	}
	return *x.Report, nil
}

// privateHosts are those that the settings allow. Where these cannot be read
// there are none: a server can be asked all the same.
func (p *program) privateHosts() []string {
	config, _, err := settings.Paths(settings.Env{OS: p.host.OS, Home: p.host.Home, Getenv: p.host.Getenv})
	if err != nil {
		return nil
	}
	s, err := settings.Load(cmp.Or(p.config, config), credfiles.ClientNames())
	if err != nil {
		return nil
	}
	return s.AllowPrivate
}

// askSecret reads a secret from stdin: all of it, but for the line break that
// ends what echo writes. On a terminal it is asked for, and not shown.
func (p *program) askSecret(ctx context.Context, prompt string) (string, error) {
	var text []byte
	var err error
	if term.IsTerminal(int(os.Stdin.Fd())) {
		typed, err := p.typed(ctx, prompt)
		if err != nil {
			return "", err
		}
		text = []byte(typed)
	} else {
		text, err = allOf(ctx, os.Stdin)
	}
	if ctx.Err() != nil {
		p.errorf(saidInterrupted)
		return "", exit{exitLater}
	}
	if err != nil {
		return "", sayf(saidNoStdin, err)
	}
	s := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if strings.TrimSpace(s) == "" {
		return "", usage{errors.New(saidNoSecret)}
	}
	return s, nil
}

// withGateway takes the gateway's key from the second line, or asks for it.
func (p *program) withGateway(ctx context.Context, ask doctor.Ask) (_ doctor.Ask, err error) {
	if term.IsTerminal(int(os.Stdin.Fd())) {
		ask.GatewayKey, err = p.askSecret(ctx, askGatewayKey)
		return ask, err
	}
	secret, key, ok := strings.Cut(ask.Secret, "\n")
	if !ok || strings.TrimSpace(key) == "" {
		return ask, usage{errors.New(saidNoGatewayKey)}
	}
	ask.Secret, ask.GatewayKey = strings.TrimSuffix(secret, "\r"), key
	return ask, nil
}

// allOf reads what comes to an end; Ctrl-C does not wait for it.
func allOf(ctx context.Context, r io.Reader) ([]byte, error) {
	type all struct {
		text []byte
		err  error
	}
	ended := make(chan all, 1)
	go func() {
		text, err := io.ReadAll(io.LimitReader(r, 64<<10+1))
		if err == nil && len(text) > 64<<10 {
			err = errors.New("more came than 64 kB, and no secret is that long")
		}
		ended <- all{text, err}
	}()
	select {
	case a := <-ended:
		return a.text, a.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
