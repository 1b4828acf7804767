package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lamplighter/credfiles"
	"lamplighter/doctor"
	"lamplighter/doctor/dialect"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/signin"
)

// An endpointAsk is one run of the command.
type endpointAsk struct {
	*program
	reporting
	e            doctor.Endpoint
	issuer       string
	as           []string
	scopes       []string
	secret       bool
	spend        bool
	reuse        bool
	yes          bool
	lines        *stdinLines
	signIns      int
	wait         time.Duration
	authorizeURL string
	revokeURL    string
}

func (p *program) tokenEndpointCommand() *cobra.Command {
	a := &endpointAsk{program: p}
	c := &cobra.Command{
		Use:     "token-endpoint URL",
		Short:   "Say whether a token endpoint refreshes, as each client asks",
		Long:    tokenEndpointHelp,
		Example: tokenEndpointExample,
		Args:    arguments(1, 1, "the URL of a token endpoint"),
		RunE: func(c *cobra.Command, args []string) error {
			exchange.UserAgent = "lamplighter/" + p.version
			a.e.Client.TokenURL = args[0]
			if err := a.check(); err != nil {
				return err
			}
			return p.report(a.reporting)(a.run(c.Context()))
		},
		ValidArgsFunction: completeNothing,
	}
	a.reporting.flags(c)
	text := func(to *string, name, kind, usage string) {
		c.Flags().Var(&flagValue{kind: kind, set: func(s string) error { *to = strings.TrimSpace(s); return nil }}, name, usage)
		c.RegisterFlagCompletionFunc(name, completeNothing)
	}
	text(&a.e.Client.ID, "client-id", "ID", "the client, as it is registered")
	c.Flags().BoolVar(&a.secret, "secret", false, "the client has a secret: it comes by stdin, or is asked for")
	c.Flags().BoolVar(&a.spend, "spend-token", false, "spend a refresh token from stdin, in place of a sign-in")
	text(&a.issuer, "issuer", "URL", "sign in where this issuer's metadata says")
	text(&a.authorizeURL, "authorize-url", "URL", "sign in here")
	text(&a.revokeURL, "revoke-url", "URL", "sign out here")
	c.Flags().Var(&flagValue{kind: "SCOPE", set: func(s string) error {
		a.scopes = append(a.scopes, strings.Fields(s)...)
		return nil
	}}, "scope", "ask for these scopes; may be given again")
	text(&a.e.Client.Server, "server", "URL", "the MCP server or API that the tokens are for")
	text(&a.e.Client.Resource, "resource", "URI", "what clients say in resource, if not what the server's metadata says")
	text(&a.e.Client.Redirect, "redirect", "URI", "the redirect URI of the registration (default "+defaultRedirect+")")
	text(&a.e.Auth, "auth", "HOW", "how a sign-in shows the secret: body, basic or none")
	c.Flags().Var(&flagValue{kind: "NAME", set: func(s string) error {
		a.as = append(a.as, strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })...)
		return nil
	}}, "as", "ask in these ways only; \"all\" are all there are")
	c.RegisterFlagCompletionFunc("as", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return append(dialect.Names(), "all"), cobra.ShellCompDirectiveNoFileComp
	})
	timeFlag(c, &a.wait, "wait", "65m", "wait so long between a sign-in and its refresh")
	c.Flags().BoolVar(&a.reuse, "try-reuse", false, "send a spent refresh token once more, after asking")
	c.Flags().BoolVar(&a.yes, "yes", false, "do not ask before anything")
	c.Flags().BoolVar(&a.e.PasteOnly, "no-browser", false, "show the address, and take the one you end on from stdin")
	return c
}

// defaultRedirect is on localhost, since Entra's portal takes no other host
// with http, and has a port of its own, since many servers compare it.
const defaultRedirect = "http://localhost:8976/callback"

