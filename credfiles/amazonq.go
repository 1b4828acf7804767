package credfiles

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/processes"
)

// amazonQ is Amazon Q Developer CLI, and Kiro CLI, which came of it: their
// sign-ins to MCP servers. None of it was run here: "source" is
// aws/amazon-q-developer-cli 1.19.7 (15cc8f3), crates/chat-cli/src/mcp_client/
// oauth_util.rs and client.rs, with rmcp 0.8. Kiro CLI is closed: that it uses the
// same folder is what people report.
//
// Below ~/.aws/sso/cache, beside the AWS CLI's own files:
//
//	SHA256.token.json         the token's answer as the oauth2 crate has it
//	SHA256.registration.json  client_id, client_secret (always null), scopes,
//	                          redirect_uri
//
// SHA256 is that of the server's origin and path: see amazonQHash. Both are
// serde_json's pretty printing, written in place with the mode that the umask
// leaves; nobody notes when a token came.
//
// It reads them when it connects, and holds the refresh token in memory from
// then on. It refreshes when a connection or a call fails, whatever the reason;
// it then writes the answer. Where that fails at the start, again whatever the
// reason, it deletes SHA256.token.json and opens a browser. There is no lock.
var amazonQ = client{
	name:  "amazon-q",
	title: "Amazon Q CLI",
	dir:   ".aws/sso/cache",
	seen:  "1.19.7 to 1.19.7",

	files: []file{{
		name: "*.token.json",
		many: true,
		pairs: []pair{{tail: ".registration.json", fields: fields{
			clientID: at("client_id"), clientSecret: at("client_secret"), redirect: at("redirect_uri"),
		}}},
		kinds: []kind{{
			name: "mcp", single: true,
			fields: fields{
				access: at("access_token"), refresh: at("refresh_token"), scope: at("scope"),
				lifetime: at("expires_in"), sinceFile: true, expiryGone: asMissing,
			},
			adopt: amazonQAdopt,
		}},
		inPlace: true,
	}},
	join: func(s *Store, _ jsonedit.Value) (joined, *Problem) {
		return joined{command: s.commands.of(s.entry)}, nil
	},

	threshold:    time.Second, // it refreshes after a failure
	patience:     30 * time.Second,
	request:      Request{}, // POST with client_id in the body, no scope
	wipesOnError: true,

	programs:  []string{"q", "qchat", "kiro-cli", "kiro-cli-chat"},
	version:   func(processes.Process) string { return "" },
	rereads:   func(string) Rereads { return AtStart },
	lockless:  func(string) bool { return true },
	reconnect: "restart it",

	// Its chat opens a browser; no command line does.
	signIn:   func(Credential) []string { return nil },
	callback: "http://127.0.0.1/",
}

func amazonQAdopt(c *Credential, _ jsonedit.Value, j joined) {
	c.Name = c.Key.Entry[:min(8, len(c.Key.Entry))]
	c.NoResource = true // as itself, whatever the server is called
	switch {
	case j.command == nil:
		c.WatchOnly = NoServer
	case c.ClientID == "":
		c.WatchOnly = NoClient
	}
	if j.command != nil {
		c.ServerURL = j.command.url
		if j.command.name != "" {
			c.Name = j.command.name
		}
	}
}

// amazonQHash is what the files of a server are called. The crate url has
// neither a port that goes without saying nor an empty path.
func amazonQHash(u *url.URL) string {
	host := strings.ToLower(u.Host)
	host = strings.TrimSuffix(host, map[string]string{"http": ":80", "https": ":443"}[u.Scheme])
	sum := sha256.Sum256([]byte(u.Scheme + "://" + host + cmp.Or(u.EscapedPath(), "/")))
	return hex.EncodeToString(sum[:])
}

// amazonQConfigs are the files in which a user's agents name their servers,
// beside those that all clients' are looked for in.
func (h Host) amazonQConfigs() (all []string) {
	for _, pattern := range []string{".aws/amazonq/default.json", ".aws/amazonq/agents/*.json", ".aws/amazonq/cli-agents/*.json", ".kiro/agents/*.json"} {
		names, _ := filepath.Glob(filepath.Join(strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(h.Home), filepath.FromSlash(pattern)))
		all = append(all, names...)
	}
	return all
}
