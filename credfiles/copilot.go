package credfiles

import (
	"context"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/keyring"
)

// copilot is GitHub Copilot CLI: its sign-ins to MCP servers. It wants a login
// to GitHub before it does anything, so none of it was run here: "source" is the
// JavaScript of 1.0.48, "reported" is what people write in github/copilot-cli.
//
// What it keeps, below ~/.copilot/mcp-oauth-config, or $COPILOT_HOME in the place
// of ~/.copilot (GitHub's own reference):
//
//	HASH.tokens.json  accessToken, refreshToken, expiresAt, scope: compact, 0600
//	HASH.json         the registration and the servers, two spaces, 0600
//	HASH.secret       the secret of a client that a person registered
//	HASH.verifier     a sign-in under way
//
// HASH is PBKDF2-HMAC-SHA256 of the server's URL, and of more where a person
// registered the client or a session has a token of its own: its cost is why a
// name comes from HASH.json, and none is computed. In such a session the access
// token stands under the session's HASH, and the server's own keeps the refresh
// token alone, beside an empty accessToken (source).
//
// The keyring goes before the tokens' and the secrets' files: items of the service
// copilot-mcp-oauth, with HASH, or static-secret:HASH, as account and the same
// text, made by keytar (source). A file is written where the keyring did not take
// the item in 5 s, or COPILOT_DISABLE_KEYTAR is set (source). Both were seen on one
// macOS (reported, 4203), where its items are only watched: they let only their
// writer read them, so that even two builds of it lock each other out (reported,
// 4273).
//
// Files are written in place, without a lock, and what was read is kept in memory
// until it ends. It refreshes as it connects, where 60 s or less are left
// (source). What it deletes after which error was not seen.
var copilot = client{
	name:  "copilot",
	title: "GitHub Copilot CLI",
	dir:   ".copilot",
	env:   "COPILOT_HOME",
	seen:  "1.0.48 to 1.0.102",

	files:  []file{copilotFile},
	ring:   &copilotRing,
	beside: []string{copilotConfig},
	join:   copilotJoin,

	threshold: time.Minute,
	patience:  30 * time.Second, // there is no lock that it could wait for
	request:   Request{Scope: true},

	programs:  []string{"copilot", "node"},
	runs:      copilotScript.runs,
	version:   copilotScript.version,
	rereads:   func(string) Rereads { return AtStart },
	lockless:  func(string) bool { return true },
	reconnect: "restart it",

	signIn: func(Credential) []string { return nil },
	inSession: func(c Credential) string { // no command line does (1.0.102, its help)
		if strings.HasPrefix(path.Base(c.Key.Entry), c.Name) {
			return "/mcp" // its name is not known
		}
		return "/mcp auth " + c.Name
	},
	callback: "http://127.0.0.1/",
}

const (
	copilotItems  = "copilot-mcp-oauth"
	copilotFolder = "mcp-oauth-config"
	copilotConfig = "mcp-config.json"
	// copilotSecret begins the account of the secret of a client that a person
	// registered.
	copilotSecret = "static-secret:"
)

var copilotFile = file{
	name:    copilotFolder + "/*.tokens.json",
	many:    true,
	pairs:   []pair{copilotRegistration},
	kinds:   []kind{copilotKind},
	inPlace: true,
}

var copilotRegistration = pair{tail: ".json", folder: copilotFolder, fields: fields{
	server: at("serverUrl"), issuer: at("authorizationServerUrl"),
	clientID: at("clientId"), clientSecret: at("clientSecret"),
	redirect: at("redirectUri"),
}}

var copilotKind = kind{
	name: "mcp", single: true,
	fields: fields{
		access: at("accessToken"), refresh: at("refreshToken"), scope: at("scope"),
		expiry: at("expiresAt"), unit: wholeSeconds, expiryGone: asMissing,
		refreshGone: asMissing,
	},
	adopt: copilotAdopt,
}

// copilotRing are its items on Linux and Windows, bound to no home but for the
// registration, which stands in a file there.
var copilotRing = ring{
	service: copilotItems,
	file:    file{name: copilotItems, pairs: []pair{copilotRegistration}, kinds: []kind{copilotKind}},
	other:   func(account string) bool { return strings.HasPrefix(account, copilotSecret) },
	home: func(_ Host, home string) ringHome {
		found := ringHome{reads: true, names: map[string]bool{}}
		for _, entry := range copilotFile.entries(home) {
			found.names[path.Base(entry)] = true
		}
		return found
	},
	shut: &copilotShut,
}

// copilotShut are the same items on macOS, of which the registration beside each
// tells whose it is.
var copilotShut = shut{
	items: func(_ Host, home string, _ jsonedit.Value) map[string]string {
		all := map[string]string{}
		for _, entry := range copilotFile.entries(home) {
			all[path.Base(entry)] = "{}"
		}
		return all
	},
	file: file{name: copilotItems, pairs: []pair{copilotRegistration}, kinds: []kind{{
		name: "mcp", single: true, watchOnly: KeychainOwn, adopt: copilotAdopt,
	}}},
	asked: file{name: copilotItems, pairs: []pair{copilotRegistration}, kinds: []kind{{
		name: "mcp", single: true, watchOnly: KeychainSeen, fields: copilotKind.fields, adopt: copilotAdopt,
	}}},
}

