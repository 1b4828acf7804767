package app

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lamplighter/app/settings"
	"lamplighter/credfiles"
	"lamplighter/refresher"
)

// An adding is one run of the command.
type adding struct {
	*program
	own    credfiles.Own
	secret bool // the client has one, which comes on stdin
	later  bool // no token is asked for now

	command, expires string
	parameters       []string
}

func (p *program) addCommand() *cobra.Command {
	a := adding{program: p}
	c := &cobra.Command{
		Use:     "add NAME",
		Short:   "Add a credential of your own, which no client keeps",
		Long:    addHelp,
		Example: addExample,
		Args:    arguments(1, 1, "one name"),
		RunE: func(c *cobra.Command, args []string) error {
			a.own.Name = args[0]
			if err := a.words(); err != nil {
				return err
			}
			return ended(a.add(c.Context()))
		},
		ValidArgsFunction: completeNothing,
	}
	text := func(to *string, name, kind, usage string) {
		c.Flags().Var(&flagValue{kind: kind, set: func(s string) error { *to = s; return nil }}, name, usage)
		c.RegisterFlagCompletionFunc(name, completeNothing)
	}
	o := &a.own
	text(&o.Grant, "grant", "GRANT", "client_credentials, refresh_token, authorization_code or device_code")
	text(&o.Issuer, "issuer", "URL", "the authorization server, whose metadata names its endpoints")
	text(&o.TokenURL, "token-endpoint", "URL", "or its token endpoint")
	text(&o.AuthorizationURL, "authorization-endpoint", "URL", "where the browser signs in")
	text(&o.DeviceURL, "device-endpoint", "URL", "where a device code comes from")
	text(&o.RedirectURI, "redirect-uri", "URL", "the redirect URI that is registered")
	text(&o.ClientID, "client-id", "ID", "the client ID")
	text(&o.AuthMethod, "auth-method", "METHOD", "none, client_secret_basic, client_secret_post or private_key_jwt")
	c.Flags().BoolVar(&a.secret, "secret", false, "the client has a secret: take it from stdin, or ask")
	text(&o.SecretFile, "secret-file", "FILE", "the file that holds the secret")
	text(&o.SecretEnv, "secret-env", "NAME", "the environment variable that holds it")
	text(&a.command, "secret-command", "COMMAND", "the command that prints it")
	text(&a.expires, "secret-expires", "DATE", "when the secret ends")
	text(&o.KeyFile, "key-file", "FILE", "the private key of private_key_jwt, in PEM")
	text(&o.KeyID, "key-id", "ID", "its kid")
	text(&o.KeyAudience, "key-audience", "TEXT", "whom its assertions are for; else the issuer, or the token endpoint")
	text(&o.Scope, "scope", "SCOPES", "the scopes, separated by spaces")
	text(&o.Resource, "resource", "URL", "the resource")
	text(&o.Audience, "audience", "TEXT", "the audience")
	c.Flags().StringArrayVar(&a.parameters, "parameter", nil, "a further parameter, NAME=VALUE")
	c.Flags().BoolVar(&a.later, "later", false, "ask for no token now")
	return c
}

// words takes the flags that are more than a text.
func (a *adding) words() error {
	if strings.ContainsAny(a.command, `"'`) {
		return usagef(saidQuotes)
	}
	if a.command != "" {
		a.own.SecretCommand = strings.Fields(a.command)
	}
	if a.expires != "" {
		t, err := time.ParseInLocation(time.DateOnly, a.expires, time.Local)
		if err != nil {
			return usagef(saidNoDate)
		}
		a.own.SecretExpires = t
	}
	for _, p := range a.parameters {
		name, value, ok := strings.Cut(p, "=")
		if !ok {
			return usagef(saidNoParameter)
		}
		if a.own.Parameters == nil {
			a.own.Parameters = map[string]string{}
		}
		a.own.Parameters[name] = value
	}
	o := &a.own
	elsewhere := o.SecretFile+o.SecretEnv+o.KeyFile != "" || len(o.SecretCommand) > 0
	if a.secret && elsewhere {
		return usagef(saidTwoSecrets)
	}
	byClient := o.Grant == "" || o.Grant == credfiles.ByClientCredentials
	basicOrPost := strings.HasPrefix(o.AuthMethod, "client_secret_")
	a.secret = a.secret || !elsewhere && (byClient || basicOrPost)
	return nil
}

func (a *adding) add(ctx context.Context) int {
	x, err := a.open()
	if err != nil {
		return a.codeOfError(err)
	}
	names := credfiles.ClientNames()
	if err := settings.CheckOwn(x.configFile, a.own, names); err != nil {
		return a.codeOfError(a.asFlags(err))
	}
	var secret, refresh credfiles.Secret
	in := a.handed()
	if a.secret {
		if secret, err = in.take(ctx, handSecret); err != nil {
			return a.codeOfError(err)
		}
	}
	if a.own.Grant == credfiles.ByRefreshToken {
		if refresh, err = in.take(ctx, handRefreshToken); err != nil {
			return a.codeOfError(err)
		}
	}
	if err := in.over(); err != nil {
		return a.codeOfError(err)
	}
	row, err := a.define(ctx, x, secret, refresh)
	if err != nil {
		return a.codeOfError(err)
	}
	a.printf(saidAdded, row.ID)
	if a.later {
		return exitDone
	}
	return a.first(ctx, x, row)
}

