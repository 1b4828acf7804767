package credfiles

import (
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/processes"
)

// opencode is the coding agent of that name. "Observed" means npm opencode-ai
// 1.18.33 on Linux, "source" the JavaScript in its program.
//
// Its folders are those of XDG on every system, Windows among them:
// $XDG_DATA_HOME or ~/.local/share, and so on (source).
//
// It reads the store at every request and keeps nothing of it in memory: what
// we wrote beneath a running server was on the wire with the next call
// (observed). It refreshes after a 401 only, whatever expiresAt says: the tokens
// are read under the lock, the request is sent without it, the answer is written
// under it. So two sessions send one refresh token, and the lock keeps away
// those who come while ours is held: a reader waits for it up to 300 s (source).
// invalid_grant makes it drop "tokens", and add codeVerifier and oauthState for
// a sign-in that nobody began (observed); invalid_client and unauthorized_client
// the whole entry. What is not the server's word in OAuth, such as a network that is
// down, drops nothing (source). A member that it does not know is lost at its
// next write, and one of another type makes it take the whole file for empty
// (source).
var opencode = client{
	name:  "opencode",
	title: "opencode",
	dir:   ".local/share/opencode",
	env:   "XDG_DATA_HOME",
	below: "opencode",
	seen:  "1.18.33 to 1.18.33",

	files: []file{{
		name: "mcp-auth.json",
		kinds: []kind{{
			name: "mcp", keyed: true, preset: true,
			fields: fields{
				server:   at("serverUrl"),
				clientID: at("clientInfo", "clientId"), clientSecret: at("clientInfo", "clientSecret"),
				access: at("tokens", "accessToken"), refresh: at("tokens", "refreshToken"),
				// 1795264779.233 (observed); an answer without expires_in, or with 0,
				// leaves it out (source).
				expiry: at("tokens", "expiresAt"), unit: seconds, expiryGone: asMissing,
				refreshGone: asMissing,
				scope:       at("tokens", "scope"),
			},
			adopt: opencodeAdopt,
		}},
		// It opens, truncates and writes (source).
		inPlace: true,
	}, opencodeLogin},
	join: opencodeJoin,

	// It never refreshes before the server says 401.
	threshold: 0,
	// It gives a server 30 s to list its tools (source).
	patience: 30 * time.Second,
	// The MCP SDK's: client_id in the body, resource only where there is
	// protected-resource metadata, no scope; a secret by HTTP Basic without
	// form-encoding unless the server lists only other methods (observed, source).
	request: Request{RawBasic: true},

	// A directory for all entries, below its state folder. Clients touch
	// "heartbeat" every 20 s, and take one over that is 60 s old by that file,
	// under a second directory (source).
	grantLock: func(s *Store, _ Credential) clientLock {
		sum := sha1.Sum([]byte("mcp-auth:" + s.path))
		return clientLock{
			path:   filepath.Join(s.host.stateHome(), "opencode", "locks", hex.EncodeToString(sum[:])+".lock"),
			filled: &opencodeLock, stale: time.Minute, heartbeat: 20 * time.Second,
		}
	},

	programs: []string{"opencode"},
	version: func(p processes.Process) string {
		return cmp.Or(processes.PackageVersion(p.Exe, "opencode-ai"), processes.PackageVersion(p.Exe, "opencode"))
	},
	rereads:   func(string) Rereads { return EachUse },
	lockless:  func(string) bool { return true },
	reconnect: "/mcps > turn the server off and on",

	// It ends by itself once the browser came back, and needs no terminal
	// (observed).
	signIn: func(c Credential) []string {
		if c.Kind == "login" {
			return []string{"opencode", "auth", "login"}
		}
		return []string{"opencode", "mcp", "auth", c.Name}
	},
	terminal: []string{"login"}, // it asks for the maker
	callback: "http://127.0.0.1:19876/mcp/oauth/callback",
}

// opencodeLock is what stands in it, as its own process writes it.
var opencodeLock = filling{
	files: func(token string) map[string]string {
		host, _ := os.Hostname()
		meta, _ := json.Marshal(struct {
			Token     string `json:"token"`
			PID       int    `json:"pid"`
			Hostname  string `json:"hostname"`
			CreatedAt string `json:"createdAt"`
		}{token, os.Getpid(), host, time.Now().UTC().Format("2006-01-02T15:04:05.000Z")})
		return map[string]string{"heartbeat": "", "meta.json": string(meta)}
	},
	beat: "heartbeat", breaker: ".breaker", folder: true,
}

// opencodeConfigs are the user's own, the later the stronger (source). A
// project may have more.
func opencodeConfigs(h Host) []string {
	var all []string
	for _, name := range []string{"config.json", "opencode.json", "opencode.jsonc"} {
		all = append(all, filepath.Join(h.configHome(), "opencode", name))
	}
	if own := h.Getenv("OPENCODE_CONFIG"); filepath.IsAbs(own) {
		all = append(all, own)
	}
	return all
}

// opencodeJoin reads the configuration: a client that a person registered
// stands there alone, and it wins over the one in the store (source).
func opencodeJoin(s *Store, _ jsonedit.Value) (joined, *Problem) {
	j := joined{servers: map[string]server{}}
	for _, name := range opencodeConfigs(s.host) {
		root, p := s.needs(name)
		if p != nil {
			j.blocked = ClientConfig
			return j, p
		}
		servers, _ := root.Get("mcp")
		for _, m := range servers.Members() {
			c := j.servers[m.Key]
			oauth, _ := m.Value.Get("oauth")
			c.url = cmp.Or(member(m.Value, "url"), c.url)
			c.clientID = cmp.Or(member(oauth, "clientId"), c.clientID)
			if secret := member(oauth, "clientSecret"); secret != "" {
				c.clientSecret = NewSecret(secret)
			}
			c.redirect = cmp.Or(member(oauth, "redirectUri"), c.redirect)
			if port, ok := oauth.Get("callbackPort"); ok && c.redirect == "" {
				if n, ok := port.Float(); ok {
					c.redirect = "http://127.0.0.1:" + strconv.Itoa(int(n)) + "/mcp/oauth/callback"
				}
			}
			j.servers[m.Key] = c
		}
	}
	return j, nil
}

func opencodeAdopt(c *Credential, e jsonedit.Value, j joined) {
	s, named := j.servers[c.Name]
	// Another URL than the configured one, or none, and it does not look at the
	// entry (source).
	if c.ServerURL == "" || named && s.url != "" && s.url != c.ServerURL && !filledLater(s.url) {
		c.Unused = true
	}
	if named && s.clientID != "" && !c.Unused {
		c.ClientID, c.ClientSecret, c.RedirectURI, c.Preset = s.clientID, s.clientSecret, s.redirect, true
		if filledLater(s.clientID) || filledLater(s.clientSecret.Reveal()) {
			c.WatchOnly = NoClient
		}
	}
	switch {
	case c.ServerURL == "":
		c.WatchOnly = NoServer
	case c.ClientID == "":
		c.WatchOnly = NoClient // a project's configuration may name it
	}
	// Also the shape of a sign-in that nobody ended.
	if _, there := e.Get("tokens"); !there && !c.Unused {
		c.Blanked, c.Missing = true, true
	}
}

// filledLater reports that a configured text has something put in when its
// client reads it: {env:NAME}, {file:path}.
func filledLater(text string) bool {
	return strings.Contains(text, "{env:") || strings.Contains(text, "{file:")
}
