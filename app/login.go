package app

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/discovery"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/signin"
)

// A login is one run of the command.
type login struct {
	*program
	x         *parts
	v         view
	row       refresher.Row
	noBrowser bool
	anyway    bool
}

func (p *program) loginCommand() *cobra.Command {
	l := login{program: p}
	c := &cobra.Command{
		Use:     "login ID",
		Short:   "Sign in again",
		Long:    loginHelp,
		Example: loginExample,
		Args:    arguments(1, 1, "one ID"),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if l.x, err = p.open(); err != nil {
				return err
			}
			snap, err := p.scan(c.Context(), l.x)
			if err != nil {
				return err
			}
			rows, err := pick(snap, args)
			var wrong usage
			if errors.As(err, &wrong) && !slices.ContainsFunc(snap.Rows, func(r refresher.Row) bool { return len(credfiles.Match([]string{r.ID}, args[0])) > 0 }) {
				return usagef(saidNeverSignedIn, err)
			}
			if err != nil {
				return err
			}
			l.row, l.v = rows[0], p.view(l.x.keeperRuns())
			l.siblings(snap)
			code := l.run(c.Context())
			if code == exitDone {
				p.handOn(c.Context(), l.x, l.row)
			}
			return ended(code)
		},
		ValidArgsFunction: p.completeIDs,
	}
	c.Flags().BoolVar(&l.noBrowser, "no-browser", false, "show the address, and take the one you end on from stdin")
	c.Flags().BoolVar(&l.anyway, "anyway", false, "even where the server does not say that it checks PKCE")
	return c
}

// siblings names those that the sign-in may sign out: some servers end every
// older sign-in of the same client (Cloudflare's workers-oauth-provider,
// unless told not to).
func (l *login) siblings(snap refresher.Snapshot) {
	for _, r := range snap.Rows {
		if r.Key != l.row.Key && !r.Unused && sameRegistration(r.Grant, l.row.Grant) {
			l.warnf(saidSibling, r.ID, l.row.ID)
		}
	}
}

// sameRegistration reports that a server takes two credentials for one
// client's. Stores that name no issuer are believed to mean the same, but for a
// client ID that is good anywhere.
func sameRegistration(a, b credfiles.Grant) bool {
	unknown := (a.Issuer == "" || b.Issuer == "") && !strings.HasPrefix(a.ClientID, "https://")
	return a.ClientID != "" && a.ClientID == b.ClientID && !a.ByClient() && !b.ByClient() && (unknown || discovery.SameIssuer(a.Issuer, b.Issuer))
}

func (l *login) run(ctx context.Context) int {
	if l.row.Own {
		return l.own(ctx)
	}
	terminal := term.IsTerminal(int(os.Stdin.Fd())) && l.err.isTerminal()
	way, why := wayOf(l.row, signin.Installed(l.row.SignIn), terminal, l.noBrowser)
	switch way {
	case byClient:
		return l.client(ctx)
	case byUs:
		return l.flow(ctx)
	}
	l.errorf(saidNoSignIn, l.row.ID, why)
	if do := l.v.signIn(l.row); do != "" {
		l.warnf(saidDoThis, do)
	}
	return exitFailed
}

// A way is who signs in.
type way int

const (
	byNobody way = iota
	byClient     // its own command
	byUs
)

// wayOf prefers the client's own command where that needs nothing that we have
// not got, then our flow, then the command on the terminal that there is. why
// is what is against our flow.
func wayOf(row refresher.Row, installed, terminal, noBrowser bool) (_ way, why string) {
	why = ownSignIn(row)
	alone := !row.SignInTerminal && (!noBrowser || row.SignInNoBrowser != "")
	switch {
	case installed && alone:
		return byClient, why
	case why == "":
		return byUs, why
	case installed && (!row.SignInTerminal || terminal):
		return byClient, why
	}
	return byNobody, why
}

// ownSignIn says why our own flow cannot sign in; empty where it can.
func ownSignIn(row refresher.Row) string {
	switch {
	case row.Own:
		return "" // also where its store cannot be opened any more
	case row.Kind != "mcp":
		return wordVendorSignIn
	case row.ServerURL == "":
		return wordNoServer
	case row.Erased && !row.Anew:
		return wordMissingSignIn
	case row.WatchOnly != "":
		return wordClientSignIn
	case row.State == refresher.WatchOnly && row.Why == refresher.UserSays:
		return wordWatchedSignIn
	}
	return ""
}

