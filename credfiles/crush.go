package credfiles

import (
	"cmp"
	"path/filepath"
	"time"

	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/processes"
)

// crush is Charm's Crush: its sign-ins to MCP servers. None of it was run here:
// "source" is charmbracelet/crush 0.90.0 and main (37f36e9), internal/oauth,
// internal/oauth/mcp, internal/agent/tools/mcp and internal/config.
//
// They stand in the data file crush.json, mode 0600, among settings of other
// sorts, as mcp.NAME.oauth_token: tokens, expires_in and expires_at in seconds,
// and as client the registration with its endpoints. The server's URL is in the
// user's configuration, or in a project's.
//
// A running Crush holds the refresh token in memory from its start, refreshes
// 10 s before the end (golang.org/x/oauth2 0.36: no scope, no resource), writes
// what came, and reads no other one meanwhile: a change of oauth_token alone is
// none to it (mcpConfigEqual). Writes are under a flock on crush.json.lock (5 s;
// LockFileEx on Windows), never removed, by a temporary file and a rename;
// refreshes of MCP tokens are under no lock.
//
// It deletes oauth_token after invalid_grant or invalid_client, but also when a
// server refuses an access token while it starts. It knows no other logout.
var crush = client{
	name:  "crush",
	title: "Crush",
	dir:   ".local/share/crush",
	dirOn: map[string]string{"windows": "AppData/Local/crush"},
	env:   "CRUSH_GLOBAL_DATA",
	vars: []variable{
		{name: "XDG_DATA_HOME", below: "crush"},
		{name: "LOCALAPPDATA", below: "crush", os: "windows"},
	},
	seen: "0.90.0 to 0.90.0",

	files: []file{{
		name: "crush.json",
		kinds: []kind{{
			name: "mcp", at: at("mcp"), keyed: true, configured: true, away: true,
			fields: fields{
				server: at("url"),
				access: at("oauth_token", "access_token"), refresh: at("oauth_token", "refresh_token"),
				// Both are always there; 0 is: not known, so refresh at once.
				expiry: at("oauth_token", "expires_at"), unit: wholeSeconds, expiryGone: asMissing,
				lifetime: at("oauth_token", "expires_in"),
				clientID: at("oauth_token", "client", "client_id"), clientSecret: at("oauth_token", "client", "client_secret"),
				tokenURL: at("oauth_token", "client", "token_url"),
			},
			adopt: crushAdopt,
		}},
	}},
	join: crushJoin,

	threshold:    10 * time.Second,
	patience:     5 * time.Second,
	request:      Request{},
	wipesOnError: true,

	storeLock: clientLock{path: "crush.json.lock"},

	programs:  []string{"crush"},
	version:   func(processes.Process) string { return "" },
	rereads:   func(string) Rereads { return AtStart },
	lockless:  func(string) bool { return true },
	reconnect: "restart it",

	// Its own dialogue opens a browser; no command line does. Which of its ten
	// ports it registered is not stored.
	signIn:   func(Credential) []string { return nil },
	callback: "http://localhost/callback",
}

// crushJoin reads the servers that the user's configuration names.
func crushJoin(s *Store, _ jsonedit.Value) (joined, *Problem) {
	j := joined{servers: map[string]server{}}
	root, _ := readConfig(s.host.crushConfig())
	all, _ := root.Get("mcp")
	for _, m := range all.Members() {
		if oauth, _ := m.Value.Get("oauth"); string(oauth.Bytes()) == "true" {
			j.servers[m.Key] = server{url: member(m.Value, "url")}
		}
	}
	return j, nil
}

// crushConfig is where Crush reads what a user sets for all projects.
func (h Host) crushConfig() string {
	if dir := h.Getenv("CRUSH_GLOBAL_CONFIG"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "crush.json")
	}
	return filepath.Join(h.configHome(), "crush", "crush.json")
}

func crushAdopt(c *Credential, e jsonedit.Value, j joined) {
	c.ServerURL = cmp.Or(c.ServerURL, j.servers[c.Name].url)
	c.NoResource = true
	if c.Expiry.Equal(time.Unix(0, 0)) {
		c.Expiry = time.Time{}
	}
	// golang.org/x/oauth2's AuthStyle: 0 would try both, and so do we.
	style, _ := e.Get("oauth_token", "client", "auth_style")
	if n, _ := style.Float(); !c.ClientSecret.IsZero() {
		c.AuthMethod = map[float64]string{1: "client_secret_post", 2: "client_secret_basic"}[n]
	}
	if c.ServerURL == "" && c.Endpoint == "" {
		c.WatchOnly = NoServer
	}
}
