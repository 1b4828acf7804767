// Package dialect knows how programs ask a token endpoint for a refresh: what
// each one puts into the request, word for word, and where that is known from.
//
// The keeper does not use it. It asks as exchange.Plan says, which knows what
// servers need; here a program's request is made as that program makes it,
// needed or not, to see what an endpoint does about it.
package dialect

import (
	"errors"
	"slices"
	"strings"

	"lamplighter/refresher/exchange"
)

// A Dialect is how one program, or one document, asks for a refresh.
type Dialect struct {
	Name  string // as it is picked: "power-platform"
	Title string // what it is, in a few words
	Auth  Auth
	// What the request says beside grant_type, refresh_token and the client.
	Scope    bool // the scopes that were asked for, separated by spaces
	Resource Resource
	Redirect bool // the redirect URI of the sign-in
	// Program means that users depend on it. The others are there to compare
	// with: where one of them alone is refused, nobody is hurt.
	Program bool
	Known   Known
}

// The names that a verdict goes by.
const (
	PowerPlatform = "power-platform"
	Public        = "public"
	NoTemplate    = "no-template"
)

// Known is where a dialect is known from.
type Known struct {
	How  How
	From string // the client with its version, or the document
}

// String is "observed: Codex 0.169.0".
func (k Known) String() string { return string(k.How) + ": " + k.From }

// How sure a dialect is.
type How string

// The ways to know.
const (
	Observed   How = "observed"   // seen on the wire
	Documented How = "documented" // by who makes the program, or by a standard
	Reported   How = "reported"   // by somebody who uses it
)

// Auth is how a program shows which client it is.
type Auth string

// The kinds of Auth.
const (
	InBody     Auth = "id and secret in the body"
	Header     Auth = "HTTP Basic"
	Secretless Auth = "id in the body, no secret"
	Nobody     Auth = "neither id nor secret"
	// OfConfig is HTTP Basic with a secret, else as a public client.
	OfConfig Auth = "HTTP Basic where there is a secret"
	// FirstListed is what comes first in the metadata, HTTP Basic where that
	// says nothing; without a secret as a public client.
	FirstListed Auth = "as the metadata lists first"
)

// Resource is what a program says in resource (RFC 8707).
type Resource string

// The kinds of Resource.
const (
	NoResource     Resource = ""
	AlwaysResource Resource = "always"          // of the metadata, else the server's URL
	OfMetadata     Resource = "of the metadata" // only where the server has protected-resource metadata
)

// All are the dialects, those of the owner of a connector first.
var All = []Dialect{
	{
		Name: PowerPlatform, Title: "Power Platform's generic template",
		Auth: InBody, Program: true,
		Known: Known{Documented, "refreshBodyTemplate of a connector with identity provider oauth2generic (apiProperties.json)"},
	},
	{
		Name: "with-scope", Title: "That template with scope",
		Auth: InBody, Scope: true,
		Known: Known{Documented, "Microsoft identity platform, refresh the access token"},
	},
	{
		Name: "with-resource", Title: "That template with resource",
		Auth: InBody, Resource: AlwaysResource,
		Known: Known{Documented, "RFC 8707 section 2.2"},
	},
	{
		Name: "basic", Title: "A client by the standard",
		Auth:  Header,
		Known: Known{Documented, "RFC 6749 sections 2.3.1 and 6"},
	},
	{
		Name: Public, Title: "A public client",
		Auth:  Secretless,
		Known: Known{Documented, "RFC 6749 section 6, for a client without a secret"},
	},
	{
		Name: "codex", Title: "Codex",
		Auth: OfConfig, Scope: true, Resource: AlwaysResource, Program: true,
		Known: Known{Observed, "Codex 0.169.0"},
	},
	{
		Name: "claude-code", Title: "Claude Code",
		Auth: FirstListed, Resource: OfMetadata, Program: true,
		Known: Known{Observed, "Claude Code 2.1.329"},
	},
	{
		Name: "copilot-studio", Title: "Copilot Studio's template",
		Auth: InBody, Redirect: true, Program: true,
		Known: Known{Documented, "Microsoft Learn, Copilot Studio, configure user authentication: Refresh body template"},
	},
	{
		Name: NoTemplate, Title: "Power Platform without a template",
		Auth: Nobody, Redirect: true,
		Known: Known{Reported, "T. Taylor, 2026-03-11: Fix Salesforce custom connector OAuth refresh token failures"},
	},
}

// Usual are those that are tried where none is named.
var Usual = All[:7]

// Named is the dialect of that name.
func Named(name string) (Dialect, bool) {
	i := slices.IndexFunc(All, func(d Dialect) bool { return d.Name == name })
	if i < 0 {
		return Dialect{}, false
	}
	return All[i], true
}

// Names are the names of all.
func Names() []string {
	var names []string
	for _, d := range All {
		names = append(names, d.Name)
	}
	return names
}

// A Client is what a request is made from.
type Client struct {
	TokenURL    string
	ID          string
	Secret      bool     // there is one
	AuthMethods []string // token_endpoint_auth_methods_supported; nil where nothing is known
	Scopes      []string // as the sign-in asked for them
	Server      string   // URL of the MCP server or API; may be empty
	Resource    string   // of the protected-resource metadata, or the user's own; may be empty
	Redirect    string   // of the sign-in; may be empty
}

// Why a dialect cannot be spoken.
var (
	ErrNoSecret   = errors.New("the client has no secret")
	ErrNoScope    = errors.New("no scope is known")
	ErrNoResource = errors.New("no resource is known")
	ErrNoRedirect = errors.New("no redirect URI is known")
)

// Post is the request for c. The error says what is missing for it to be
// what the program would send.
func (d Dialect) Post(c Client) (exchange.Post, error) {
	p := exchange.Post{TokenURL: c.TokenURL, Accept: "application/json", AuthBy: "dialect", ClientID: c.ID}
	switch p.Auth = d.auth(c); {
	case p.Auth != exchange.None && !c.Secret:
		return exchange.Post{}, ErrNoSecret
	case d.Auth == Nobody:
		p.ClientID = ""
	}
	p.RawBasic = d.Auth == FirstListed && p.Auth == exchange.Basic // Claude Code, see refresher/exchange
	if d.Scope {
		p.Scope = strings.Join(c.Scopes, " ")
		if p.Scope == "" && d.Auth == InBody {
			return exchange.Post{}, ErrNoScope
		}
	}
	switch d.Resource {
	case AlwaysResource:
		if p.Resource = c.Resource; p.Resource == "" {
			p.Resource = c.Server
		}
		if p.Resource == "" {
			return exchange.Post{}, ErrNoResource
		}
	case OfMetadata:
		p.Resource = c.Resource
	}
	if d.Redirect {
		if p.Redirect = c.Redirect; p.Redirect == "" {
			return exchange.Post{}, ErrNoRedirect
		}
	}
	return p, nil
}

func (d Dialect) auth(c Client) string {
	switch d.Auth {
	case InBody:
		return exchange.Body
	case Header:
		return exchange.Basic
	case OfConfig:
		if c.Secret {
			return exchange.Basic
		}
	case FirstListed:
		if !c.Secret {
			break
		}
		for _, m := range c.AuthMethods {
			if m == exchange.Basic || m == exchange.Body {
				return m
			}
		}
		return exchange.Basic
	}
	return exchange.None
}