// check settles what was asked for.
func (a *endpointAsk) check() error {
	u, err := url.Parse(a.e.Client.TokenURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return usagef(saidNoEndpoint)
	}
	if a.e.Client.ID == "" {
		return usagef(saidNoClientID)
	}
	if a.e.Ways, err = waysOf(a.as); err != nil {
		return err
	}
	switch a.e.Auth {
	case "":
	case "none":
		a.e.Auth = exchange.None
	case "basic":
		a.e.Auth = exchange.Basic
	case "body":
		a.e.Auth = exchange.Body
	default:
		return usagef(saidBadAuth, a.e.Auth)
	}
	if a.e.Client.Redirect == "" {
		a.e.Client.Redirect = defaultRedirect
	}
	if !a.spend && !a.offline && a.issuer == "" && a.authorizeURL == "" && a.e.Client.Server == "" {
		return usagef(saidNoPlace)
	}
	if a.reuse && !a.yes && !a.asks() {
		return usagef(saidReuseNeedsYes)
	}
	a.e.Client.Scopes, a.e.Client.Secret, a.e.Wait = a.scopes, a.secret, a.wait
	a.e.Place.AuthorizationURL, a.e.Place.RevocationURL = a.authorizeURL, a.revokeURL
	if err := a.e.Check(); err != nil {
		return usage{err}
	}
	return nil
}

func waysOf(names []string) (ways []dialect.Dialect, err error) {
	if len(names) == 0 {
		return dialect.Usual, nil
	}
	for _, name := range names {
		d, ok := dialect.Named(name)
		switch {
		case name == "all":
			return dialect.All, nil
		case !ok:
			return nil, usagef(saidNoWay, name, strings.Join(dialect.Names(), ", "))
		case !slices.Contains(ways, d):
			ways = append(ways, d)
		}
	}
	return ways, nil
}

// asks reports whether a person is there to be asked.
func (a *endpointAsk) asks() bool {
	return term.IsTerminal(int(os.Stdin.Fd())) && a.err.isTerminal()
}

func (a *endpointAsk) run(ctx context.Context) (doctor.Report, error) {
	a.lines = newStdinLines()
	if err := a.secrets(ctx); err != nil {
		return doctor.Report{}, err
	}
	x := doctor.NewRecorder(a.e.Client.TokenURL, doctor.Transport(a.e.Client.TokenURL, a.hosts(), a.offline))
	a.e.Show, a.e.Tell = a.show, a.tell
	if a.reuse {
		a.e.Reuse = func(way string) bool { return a.consents(ctx, way) }
	}
	if a.offline {
		return *x.Report, a.e.Examine(ctx, x)
	}
	stop := a.working(workAsking)
	found := a.e.Locate(ctx, x, a.issuer)
	stop()
	if !found || ctx.Err() != nil {
		return *x.Report, a.ended(ctx, nil)
	}
	if err := a.announce(ctx); err != nil {
		return *x.Report, err
	}
	return *x.Report, a.ended(ctx, a.e.Examine(ctx, x))
}

func (a *endpointAsk) ended(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, doctor.ErrInterrupted) {
		a.errorf(saidInterrupted)
		return exit{exitLater}
	}
	return err
}

// hosts are those that the user named: they may have any address.
func (a *endpointAsk) hosts() (hosts []string) {
	for _, raw := range []string{a.e.Client.TokenURL, a.issuer, a.authorizeURL, a.revokeURL, a.e.Client.Server} {
		if u, err := url.Parse(raw); err == nil && u.Host != "" {
			hosts = append(hosts, u.Hostname())
		}
	}
	return hosts
}

// secrets reads what came in by stdin: first the client's secret, then the
// refresh token, a line each.
func (a *endpointAsk) secrets(ctx context.Context) (err error) {
	if a.offline {
		if a.secret {
			a.e.Secret = credfiles.NewSecret("offline")
		}
		return nil
	}
	if a.secret {
		if a.e.Secret, err = a.secretLine(ctx, askClientSecret); err != nil {
			return err
		}
	}
	if a.spend {
		a.e.Spend, err = a.secretLine(ctx, askRefreshToken)
	}
	return err
}