// copilotScript is how npm starts it.
var copilotScript = script{"copilot", "@github/copilot", regexp.MustCompile(`(^|/)(copilot|@github/copilot/.*\.js)$`)}

func copilotJoin(s *Store, _ jsonedit.Value) (joined, *Problem) {
	j := joined{servers: map[string]server{}, item: s.ring != nil}
	hash := path.Base(s.entry)
	var kept map[string]bool
	switch {
	case !j.item:
		kept, j.blocked = s.host.copilotKept(hash, copilotSecret+hash)
		j.kept = kept
	case s.host.Keyring != nil:
		kept, _ = s.host.kept(copilotItems)
	}
	var secret Secret
	secret, j.elsewhere = s.copilotStatic(hash, kept[copilotSecret+hash])
	root, _ := readConfig(filepath.Join(s.home, copilotConfig))
	all, _ := root.Get("mcpServers")
	for _, m := range all.Members() {
		found := server{name: m.Key, url: member(m.Value, "url"), clientID: member(m.Value, "oauthClientId")}
		if public, _ := m.Value.Get("oauthPublicClient"); string(public.Bytes()) == "false" {
			if found.clientSecret = secret; secret.IsZero() && j.elsewhere {
				found.clientID = "" // it cannot be read
			}
		}
		if _, twice := j.servers[found.url]; twice {
			found.name, found.clientID = "", "" // either's
		}
		j.servers[found.url] = found
	}
	return j, nil
}

// copilotStatic is the secret of a client that a person registered, and whether
// there is one: in the keyring, else in a file, where it stands bare (source).
func (s *Store) copilotStatic(hash string, kept bool) (secret Secret, there bool) {
	if kept {
		if s.host.Keyring == nil {
			return Secret{}, true
		}
		ctx, cancel := context.WithTimeout(context.Background(), keyring.Patience)
		defer cancel()
		text, _ := s.host.Keyring.Read(ctx, copilotItems, copilotSecret+hash)
		return NewSecret(string(text)), true
	}
	text, err := readFile(filepath.Join(s.home, copilotFolder, hash+".secret"), maxSize)
	return NewSecret(string(text)), !gone(err)
}

// copilotKept are those of some accounts for which the keyring has its item. What
// a keyring that is locked does not tell may be there.
func (h Host) copilotKept(accounts ...string) (kept map[string]bool, blocked Reason) {
	switch {
	case h.OS == "darwin" && h.Keychain != nil:
		items, err := h.Keychain.Items(context.Background(), copilotItems, accounts...)
		if err != nil {
			return nil, KeyringUnread
		}
		kept = map[string]bool{}
		for _, i := range items {
			kept[i.Account] = true
		}
		return kept, ""
	case h.OS == "darwin", h.Keyring == nil && h.keepsRing():
		return nil, KeyringUnread // it always has one
	case h.Keyring == nil:
		return nil, ""
	}
	return h.kept(copilotItems)
}

func copilotAdopt(c *Credential, _ jsonedit.Value, j joined) {
	hash := path.Base(c.Key.Entry)
	c.Name = hash[:min(8, len(hash))]
	if s := j.servers[c.ServerURL]; s.name != "" && c.ServerURL != "" {
		c.Name = s.name
	}
	c.stale = j.kept[hash]
	if len(j.pairs) > 0 {
		static, _ := j.pairs[0].Get("isStatic")
		c.Preset = string(static.Bytes()) == "true"
		c.Resource = member(j.pairs[0], "resourceUrl")
	}
	named := j.servers[c.ServerURL]
	configured := c.Preset && named.clientID != "" && named.clientID == c.ClientID
	if configured {
		c.ClientSecret = named.clientSecret // it sends none of a public client
	}
	if c.NoResource = microsoft(c.Issuer); c.NoResource {
		c.Resource = ""
	}
	switch {
	case c.Access.IsZero():
		// A session has the access token, and asks for the next one by itself. Where
		// there is no refresh token either, the entry is in the keyring, or was
		// logged out.
		c.WatchOnly = ClientRenews
	case c.ServerURL == "":
		c.WatchOnly = NoServer
	case c.ClientID == "", c.ClientSecret.IsZero() && j.elsewhere && !configured:
		c.WatchOnly = NoClient
	}
}

// microsoft reports one of Microsoft's authorization servers, which refuse a
// resource beside scopes that name one: none is sent there (source).
func microsoft(issuer string) bool {
	u, err := url.Parse(issuer)
	if err != nil {
		return false
	}
	host := "." + strings.ToLower(u.Hostname())
	for _, domain := range []string{".microsoftonline.com", ".microsoftonline.us", ".microsoftonline.cn", ".windows.net"} {
		if strings.HasSuffix(host, domain) {
			return true
		}
	}
	return false
}
