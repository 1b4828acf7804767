package credfiles

import (
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/processes"
)

// gemini is Google's Gemini CLI, qwen is Alibaba's Qwen Code, which came of it:
// their logins to MCP servers. "Observed" means npm @google/gemini-cli 0.61.0
// and @qwen-code/qwen-code 0.24.4 with Node 20 on Linux, "source" the JavaScript
// in those packages.
//
// The store is an array of entries, JSON.stringify with two spaces, mode 0600.
// Everything that a refresh needs stands in an entry, but for a secret: that is
// in settings.json, and one that came with a registration is kept nowhere
// (source). Gemini CLI truncates the file and writes it, Qwen Code renames a new
// one (source). There is no lock. Members that they do not know are lost with
// the next refresh of that entry, and with a text that does not parse the whole
// store is (source).
//
// They refresh when an entry has 300 s left or less, and never one without
// expiresAt; a token that lives for less Gemini CLI refreshes before each request,
// and presented a refresh token twice at once then (observed). A running session keeps the access token until then, and reads the
// store again at that moment (source). Whatever goes wrong then, the entry is
// deleted, with the last one the file: after invalid_grant, and likewise with a
// token endpoint that refuses the connection (both observed). An entry without
// refresh token, client ID or endpoint stays.
//
// With GEMINI_FORCE_ENCRYPTED_FILE_STORAGE, or QWEN_CODE_..., set to "true" all
// of it is in the keyring, or encrypted in another file, which we do not read.
var gemini = client{
	name:  "gemini",
	title: "Gemini CLI",
	dir:   ".gemini",
	env:   "GEMINI_CLI_HOME",
	below: ".gemini",
	seen:  "0.61.0 to 0.61.0",

	files:  []file{{name: geminiStore, kinds: []kind{geminiKind}, inPlace: true}, oauthCreds},
	beside: []string{geminiSettings},
	join:   geminiJoin("GEMINI_FORCE_ENCRYPTED_FILE_STORAGE"),

	threshold:    5 * time.Minute,
	patience:     30 * time.Second, // there is no lock that it could wait for
	wipesOnError: true,

	programs:  []string{"gemini", "node"},
	runs:      geminiScript.runs,
	version:   geminiScript.version,
	rereads:   func(string) Rereads { return NearExpiry },
	lockless:  func(string) bool { return true },
	reconnect: "restart it",

	signIn:    func(Credential) []string { return nil },
	inSession: func(c Credential) string { return "/mcp auth " + c.Name }, // no command line does (source)
	callback:  "http://localhost/oauth/callback",
}

var qwen = client{
	name:  "qwen",
	title: "Qwen Code",
	dir:   ".qwen",
	env:   "QWEN_HOME",
	seen:  "0.24.4 to 0.24.4",

	files:  []file{{name: geminiStore, kinds: []kind{qwenKind()}}, oauthCreds},
	beside: []string{geminiSettings},
	join:   geminiJoin("QWEN_CODE_FORCE_ENCRYPTED_FILE_STORAGE"),

	threshold:    5 * time.Minute,
	patience:     30 * time.Second,
	wipesOnError: true,

	programs:  []string{"qwen", "node"},
	runs:      qwenScript.runs,
	version:   qwenScript.version,
	rereads:   func(string) Rereads { return NearExpiry },
	lockless:  func(string) bool { return true },
	reconnect: "restart it",

	signIn: func(Credential) []string { return nil },
	// A menu: the server, then "Authenticate" (source).
	inSession: func(c Credential) string { return "/mcp, " + c.Name + ", Authenticate" },
	callback:  "http://localhost/oauth/callback",
}

const (
	geminiStore    = "mcp-oauth-tokens.json"
	geminiSettings = "settings.json"
)

var geminiKind = kind{
	name: "mcp", list: true,
	double:     lastDouble, // it makes a Map of the array (source)
	configured: true, preset: true,
	fields: fields{
		name: at("serverName"), server: at("mcpServerUrl"),
		clientID: at("clientId"), tokenURL: at("tokenUrl"),
		access: at("token", "accessToken"), refresh: at("token", "refreshToken"), scope: at("token", "scope"),
		// An answer without expires_in leaves it out (source): then it never
		// refreshes again.
		expiry: at("token", "expiresAt"), expiryGone: asMissing,
		stamps:      [][]string{at("updatedAt")},
		refreshGone: asMissing,
	},
	required: [][]string{at("serverName"), at("token", "accessToken")},
	anew:     geminiAnew,
	adopt:    geminiAdopt,
}

