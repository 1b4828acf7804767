package credfiles

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/processes"
)

// codex is OpenAI's Codex: CLI, desktop app and IDE extension share one home.
// "Observed" means codex-cli 0.169.0 on Linux.
var codex = client{
	name:  "codex",
	title: "Codex",
	dir:   ".codex",
	env:   "CODEX_HOME",
	seen:  "0.118.0 to 0.169.0",

	files: []file{
		{
			name: ".credentials.json",
			kinds: []kind{{
				name:   "mcp",
				fields: codexFields,
				// A member without one of these makes it refuse the whole file
				// (observed with {"_meta":{"a":1}}).
				required: [][]string{at("server_name"), at("server_url"), at("client_id"), at("access_token")},
				adopt:    codexAdopt,
			}},
			// It opens without O_TRUNC, truncates and writes (observed by strace),
			// so a store that is mounted as a single file works for it.
			inPlace: true,
		},
		{
			name: "auth.json",
			kinds: []kind{{
				name: "login", single: true, watchOnly: VendorLogin,
				// No expiry: the access token is a JWT.
				fields: fields{
					access: at("tokens", "access_token"), refresh: at("tokens", "refresh_token"),
				},
			}},
		},
		codexSealedFile,
	},
	ring:   &codexRing,
	beside: []string{"config.toml"},
	join:   codexJoin,

	// It refreshes when 30 s are left (observed: 20 s yes, 45 s no).
	threshold: 30 * time.Second,
	// It waits 60 s for its lock, but gives a server 30 s to start
	// (startup_timeout_sec).
	patience: 30 * time.Second,
	// POST with client_id in the body, the entry's scopes, and as resource
	// what the protected-resource metadata says, else the server's URL; with a
	// configured secret HTTP Basic (observed).
	request: Request{Scope: true, ServerAsResource: true, BasicByDefault: true},

	// Both are flock(2) on files that are never written or removed (0.145 and
	// later; observed). Newer code keeps a fingerprint in the credential's
	// file, so nobody else may write it.
	grantLock: func(s *Store, c Credential) clientLock {
		sum := sha256.Sum256([]byte(EntryKey(c.Name, c.ServerURL)))
		return clientLock{path: filepath.Join("mcp-oauth-locks", hex.EncodeToString(sum[:])+".lock")}
	},
	storeLock: clientLock{path: filepath.Join("mcp-oauth-locks", "file-store.lock")},

	// 0.149 and later send no refresh token whose entry names no issuer; those
	// before write entries without one, and drop it from others (observed).
	unable: func(c Credential, versions []string) Hindrance {
		old, another := codexIssuers(versions)
		if c.Kind != "mcp" || c.Refresh.IsZero() || c.Issuer != "" || old && !another {
			return ""
		}
		return Unbound
	},
	clash: func(versions []string) bool {
		old, another := codexIssuers(versions)
		return old && another
	},
	// It opens its store with O_NOFOLLOW to write it: what it was given for the
	// refresh token that it sent is lost (observed).
	link: LinkRefused,

	programs: []string{"codex"},
	// Editors' extensions have one of their own in a folder bin
	// (openai/codex#5174), and so has the desktop app (steipete/agent-scripts#29).
	bundled: []string{
		".vscode*/extensions/openai.chatgpt-*/bin/codex", ".vscode*/extensions/openai.chatgpt-*/bin/*/codex",
		".cursor*/extensions/openai.chatgpt-*/bin/codex", ".cursor*/extensions/openai.chatgpt-*/bin/*/codex",
		".windsurf*/extensions/openai.chatgpt-*/bin/codex", ".windsurf*/extensions/openai.chatgpt-*/bin/*/codex",
		"/Applications/ChatGPT.app/Contents/Resources/codex", "/Applications/Codex.app/Contents/Resources/codex",
	},
	version: func(p processes.Process) string { return processes.PackageVersion(p.Exe, "@openai/codex") },
	rereads: func(version string) Rereads {
		// Locks and the look into the store before a refresh came with 0.145.0
		// (observed; 0.140.0 has neither). Not knowing the version is no reason
		// to think it old.
		if older(version, 0, 145) {
			return AtStart
		}
		return NearExpiry
	},
	reconnect: "restart it",

	signIn: func(c Credential) []string {
		if c.Kind == "login" {
			return []string{"codex", "login"}
		}
		return []string{"codex", "mcp", "login", c.Name}
	},
	// It waits 300 s for the browser and takes the address from stdin as well
	// (observed).
	noBrowser: "--no-browser",
	document:  "https://chatgpt.com/oauth/codex/client.json",
	callback:  "http://127.0.0.1/callback",
}

// codexFields are the members of an entry in .credentials.json, milliseconds
// included (observed, exact bytes). Unknown members are dropped at its next
// write, and a top-level member that is no entry makes it refuse the whole
// file: so we never add one.
var codexFields = fields{
	name: at("server_name"), server: at("server_url"), issuer: at("issuer"), clientID: at("client_id"),
	access: at("access_token"), refresh: at("refresh_token"), expiry: at("expires_at"),
	scope: at("scopes"), scopeList: true,
	// An answer without expires_in makes it write null (observed).
	expiryGone: asNull,
	// After invalid_grant 0.165 and later write refresh_token null and keep the
	// access token (observed). A login whose server gave no refresh token looks
	// the same: only somebody who saw one before can tell them apart, so this is
	// no blanked shape.
}

func codexAdopt(c *Credential, e jsonedit.Value, j joined) {
	// Each server has a path of its own, unless it names itself in its answers
	// (0.169.0, observed).
	hash := sha256.Sum256([]byte(c.ServerURL))
	c.CallbackUnnamed = c.Callback + "/" + base64.RawURLEncoding.EncodeToString(hash[:9])
	// It finds an entry by the key that name and URL give, not by the key that
	// the entry stands under; a mis-keyed one is a stale double once the right
	// one exists (observed).
	right := EntryKey(c.Name, c.ServerURL)
	if (j.entries[right] || j.item) && c.Key.Entry != right {
		c.Unused = true
	}
	if j.elsewhere {
		c.Unused = true
	}
	c.stale = j.kept[right]
	if j.places != nil {
		c.Beside = slices.DeleteFunc(codexKeys(j.places, right), func(k Key) bool { return k == c.Key })
	}
	// A server that config.toml does not name may come from a project or a
	// plugin: then the entry counts as used.
	if s, ok := j.servers[c.Name]; ok {
		if !s.keys[right] {
			c.Unused = true
		} else if s.clientID == "" || s.clientID == c.ClientID {
			c.ClientSecret, c.AuthMethod = s.clientSecret, s.authMethod
			c.RedirectURI, c.Preset = s.redirect, s.clientID != ""
		}
	}
}

// codexIssuers reports whether there are versions that know no issuers, and
// whether there are others.
func codexIssuers(versions []string) (old, another bool) {
	for _, v := range versions {
		old = old || older(v, 0, 149)
		another = another || !older(v, 0, 149)
	}
	return old, another
}

// older compares the first two numbers of a version. An unreadable one is not
// older than anything.
func older(version string, major, minor int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	a, err1 := strconv.Atoi(parts[0])
	b, err2 := strconv.Atoi(parts[1])
	return err1 == nil && err2 == nil && (a < major || a == major && b < minor)
}
