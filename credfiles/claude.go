package credfiles

import (
	"context"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf16"

	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/processes"
)

// claude is Anthropic's Claude Code. "Observed" means 2.1.329 on Linux.
var claude = client{
	name:  "claude",
	title: "Claude Code",
	dir:   ".claude",
	env:   "CLAUDE_CONFIG_DIR",
	seen:  "2.1.74 to 2.1.329",

	files: []file{{
		name: ".credentials.json",
		// On macOS its place is the login keychain, and the file is for when that
		// fails: it can hold what was rotated away there (anthropics/claude-code
		// #87405). Two refreshers of one grant would revoke it.
		chain: &claudeChain,
		kinds: []kind{
			{
				name: "login", at: at("claudeAiOauth"), single: true, watchOnly: VendorLogin,
				fields: fields{
					access: at("accessToken"), refresh: at("refreshToken"),
					expiry: at("expiresAt"), refreshExpiry: at("refreshTokenExpiresAt"),
				},
				blanked: claudeBlanked,
			},
			{
				name: "mcp", at: at("mcpOAuth"),
				fields:  claudeFields,
				blanked: claudeBlanked,
				adopt:   claudeAdopt,
			},
		},
	}},
	// Not .claude.json: a running session writes it all the time, and all that
	// it tells is which entries are still used.
	beside: []string{claudeMarks},
	join:   claudeJoin,

	// It refreshes before use when 300 s are left (observed: 295 s yes, 305 s no).
	threshold: 5 * time.Minute,
	// It waits about 7 s for its refresh lock, then uses the old token; after
	// 14 s it refreshes without the lock (observed).
	patience: 7 * time.Second,
	// No scope; resource only where there is protected-resource metadata; a
	// secret goes by the first method listed that it knows, HTTP Basic without
	// form-encoding where none is listed (observed).
	request: Request{RawBasic: true, FirstListed: true},

	// Directories made by mkdir, touched every 5 s, taken over by others after
	// 60 s and 15 s (observed: 59 s waited, 61 s taken).
	grantLock: func(s *Store, c Credential) clientLock {
		return clientLock{
			path: "mcp-refresh-" + claudeLockName(c.Key.Entry) + ".lock.lock",
			dir:  true, stale: 60 * time.Second, heartbeat: 5 * time.Second,
		}
	},
	storeLock: clientLock{path: ".storage-write.lock", dir: true, stale: 15 * time.Second, heartbeat: 5 * time.Second},
	// The pair that it takes to renew its own login, both stale after 60 s
	// (observed). An empty one that was left behind held up some 48 runs
	// (anthropics/claude-code#95236).
	further: func(home string) []clientLock {
		return []clientLock{
			{path: ".oauth_refresh.lock", dir: true, stale: 60 * time.Second},
			{path: filepath.Clean(home) + ".lock", dir: true, stale: 60 * time.Second},
		}
	},
	// It puts a file in the place of the link (observed; #76561).
	link: LinkReplaced,

	marks: claudeMarks,

	programs: []string{"claude"},
	script:   "/@anthropic-ai/claude-code/", // up to 2.1.74 it ran under node
	version: func(p processes.Process) string {
		return processes.PackageVersion(p.Exe, "@anthropic-ai/claude-code")
	},
	// It reads the store before every request (observed).
	rereads:   func(string) Rereads { return EachUse },
	reconnect: "/mcp > Reconnect",

	signIn: func(c Credential) []string {
		if c.Kind == "login" {
			return []string{"claude", "auth", "login"}
		}
		return []string{"claude", "mcp", "login", c.Name} // since 2.1.186
	},
	// "this isn't an interactive terminal", with --no-browser too (observed).
	terminal:  []string{"mcp"},
	noBrowser: "--no-browser",
	document:  "https://claude.ai/oauth/claude-code-client-metadata",
	callback:  "http://localhost/callback",
}

// claudeMarks is where it remembers servers that wait for a sign-in.
const claudeMarks = "mcp-needs-auth-cache.json"

// claudeFields are the members of an mcpOAuth entry (observed). Unknown ones
// survive its writes.
var claudeFields = fields{
	name: at("serverName"), server: at("serverUrl"), issuer: at("issuer"),
	clientID: at("clientId"), clientSecret: at("clientSecret"),
	access: at("accessToken"), refresh: at("refreshToken"), expiry: at("expiresAt"),
	scope: at("scope"),
	// An answer without expires_in makes it leave the member out (observed).
	expiryGone:       asMissing,
	refreshGone:      asMissing,
	metadata:         at("discoveryState", "authServerMetadataUrl"),
	resourceMetadata: at("discoveryState", "resourceMetadataUrl"),
	// It signs in again with clientId and redirectUri of the entry (observed).
	redirect: at("redirectUri"),
	found:    at("discoveryState", "authorizationServerUrl"),
}