// geminiAnew is an entry as both write one after a sign-in, in that order, but
// for the scope, which comes last here (source).
func geminiAnew(c Credential) string {
	return `{
    "serverName": ` + string(jsonedit.Quote(c.Name)) + `,
    "token": {
      "accessToken": "",
      "tokenType": "Bearer",
      "refreshToken": "",
      "expiresAt": 0
    },
    "clientId": "",
    "tokenUrl": "",
    "mcpServerUrl": ` + string(jsonedit.Quote(c.ServerURL)) + `,
    "updatedAt": 0
  }`
}

func qwenKind() kind {
	k := geminiKind
	k.adopt = func(c *Credential, e jsonedit.Value, j joined) {
		geminiAdopt(c, e, j)
		if c.RedirectURI == "" {
			c.RedirectURI = "http://localhost:7777/oauth/callback" // always this port (source)
		}
	}
	return k
}

// geminiJoin reads the user's own settings. A project, an extension or the
// computer's administrator may name more servers. Where encrypted is "true" it
// does not look into this store.
func geminiJoin(encrypted string) func(*Store, jsonedit.Value) (joined, *Problem) {
	return func(s *Store, _ jsonedit.Value) (joined, *Problem) {
		j, p := geminiSettingsOf(s)
		j.elsewhere = s.host.Getenv(encrypted) == "true"
		return j, p
	}
}

func geminiSettingsOf(s *Store) (joined, *Problem) {
	j := joined{servers: map[string]server{}}
	root, p := s.needs(filepath.Join(s.home, geminiSettings))
	if p != nil {
		j.blocked = ClientConfig
		return j, p
	}
	servers, _ := root.Get("mcpServers")
	for _, m := range servers.Members() {
		oauth, _ := m.Value.Get("oauth")
		c := server{
			url: member(m.Value, "httpUrl"), clientID: member(oauth, "clientId"),
			clientSecret: NewSecret(member(oauth, "clientSecret")), redirect: member(oauth, "redirectUri"),
		}
		if c.url == "" {
			c.url = member(m.Value, "url")
		}
		scopes, _ := oauth.Get("scopes")
		for _, e := range scopes.Elements() {
			if scope, ok := e.Text(); ok {
				c.scopes = append(c.scopes, scope)
			}
		}
		j.servers[m.Key] = c
	}
	return j, nil
}

func geminiAdopt(c *Credential, _ jsonedit.Value, j joined) {
	c.Unused = j.elsewhere
	// It finds an entry by its name alone.
	s := j.servers[c.Name]
	if s.clientID != "" { // which goes before the entry's (source)
		c.ClientID, c.Preset = s.clientID, true
	}
	c.ClientSecret, c.RedirectURI = s.clientSecret, s.redirect
	if !c.ClientSecret.IsZero() {
		c.AuthMethod = "client_secret_post"
	}
	// The scopes of the settings, never those that were granted, and as resource
	// the server's URL as far as its path (source; observed).
	if c.Scopes = s.scopes; len(s.scopes) > 0 {
		c.Request.Scope = true
	}
	if u, err := url.Parse(c.ServerURL); err == nil && u.Host != "" {
		c.Resource = (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
		if u.Path == "" {
			c.Resource += "/"
		}
	}
	switch {
	case c.ClientID == "" && !c.Access.IsZero():
		c.WatchOnly = NoClient // up to 0.5x it noted none (google-gemini/gemini-cli#27745)
	case strings.Contains(s.clientID+s.clientSecret.Reveal(), "$"):
		c.WatchOnly = NoClient // a variable of its environment goes there
	}
}

// A script is a program that is a script of node's.
type script struct {
	program, pkg string         // its name, and that of the package it is in
	path         *regexp.Regexp // what the package is started by
}

var (
	geminiScript = script{"gemini", "@google/gemini-cli", regexp.MustCompile(`(^|/)(gemini|@google/gemini-cli/.*\.js)$`)}
	qwenScript   = script{"qwen", "@qwen-code/qwen-code", regexp.MustCompile(`(^|/)(qwen|@qwen-code/qwen-code/.*\.js)$`)}
)

func (s script) runs(p processes.Process) bool { return p.Name == s.program || s.of(p) != "" }

func (s script) version(p processes.Process) string { return processes.PackageVersion(s.of(p), s.pkg) }

// of is the script that a running program was started with, empty where it is
// another one.
func (s script) of(p processes.Process) string {
	i := slices.IndexFunc(p.Args[min(1, len(p.Args)):], func(arg string) bool { return !strings.HasPrefix(arg, "-") })
	if i < 0 || !s.path.MatchString(strings.ReplaceAll(p.Args[i+1], `\`, "/")) {
		return ""
	}
	return p.Args[i+1]
}