// client runs the client's own command. Its words are not results.
func (l *login) client(ctx context.Context) int {
	words, env := slices.Clone(l.row.SignIn), os.Environ()
	if l.noBrowser && l.row.SignInNoBrowser != "" {
		words = append(words, l.row.SignInNoBrowser)
	}
	if l.row.SignInEnv != "" {
		env = append(env, l.row.SignInEnv)
	}
	line := command(l.v.os, l.row.SignInEnv, words...)
	l.warnf(saidRunning, line)
	err := signin.Command(ctx, words, env, os.Stdin, l.err)
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		l.errorf(saidInterrupted)
		return exitLater
	case errors.As(err, &exit):
		l.errorf(saidCommandFailed, line, exit.ExitCode())
		return exitFailed
	case err != nil:
		l.errorf(saidCommandBroken, line, err)
		return exitFailed
	}
	return l.end(l.x.refresher.SignedInByClient(ctx, l.row))
}

// flow is our own sign-in, by a browser.
func (l *login) flow(ctx context.Context) int {
	gone := l.row.Memory.Verdict == exchange.ClientGone.String() && l.row.Memory.For == l.x.ledger.Fingerprint(l.row.Refresh)
	stop := l.working(workSigningIn)
	f, err := signin.Begin(ctx, l.x.refresher.Finder, l.row.Credential, signin.Options{
		ClientGone: gone, Anyway: l.anyway, PasteOnly: l.noBrowser,
		Notice: func(text string) { l.warnf("%s", upper(text)+".") },
	})
	stop()
	if err != nil {
		return l.failed(ctx, err)
	}
	defer f.Close()
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	l.show(ctx, f, giveUp)
	s, err := f.Wait(ctx)
	if err != nil {
		return l.failed(ctx, err)
	}
	f.Close() // the browser is done with
	defer l.finishing(ctx)()
	defer l.working(workSigningIn)()
	return l.end(l.x.refresher.SignIn(ctx, l.row, s))
}

// show brings the person to the server, and takes what he pastes.
// giveUp is called where nobody is left who could bring the answer.
func (l *login) show(ctx context.Context, f *signin.Flow, giveUp context.CancelCauseFunc) {
	paste := l.noBrowser || !f.Listens() || l.remote()
	if !paste {
		l.warnf(saidOpening, f.Host())
		if signin.Open(l.host.Getenv, f.URL()) != nil {
			paste = true
		}
	}
	if paste {
		l.warnf(saidGoTo, f.Host())
	} else {
		l.warnf(saidOrGoTo)
	}
	l.warnf("%s", f.URL())
	switch {
	case paste && f.Listens():
		l.warnf(saidOrPaste)
	case paste:
		l.warnf(saidPaste)
	}
	// A script's loop may have its own list on stdin.
	if paste || term.IsTerminal(int(os.Stdin.Fd())) {
		go func() {
			if !l.pasted(ctx, f) && !f.Listens() {
				giveUp(errNobody)
			}
		}()
	}
}

// remote reports that a browser started here would not be before the person:
// it is another computer's terminal, or there is no desktop.
func (l *login) remote() bool {
	set := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return l.host.Getenv(n) != "" })
	}
	desktop := l.host.OS == "windows" || l.host.OS == "darwin" || set("DISPLAY", "WAYLAND_DISPLAY")
	return !set("BROWSER") && (!desktop || set("SSH_CONNECTION", "SSH_TTY"))
}

var errNobody = errors.New(wordNobody)

// pasted takes lines until one is the answer. What comes is never shown.
func (l *login) pasted(ctx context.Context, f *signin.Flow) (done bool) {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() && ctx.Err() == nil {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		err := f.Paste(lines.Text())
		if err == nil {
			return true
		}
		l.warnf("%s", upper(err.Error())+".")
	}
	return false
}

// failed says why there was nothing to exchange.
func (l *login) failed(ctx context.Context, err error) int {
	var temporary *discovery.TemporaryError
	switch {
	case ctx.Err() != nil && !errors.Is(err, errNobody):
		l.errorf(saidInterrupted)
		return exitLater
	case errors.As(err, &temporary):
		l.errorf(saidNoSignIn, l.row.ID, plainError(err.Error()))
		return exitLater
	}
	l.errorf(saidNoSignIn, l.row.ID, l.v.tilde(err.Error()))
	var wrong *discovery.MisconfiguredError
	if errors.As(err, &wrong) && l.row.SignIn != nil {
		l.warnf(saidDoThis, l.v.signIn(l.row)) // it may know what its server means
	}
	return exitFailed
}

// end says what became of a sign-in.
func (l *login) end(out refresher.Outcome) int {
	e := l.v.ending(out)
	if e.done {
		l.printf("%s\n", e.text)
	} else {
		l.errorf("%s", e.text)
	}
	for _, s := range e.more {
		l.warnf("%s", s)
	}
	for _, do := range e.do {
		l.warnf(saidDoThis, do)
	}
	return e.code
}