// claudeBlanked: a refusal leaves accessToken "", expiresAt 0 and no
// refreshToken, or an empty one in its own login; invalid_client also takes
// clientId, issuer, redirectUri and scope (observed). An entry with an empty
// access token and no expiresAt is of a server that asks for a sign-in and
// never had one (observed after a first connection).
func claudeBlanked(e jsonedit.Value) bool {
	expiry, _ := e.Get("expiresAt")
	at, zero := expiry.Float()
	access, ok := e.Get("accessToken")
	text, isText := access.Text()
	return ok && isText && text == "" && zero && at == 0 && member(e, "refreshToken") == ""
}

// claudeLockName writes a key as it stands in the lock's name: every UTF-16
// unit but letters and digits of ASCII is one underscore (observed: two for an
// emoji).
func claudeLockName(key string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(key)) {
		if u >= '0' && u <= '9' || u >= 'A' && u <= 'Z' || u >= 'a' && u <= 'z' {
			b.WriteByte(byte(u))
		} else {
			b.WriteByte('_')
		}
	}
	return b.String()
}

func claudeJoin(s *Store, root jsonedit.Value) (joined, *Problem) {
	j := joined{servers: map[string]server{}, secrets: map[string]Secret{}, marks: claudeWaiting(s.home)}
	if s.chain != nil {
		file, _ := readJSON(filepath.Join(s.home, s.file.name))
		j.stubs = claudeStubs(file)
	}
	// The keychain and the file are one store of its.
	for _, other := range s.ahead() {
		if doc, _, err := other.read(context.Background()); err == nil {
			j.keep(doc.root)
		}
	}
	configured, _ := root.Get("mcpOAuthClientConfig")
	for _, m := range configured.Members() {
		j.secrets[m.Key] = NewSecret(member(m.Value, "clientSecret"))
	}
	var projects []string
	for _, name := range claudeConfigs {
		projects = append(projects, claudeServers(j.servers, filepath.Join(s.home, name))...)
	}
	own, ok := s.remote.read(projects)
	for _, doc := range own {
		claudeAdd(j.servers, doc)
	}
	if !ok {
		j.servers = nil // then no entry is known to be unused
	}
	return j, nil
}

func claudeAdopt(c *Credential, e jsonedit.Value, j joined) {
	if c.ClientSecret.IsZero() {
		c.ClientSecret = j.secrets[c.Key.Entry]
	}
	found, ok := e.Get("discoveryState", "oauthMetadataFound")
	switch {
	case ok && string(found.Bytes()) == "false":
		// A server of the 2025-03-26 revision of MCP without metadata: what
		// stands there is the URL that it was guessed from, which binds nothing.
		c.Issuer = ""
	case c.Issuer == "":
		// Older versions bind the grant by the server that discovery found.
		if url, ok := e.Get("discoveryState", "authorizationServerUrl"); ok {
			c.Issuer, _ = url.Text()
		}
	}
	c.NeedsAuth = j.marks[c.Name] || j.stubs[c.Key.Entry]
	c.stale = j.kept[c.Key.Entry]
	// "claude mcp add --client-id ... --client-secret" is a person's registration.
	c.Preset = !j.secrets[c.Key.Entry].IsZero() || j.servers[c.Name].registered[c.ClientID]
	if s, ok := j.servers[c.Name]; ok && !s.unknown && !s.keys[c.Key.Entry] {
		c.Unused = true
	}
}

// claudeWaiting reads the servers that it will not try: for 900 s, or ttlMs,
// after the mark was made it skips them whatever the store holds (observed).
func claudeWaiting(home string) map[string]bool {
	root, ok := readJSON(filepath.Join(home, claudeMarks))
	if !ok {
		return nil
	}
	marks := map[string]bool{}
	for _, m := range root.Members() {
		made, _ := m.Value.Get("timestamp")
		at, _ := made.Float()
		ttl := 900_000.0
		if v, ok := m.Value.Get("ttlMs"); ok {
			ttl, _ = v.Float()
		}
		if time.Now().Before(time.UnixMilli(int64(at + ttl))) {
			marks[m.Key] = true
		}
	}
	return marks
}

func member(v jsonedit.Value, name string) string {
	m, _ := v.Get(name)
	text, _ := m.Text()
	return text
}