// define puts what was handed over into the store, and then the config into its
// place: a keeper that runs sees it whole or not at all. Where that cannot be
// done nothing is left of it.
func (a *adding) define(ctx context.Context, x *parts, secret, refresh credfiles.Secret) (row refresher.Row, err error) {
	lock, err := a.defining(ctx, x)
	if err != nil {
		return row, err
	}
	defer lock.Release()
	if err := x.load(a.host); err != nil {
		return row, err
	}
	if err := settings.CheckOwn(x.configFile, a.own, credfiles.ClientNames()); err != nil { // somebody was faster
		return row, a.asFlags(err)
	}
	x.adds = a.own.Name
	defer func() { x.adds = "" }()
	s := x.current()
	if x.owned(s).Left(a.own.Name) { // its refresh token may be the only one, and another settings file's
		return row, usagef(saidOwnLeft, a.own.Name)
	}
	s.Own = append(slices.Clone(s.Own), settings.Filled(a.own))
	x.use(s, a.host)
	defer func() {
		if err != nil {
			err = errors.Join(err, x.owned(s).Erase(a.own.Name))
		}
	}()
	snap, err := a.scan(ctx, x)
	if err != nil {
		return row, err
	}
	rows, err := pick(snap, []string{credfiles.OwnClient + "/" + a.own.Name})
	if err != nil {
		return row, err
	}
	row = rows[0]
	if !secret.IsZero() || !refresh.IsZero() {
		out := x.refresher.Entrust(ctx, row, secret, refresh)
		if ctx.Err() != nil && out.Did != refresher.Adopted {
			a.errorf(saidInterrupted)
			return row, exit{exitLater}
		}
		if err := a.view(false).untaken(out); err != nil {
			return row, err
		}
		row = out.Row
	}
	if err := settings.AddOwn(x.configFile, a.own, credfiles.ClientNames()); err != nil {
		return row, err
	}
	return row, x.load(a.host)
}

// untaken is why what was handed over is not in the store; nil: it is.
func (v view) untaken(out refresher.Outcome) error {
	switch out.Did {
	case refresher.Adopted:
		return nil
	case refresher.Lost:
		return sayf(saidUntaken, out.ID)
	}
	return v.whyNot(out)
}

// whyNot is why something could not be done, for people.
func (v view) whyNot(out refresher.Outcome) error {
	var store *credfiles.Problem
	if errors.As(out.Err, &store) {
		reason, do := v.trouble(*store)
		return sayf("%s", withDo(reason, do))
	}
	if out.Err == nil {
		return sayf("%s", v.row(out.Row, time.Now()).Reason)
	}
	return sayf("%s", v.tilde(out.Err.Error()))
}

// first brings the first token.
func (a *adding) first(ctx context.Context, x *parts, row refresher.Row) int {
	l := login{program: a.program, x: x, v: a.view(x.keeperRuns()), row: row}
	if row.GrantType == credfiles.ByBrowser || row.GrantType == credfiles.ByDevice {
		return l.run(ctx)
	}
	return l.ask(ctx)
}

// asFlags puts the flag in the place of the key that a mistake is about.
func (a *adding) asFlags(err error) error {
	var wrong *settings.Error
	if !errors.As(err, &wrong) {
		return err
	}
	f := wrong.Faults[0]
	name := strings.TrimPrefix(f.Key, "own.")
	switch name {
	case "own":
		return usagef("%s", strings.ReplaceAll(f.What, "_", "-"))
	case "name":
		return usagef(saidBadName, a.own.Name, f.What)
	}
	return usagef("--%s %s", strings.ReplaceAll(name, "_", "-"), f.What)
}

// handed is what a person hands over: on a terminal it is asked for without
// being shown, else each comes on a line of stdin.
type handed struct {
	p     *program
	lines [][]byte
	read  bool
	last  string // what was taken last
}

func (p *program) handed() *handed { return &handed{p: p} }

func (h *handed) take(ctx context.Context, what string) (credfiles.Secret, error) {
	var line []byte
	if term.IsTerminal(int(os.Stdin.Fd())) {
		typed, err := h.p.typed(ctx, what+": ")
		if err != nil {
			return credfiles.Secret{}, err
		}
		line = []byte(typed)
	} else {
		if !h.read {
			all, err := allOf(ctx, os.Stdin)
			switch {
			case ctx.Err() != nil:
				h.p.errorf(saidInterrupted)
				return credfiles.Secret{}, exit{exitLater}
			case err != nil:
				return credfiles.Secret{}, usagef(saidNoStdin, err)
			}
			h.lines, h.read = bytes.Split(bytes.TrimSpace(all), []byte("\n")), true
		}
		if len(h.lines) > 0 {
			line, h.lines = h.lines[0], h.lines[1:]
		}
	}
	secret := credfiles.NewSecret(string(bytes.TrimSpace(line)))
	if secret.IsZero() {
		return secret, usagef(saidNothingHanded, what)
	}
	h.last = what
	return secret, nil
}

// over is an error where more came than was taken: the one may have been meant
// for the other, and a secret must not go out as a refresh token.
func (h *handed) over() error {
	switch {
	case len(h.lines) == 0:
		return nil
	case h.last == handRefreshToken:
		return usagef(saidMoreBefore, h.last)
	}
	return usagef(saidMoreHanded, h.last)
}
