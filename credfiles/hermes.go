package credfiles

import (
	"path"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/processes"
)

// hermes is Nous Research's Hermes Agent: its sign-ins to MCP servers. None of
// it was run here: "source" is NousResearch/hermes-agent, 0.21.3 (0006718) and
// what came after it, tools/mcp_oauth.py, mcp_oauth_manager.py (01bb331) and
// mcp_oauth_provider.py (02bdbc1).
//
// What it keeps, below $HERMES_HOME/mcp-tokens, written to a temporary file and
// renamed, mode 0600:
//
//	NAME.json         the token's answer, expires_at and hermes_issuer
//	NAME.client.json  the registration, with the document's URL as client ID
//	                  where a server takes such
//	NAME.meta.json    the authorization server's metadata, as it was found
//	NAME.cimd-off     a server refused that document
//
// NAME is the server's in config.yaml, made fit for a file: see hermesName. The
// server's URL stands in config.yaml alone.
//
// It refreshes when a token has ended, not before. Before each request it looks
// whether the file is another one, by its time, and then reads it again. Later
// versions hold a flock on NAME.json.refresh.lock (60 s, msvcrt.locking on
// Windows) over reading, exchange and writing, and go without a refresh where
// they do not get it; 0.21.3 has none. A refused refresh token stays where it
// is; invalid_client takes NAME.client.json and NAME.meta.json away. Where
// another issuer than hermes_issuer is found, the refresh token is deleted.
var hermes = client{
	name:  "hermes",
	title: "Hermes",
	dir:   ".hermes",
	dirOn: map[string]string{"windows": "AppData/Local/hermes"},
	env:   "HERMES_HOME",
	vars:  []variable{{name: "LOCALAPPDATA", below: "hermes", os: "windows"}},
	seen:  "0.21.3 to 0.21.3",

	files: []file{{
		name: "mcp-tokens/*.json",
		many: true,
		pairs: []pair{
			{tail: ".client.json", fields: fields{
				clientID: at("client_id"), clientSecret: at("client_secret"),
				authMethod: at("token_endpoint_auth_method"),
				redirect:   at("redirect_uris", "0"),
			}},
			{tail: ".meta.json", fields: fields{issuer: at("issuer"), tokenURL: at("token_endpoint")}},
		},
		kinds: []kind{{
			name: "mcp", single: true,
			fields: fields{
				access: at("access_token"), refresh: at("refresh_token"), scope: at("scope"),
				// Without the slash at its end; an entry of before has none.
				issuer: at("hermes_issuer"),
				// time.time() and the answer's expires_in; an entry of before counts
				// from the file's time.
				expiry: at("expires_at"), unit: seconds, expiryGone: asMissing,
				lifetime: at("expires_in"), sinceFile: true,
			},
			adopt: hermesAdopt,
		}},
	}},
	beside: []string{hermesConfig},
	join:   hermesJoin,

	// It refreshes what has ended: is_token_valid of the Python SDK, mcp 2.0.0.
	threshold: time.Second,
	patience:  time.Minute,
	// POST with client_id in the body, no scope, and as resource what the
	// protected-resource metadata says.
	request: Request{},

	grantLock: func(s *Store, c Credential) clientLock {
		return clientLock{path: filepath.FromSlash(c.Key.Entry) + ".json.refresh.lock"}
	},

	programs: []string{"hermes", "python", "python3", "python3.11", "python3.12", "python3.13", "python3.14", "pythonw"},
	runs:     hermesRuns,
	version:  func(processes.Process) string { return "" },
	rereads:  func(string) Rereads { return EachUse },
	// Its version cannot be told, and 0.21.3 takes no lock.
	lockless:  func(string) bool { return true },
	reconnect: "restart it",

	// It refuses to sign in without a terminal on its stdin, and deletes the
	// token before it has another (hermes-agent#98759).
	signIn:   func(c Credential) []string { return c.SignIn }, // hermesAdopt knows
	terminal: []string{"mcp"},
	callback: "http://127.0.0.1/callback",
}

const hermesConfig = "config.yaml"

// hermesJoin reads which servers config.yaml names, by the names that their
// files have. What two servers share belongs to neither.
func hermesJoin(s *Store, _ jsonedit.Value) (joined, *Problem) {
	j := joined{servers: map[string]server{}}
	root, _ := readConfig(filepath.Join(s.home, hermesConfig))
	all, _ := root.Get("mcp_servers")
	for _, m := range all.Members() {
		name := hermesName(m.Key)
		found := server{name: m.Key, url: member(m.Value, "url")}
		if _, twice := j.servers[name]; twice || strings.Contains(found.url, "$") {
			found = server{} // a variable of its environment goes there
		}
		j.servers[name] = found
	}
	return j, nil
}

func hermesAdopt(c *Credential, _ jsonedit.Value, j joined) {
	c.Name = path.Base(c.Key.Entry)
	s := j.servers[c.Name]
	c.ServerURL = s.url
	if len(j.pairs) > 1 { // where that slash belongs there, it stands here
		if whole := member(j.pairs[1], "issuer"); strings.TrimRight(whole, "/") == c.Issuer {
			c.Issuer = whole
		}
	}
	if s.name != "" {
		c.Name = s.name
		c.SignIn = []string{"hermes", "mcp", "login", s.name}
	}
	if !c.ClientSecret.IsZero() && (c.AuthMethod == "" || c.AuthMethod == "none") {
		c.AuthMethod = "client_secret_post" // as it does itself
	}
	switch {
	case c.ServerURL == "":
		c.WatchOnly = NoServer
	case c.ClientID == "":
		c.WatchOnly = NoClient
	}
}

// hermesName is what a server's files are called: re.sub(r"[^\w\-]", "_", name),
// without the underscores at its ends, at most 128 long.
func hermesName(name string) string {
	runes := []rune(strings.Trim(strings.Map(func(r rune) rune {
		if r == '-' || unicode.IsLetter(r) || unicode.IsNumber(r) {
			return r
		}
		return '_'
	}, name), "_"))
	if len(runes) == 0 {
		return "default"
	}
	return string(runes[:min(128, len(runes))])
}

// hermesRuns recognizes it by its own name, and where Python runs it: as a
// script, or by -m.
func hermesRuns(p processes.Process) bool {
	if strings.TrimSuffix(p.Name, ".exe") == "hermes" {
		return true
	}
	module := false
	for _, arg := range p.Args[min(1, len(p.Args)):] {
		switch arg = strings.TrimSuffix(strings.ReplaceAll(arg, `\`, "/"), ".exe"); {
		case module:
			return strings.HasPrefix(arg, "hermes_cli")
		case arg == "-m":
			module = true
		case !strings.HasPrefix(arg, "-"):
			return path.Base(arg) == "hermes" || strings.Contains(arg, "/hermes_cli/") || strings.Contains(arg, "/hermes-agent/")
		}
	}
	return false
}
