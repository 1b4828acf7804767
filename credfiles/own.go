package credfiles

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lamplighter/credfiles/jsonedit"
)

// OwnClient is the name in IDs of what the user defined himself: own/NAME.
const OwnClient = "own"

// An Own is a credential that no client keeps: the user defined it, and nobody
// else refreshes it. Its tokens, and its client's secret where no other place
// is named, are in a store of ours.
type Own struct {
	Name  string
	Grant string // ByClientCredentials, ByRefreshToken, ByBrowser or ByDevice

	TokenURL, Issuer            string // one of them at least
	AuthorizationURL, DeviceURL string // for a sign-in, where no metadata names them
	RedirectURI                 string // that is registered, for a sign-in by browser

	ClientID   string
	AuthMethod string // RFC 7591 section 2; empty: what the server's metadata prefers
	// Where the secret is: one of these, or none for our own store.
	SecretFile, SecretEnv string
	SecretCommand         []string
	SecretExpires         time.Time // zero: nobody said
	// KeyFile is the private key, in PEM, that signs the client's assertions
	// (RFC 7523 section 2.2), KeyID and KeyAudience what stands in them.
	KeyFile, KeyID, KeyAudience string

	Scope      string
	Resource   string            // RFC 8707
	Audience   string            // as Auth0 wants it
	Parameters map[string]string // further ones of a token request
}

// How an own credential gets its access token (RFC 6749 sections 4.4, 6 and
// 4.1, RFC 8628).
const (
	ByClientCredentials = "client_credentials"
	ByRefreshToken      = "refresh_token"
	ByBrowser           = "authorization_code"
	ByDevice            = "device_code"
)

// Owned is what the user defined, and where it is kept.
type Owned struct {
	Dir    string // a folder of ours, with a file for each
	All    []Own
	Sealer Sealer
	// Still reports that one is defined at this moment; nil: all are. It is asked
	// under our lock, so that what was removed a moment ago is not made again.
	Still func(name string) bool
}

// A Sealer encrypts what is ours, by a key in the system's keyring.
type Sealer interface {
	// Seal returns nil where the system keeps no key for us: then the text is as
	// plain as the file that it is in. A text opens only in the place that it was
	// sealed for.
	Seal(text []byte, place string) (sealed []byte, err error)
	// Open is its counterpart. The error is ErrKeyGone where nobody will ever open
	// it, else one of package keyring.
	Open(sealed []byte, place string) (text []byte, err error)
}

// ErrKeyGone says that something was sealed with a key that is not in the
// keyring.
var ErrKeyGone = errors.New("it is sealed with a key that is not in the keyring")

// owned are the stores of the user's own credentials.
func (h Host) owned(known map[string]*Store) (all []*Store) {
	if h.Own == nil {
		return nil
	}
	for _, o := range h.Own.All {
		c := o.client(h)
		s := &Store{client: c, file: &c.files[0], host: h, home: h.Own.Dir, path: h.Own.Path(o.Name), own: &o}
		all = append(all, s.known(known))
	}
	return all
}

// Path is the file of one of them.
func (o *Owned) Path(name string) string { return filepath.Join(o.Dir, name+".json") }

// Key is the key of one of them.
func (o *Owned) Key(name string) Key { return Key{Store: resolved(o.Path(name)), Entry: OwnClient} }

// client is its literal: the one entry of the one file has its tokens, and the
// config all else.
func (o Own) client(h Host) *client {
	return &client{
		name: OwnClient, title: "Lamplighter", patience: 30 * time.Second,
		files: []file{{name: o.Name + ".json", kinds: []kind{{
			name: OwnClient, single: true,
			fields: fields{
				access: at("access_token"), refresh: at("refresh_token"), scope: at("scope"), clientSecret: at("client_secret"),
				expiry: at("expires_at"), refreshExpiry: at("refresh_token_expires_at"), expiryGone: asMissing, refreshGone: asMissing,
			},
			adopt: func(c *Credential, _ jsonedit.Value, _ joined) { o.adopt(h, c) },
		}}}},
		signIn:   func(Credential) []string { return nil },
		callback: "http://127.0.0.1/callback",
	}
}