func (a *endpointAsk) secretLine(ctx context.Context, prompt string) (credfiles.Secret, error) {
	var line string
	if term.IsTerminal(int(os.Stdin.Fd())) {
		typed, err := a.typed(ctx, prompt)
		if err != nil {
			return credfiles.Secret{}, err
		}
		line = typed
	} else {
		line, _ = a.lines.next(ctx)
	}
	if line = strings.TrimSpace(line); line == "" {
		return credfiles.Secret{}, usage{errors.New(saidNoSecret)}
	}
	return credfiles.NewSecret(line), nil
}

// announce says what is about to be done before any of it.
func (a *endpointAsk) announce(ctx context.Context) error {
	plan := a.e.Plan()
	var names []string
	for _, w := range plan.Ways {
		if w.Missing == nil {
			names = append(names, w.Name)
		}
	}
	a.signIns = plan.SignIns
	switch {
	case len(names) == 0:
		return nil
	case a.spend:
		a.warnf(saidSpends, strings.Join(names, ", "))
		return nil
	case a.signIns == 1:
		a.warnf(saidOneSignIn, names[0])
	default:
		a.warnf(saidSignIns, a.signIns, strings.Join(names, ", "))
	}
	a.warnf(saidThrownAway)
	a.warnf(saidRedirect, a.e.Client.Redirect)
	if a.wait > 0 {
		a.warnf(saidWaits, span(a.wait))
	}
	if a.yes || !a.asks() || a.signIns < 2 {
		return nil
	}
	fmt.Fprint(a.err, askGoOn)
	if _, ok := a.lines.next(ctx); !ok {
		a.warnf("")
		return exit{exitLater}
	}
	return nil
}

// tell says what is about to happen.
func (a *endpointAsk) tell(h doctor.Happening) {
	switch {
	case h.SignIn > 0 && a.signIns > 1:
		a.warnf(saidSignInOf, h.SignIn, a.signIns, h.Way)
	case h.Waits > 0:
		a.warnf(saidRests, span(h.Waits))
	case h.Refresh:
		a.warnf(saidSending, h.Way)
	}
}

func (a *endpointAsk) consents(ctx context.Context, way string) bool {
	if a.yes {
		a.warnf(saidReuse, way)
		return true
	}
	fmt.Fprintf(a.err, askReuse, way)
	line, _ := a.lines.next(ctx)
	line = strings.ToLower(strings.TrimSpace(line))
	return line == "y" || line == "yes"
}

// show brings the person to the server, and takes what is pasted. giveUp is
// called where nobody is left who could bring the answer.
func (a *endpointAsk) show(ctx context.Context, giveUp context.CancelCauseFunc, f *signin.Flow) {
	paste := a.e.PasteOnly || !f.Listens() || (&login{program: a.program}).remote()
	if !paste {
		a.warnf(saidOpening, f.Host())
		paste = signin.Open(a.host.Getenv, f.URL()) != nil
	}
	if paste {
		a.warnf(saidGoTo, f.Host())
	} else {
		a.warnf(saidOrGoTo)
	}
	a.warnf("%s", f.URL())
	switch {
	case paste && f.Listens():
		a.warnf(saidOrPaste)
	case paste:
		a.warnf(saidPaste)
	}
	if paste || a.asks() {
		go func() {
			if !a.pasted(ctx, f) && !f.Listens() {
				giveUp(errNobody)
			}
		}()
	}
}

// pasted takes lines until one is the answer. What comes is never shown.
func (a *endpointAsk) pasted(ctx context.Context, f *signin.Flow) (done bool) {
	for {
		line, ok := a.lines.next(ctx)
		if !ok {
			return false
		}
		if strings.TrimSpace(line) == "" {
			continue
		}
		err := f.Paste(line)
		if err == nil {
			return true
		}
		a.warnf("%s", upper(err.Error())+".")
	}
}
