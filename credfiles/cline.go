package credfiles

import (
	"strings"
	"time"

	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/processes"
)

// cline is the coding agent of that name: a program, and extensions of VS Code
// and JetBrains, which share one file. "Observed" means npm @cline/core 0.0.86
// with Node 20 on Linux, what all of them are made of; "source" means read in
// it, in npm cline 3.0.65, or in the extension's repository.
//
// Tokens stand in the file in which a person configures servers, and it has the
// mode that the umask gives it: 0644, observed. It stays as it is. One value of
// a type that it does not expect, and Cline takes no server from it any more
// (source).
//
// The program reads an entry when it connects, and again only after a write of
// its own: a connection goes on with the first token after the file has
// another one (observed), and after a 401 sends the refresh token that it holds.
// The extensions read the file at each use (source). All refresh after a 401
// only, with no lock over the request. Their lock is for writing, and who waits
// for it for longer than 10 s fails (source).
//
// invalid_grant makes it drop "tokens" and "lastAuthenticatedAt", and note an
// error with a sign-in's address in it (observed); invalid_client and
// unauthorized_client all but the error (source). A network that is down drops
// nothing (source). It takes the tokens of no other client than the one in
// "oauthClient", where that is (source).
var cline = client{
	name:  "cline",
	title: "Cline",
	dir:   ".cline/data",
	env:   "CLINE_DATA_DIR",
	// Also $CLINE_MCP_SETTINGS_PATH, which names the file (source).
	vars: []variable{{name: "CLINE_DIR", below: "data"}},
	seen: "0.0.86 to 0.0.86",

	files: []file{{
		name: "settings/cline_mcp_settings.json",
		kinds: []kind{{
			name: "mcp", at: at("mcpServers"), keyed: true,
			fields: fields{
				server:   at("transport", "url"),
				issuer:   at("oauth", "tokens", "issuer"),
				clientID: at("oauth", "clientInformation", "client_id"), clientSecret: at("oauth", "clientInformation", "client_secret"),
				authMethod: at("oauth", "clientInformation", "token_endpoint_auth_method"),
				access:     at("oauth", "tokens", "access_token"), refresh: at("oauth", "tokens", "refresh_token"),
				refreshGone: asMissing,
				lifetime:    at("oauth", "tokens", "expires_in"),
				// Milliseconds; has to be more than 0 (source).
				since:      at("oauth", "lastAuthenticatedAt"),
				expiryGone: asMissing,
				scope:      at("oauth", "tokens", "scope"),
				redirect:   at("oauth", "redirectUrl"),
				found:      at("oauth", "discoveryState", "authorizationServerUrl"), resourceMetadata: at("oauth", "discoveryState", "resourceMetadataUrl"),
			},
			// As people wrote it before, and as it stays (observed).
			or:    []fields{{server: at("url")}},
			adopt: clineAdopt,
		}},
	}},

	// It never refreshes before the server says 401.
	threshold: 0,
	patience:  10 * time.Second,
	// The MCP SDK's, as opencode's (observed).
	request: Request{RawBasic: true},

	storeLock: clientLock{
		path:   "settings/cline_mcp_settings.json.lock",
		filled: &clineLock, stale: 10 * time.Second, heartbeat: 3 * time.Second,
	},

	// The second is what npm puts beside the first (source).
	programs:  []string{"cline", ".cline"},
	version:   func(p processes.Process) string { return processes.PackageVersion(p.Exe, "cline") },
	rereads:   func(string) Rereads { return AtStart },
	lockless:  func(string) bool { return true },
	reconnect: "start Cline again",

	// Its own sign-in is a button, or a menu of its program's.
	signIn:   func(Credential) []string { return nil },
	callback: "http://127.0.0.1:1456/mcp/oauth/callback",
}

// clineLock is what stands in its lock. Cline never touches its own, which it
// holds for milliseconds (source).
var clineLock = filling{
	files: func(token string) map[string]string { return map[string]string{"owner." + token: token} },
	// It puts a directory that is whole in the place of an empty one (observed).
	staged: true,
}

func clineAdopt(c *Credential, e jsonedit.Value, _ joined) {
	oauth, _ := e.Get("oauth")
	if own, ok := e.Get("oauthClient"); ok {
		id, secret := member(own, "clientId"), NewSecret(member(own, "clientSecret"))
		if c.ClientID == "" {
			c.ClientID, c.ClientSecret = id, secret // it puts them beside the tokens
		}
		c.Preset = c.ClientID == id
		c.Unused = !c.Preset || !c.ClientSecret.Equal(secret)
	}
	// Versions after 0.0.86 put ${env:NAME} in (source).
	if strings.Contains(c.ServerURL, "${") {
		c.WatchOnly = NoServer
	}
	// Also the shape of a first sign-in that nobody ended.
	_, signedIn := oauth.Get("clientInformation")
	if _, there := oauth.Get("tokens"); signedIn && !there && !c.Unused {
		c.Blanked, c.Missing = true, true
	}
}