// adopt adds what the config says.
func (o Own) adopt(h Host, c *Credential) {
	c.Name, c.Own = o.Name, true
	c.SecretExpires = o.SecretExpires
	c.Issuer, c.Endpoint, c.AuthorizationURL, c.DeviceURL = o.Issuer, o.TokenURL, o.AuthorizationURL, o.DeviceURL
	c.ClientID, c.AuthMethod = o.ClientID, o.AuthMethod
	c.Resource, c.NoResource = o.Resource, o.Resource == ""
	c.GrantType, c.Audience, c.Parameters = o.Grant, o.Audience, o.parameters()
	c.KeyID, c.KeyAudience = o.KeyID, o.KeyAudience
	c.Preset, c.RedirectURI, c.TakesSecret = true, o.RedirectURI, true
	if c.ByClient() || len(c.Scopes) == 0 {
		c.Scopes = strings.Fields(o.Scope)
	}
	c.Request.Scope = c.ByClient()
	o.secret(h, c)
}

// parameters are those that are sent besides, as a form: a text can be compared.
func (o Own) parameters() string {
	form := url.Values{}
	for name, value := range o.Parameters {
		form.Set(name, value)
	}
	return form.Encode()
}

// secret reads the client's secret, or the key that stands for it, unless a
// command has to tell: that one runs only when the secret is needed.
func (o Own) secret(h Host, c *Credential) {
	switch name := cmp.Or(o.SecretFile, o.KeyFile); {
	case name != "":
		c.SecretFrom = name
		text, err := readFile(h.expand(name), maxSecret)
		c.ClientSecret = NewSecret(strings.TrimRight(string(text), "\r\n"))
		switch {
		case err != nil:
			c.ClientSecret, c.SecretTrouble = Secret{}, "its file cannot be read: "+err.Error()
		case c.ClientSecret.IsZero():
			c.SecretTrouble = h.expand(name) + " is empty"
		}
	case o.SecretEnv != "":
		c.SecretFrom = "$" + o.SecretEnv
		c.ClientSecret = NewSecret(h.Getenv(o.SecretEnv))
		if c.ClientSecret.IsZero() {
			c.SecretTrouble = "the environment variable " + o.SecretEnv + " is not set for this program"
		}
	case len(o.SecretCommand) > 0:
		c.ClientSecret, c.SecretLater, c.SecretFrom = Secret{}, true, strings.Join(o.SecretCommand, " ")
	}
}

// maxSecret is beyond any secret and any key.
const maxSecret = 64 << 10

// Secret is the client's secret of a credential, given as it was read: a
// command of the user's may have to be asked for it.
func (s *Store) Secret(ctx context.Context, c Credential) (Secret, error) {
	if s.own == nil || !c.SecretLater {
		return c.ClientSecret, nil
	}
	return AskCommand(ctx, "secret_command", s.own.SecretCommand)
}

// secretFiles are the files outside our store that hold the secret.
func (s *Store) secretFiles() (all []string) {
	if s.own == nil {
		return nil
	}
	for _, name := range []string{s.own.SecretFile, s.own.KeyFile} {
		if name != "" {
			all = append(all, s.host.expand(name))
		}
	}
	return all
}

// unreadOwn is the credential of a store that cannot be opened now, as far as
// the config tells of it.
func (s *Store) unreadOwn(err error) (all []Credential) {
	var p *Problem
	if s.own == nil || !errors.As(err, &p) {
		return nil
	}
	why := KeyringShut
	switch {
	case errors.Is(err, ErrKeyGone):
		why = KeyGone
	case !slices.Contains([]ProblemKind{Locked, NoKeyring, Slow, NotAllowed}, p.Kind):
		return nil
	}
	c, _ := s.view(empty, joined{}).credential(&s.file.kinds[0], OwnClient, empty)
	c.WatchOnly, c.Unread = why, true
	return []Credential{c}
}
