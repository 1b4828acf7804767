package settings

import (
	"slices"
	"strings"

	"lamplighter/credfiles"
)

// A KeyDoc is what a person needs to know of one key.
type KeyDoc struct {
	Name    string // with its table: lead.least
	Type    string
	Default string // as written in the config; empty where there is none
	Text    string // one line
}

// Doc lists every key, in the order of the README.
func Doc() []KeyDoc {
	docs := make([]KeyDoc, len(keys))
	for i, k := range keys {
		docs[i] = k.KeyDoc
	}
	return docs
}

// A key is a line of the documentation and what reads the value: it returns
// what is wrong with it.
type key struct {
	KeyDoc
	set func(*draft, any) string
}

// keys is every key there is. home, client, credential, own and deliver are lists
// of tables, whose current element is the draft's.
var keys = slices.Concat(mainKeys, ownKeys, deliverKeys)

var mainKeys = []key{
	{KeyDoc{"mode", "`keep` or `watch-only`", `"keep"`, "what may be done with credentials that have no mode of their own; until it is named here the tray app only watches"},
		func(d *draft, v any) string {
			d.Begun = true
			return word(&d.Mode, v, "keep", "watch-only")
		}},
	{KeyDoc{"paused_until", "date and time with offset", "", "nothing is refreshed until then"},
		func(d *draft, v any) string { return moment(&d.PausedUntil, v) }},
	{KeyDoc{"notifications", "`true` or `false`", "true", "tell by a notification when only a sign-in helps"},
		func(d *draft, v any) string { return truth(&d.Notifications, v) }},
	{KeyDoc{"start_at_login", "`true` or `false`", "", "start the tray app with the desktop; without it that stays as the desktop has it"},
		func(d *draft, v any) string {
			d.StartAtLogin = new(bool)
			return truth(d.StartAtLogin, v)
		}},

	{KeyDoc{"keychain_arguments", "`true` or `false`", "true", "on macOS, what is longer than a line of `security` takes, 2 kB, goes to the keychain by its arguments, as Claude Code does it: your other programs can see it for milliseconds; `false` only watches such an item"},
		func(d *draft, v any) string { return truth(&d.KeychainArguments, v) }},

	{KeyDoc{"home.client", "client", "", "`[[home]]` is a further home of a client, which is called as in its IDs: `codex`, `claude`, `gemini`, ...; required"},
		func(d *draft, v any) string { return word(&d.home.Client, v, d.named()...) }},
	{KeyDoc{"home.path", "path", "", "its folder, absolute or below `~/`; required"},
		func(d *draft, v any) string { return folder(&d.home.Path, v) }},
	{KeyDoc{"home.name", "text", "", "what stands after the `@` in its IDs; without it the folder's name"},
		func(d *draft, v any) string { return profile(&d.home.Name, v) }},

	{KeyDoc{"client.name", "word", "", "`[[client]]` describes a client that we do not know, whose files are JSON, by what it writes into them: its name in IDs; required"},
		func(d *draft, v any) string { return shortName(&d.client.Name, v) }},
	{KeyDoc{"client.title", "text", "", "as its makers write it"},
		func(d *draft, v any) string { return text(&d.client.Title, v) }},
	{KeyDoc{"client.folder", "path", "", "its folder, below yours: `\"~/.acme\"`; required"},
		func(d *draft, v any) string { return below(&d.client.Folder, v) }},
	{KeyDoc{"client.variable", "text", "", "the environment variable that names another folder"},
		func(d *draft, v any) string { return text(&d.client.Variable, v) }},
	{KeyDoc{"client.file", "path", "", "its file in there; with a `*`, such as `\"tokens/*.json\"`, it has one for each entry; required"},
		func(d *draft, v any) string { return pattern(&d.client.File, v) }},
	{KeyDoc{"client.entries", "place", "", "the object in the file whose members are the entries, such as `\"mcp.tokens\"`; `\".\"` is the file itself; without it the file is the one entry"},
		func(d *draft, v any) string { return place(&d.client.Entries, v) }},
	{KeyDoc{"client.access", "place", "", "where in an entry the access token is, such as `\"oauth.access_token\"`; required"},
		func(d *draft, v any) string { return place(&d.client.Access, v) }},
	{KeyDoc{"client.refresh", "place", "", "the refresh token; required"},
		func(d *draft, v any) string { return place(&d.client.Refresh, v) }},
	{KeyDoc{"client.client_id", "place", "", "the client ID; required"},
		func(d *draft, v any) string { return place(&d.client.ClientID, v) }},
	{KeyDoc{"client.client_secret", "place", "", "its secret"},
		func(d *draft, v any) string { return place(&d.client.ClientSecret, v) }},
	{KeyDoc{"client.server", "place", "", "the MCP server's URL; it, `issuer` or `token_endpoint` is required"},
		func(d *draft, v any) string { return place(&d.client.Server, v) }},
	{KeyDoc{"client.issuer", "place", "", "the authorization server's"},
		func(d *draft, v any) string { return place(&d.client.Issuer, v) }},
	{KeyDoc{"client.token_endpoint", "place", "", "where the refresh token is sent"},
		func(d *draft, v any) string { return place(&d.client.TokenEndpoint, v) }},
	{KeyDoc{"client.scope", "place", "", "what was granted, separated by spaces"},
		func(d *draft, v any) string { return place(&d.client.Scope, v) }},
	{KeyDoc{"client.expires", "place", "", "when the access token ends"},
		func(d *draft, v any) string { return place(&d.client.Expires, v) }},
	{KeyDoc{"client.unit", "`milliseconds`, `seconds`, `float-seconds`, `text-seconds` or `date`", "", "how that is written; without it `milliseconds`"},
		func(d *draft, v any) string {
			return word(&d.client.Unit, v, credfiles.Units...)
		}},
	{KeyDoc{"client.lifetime", "place", "", "its life in seconds, from when the file was written"},
		func(d *draft, v any) string { return place(&d.client.Lifetime, v) }},
	{KeyDoc{"client.lock", "path", "", "the file in the folder that the client locks while it refreshes; a `*` is the entry's name"},
		func(d *draft, v any) string { return pattern(&d.client.Lock, v) }},
	{KeyDoc{"client.lock_kind", "`flock` or `directory`", "", "how; without it `flock`"},
		func(d *draft, v any) string { return word(&d.client.LockKind, v, credfiles.LockKinds...) }},
	{KeyDoc{"client.rereads", "`at-start`, `near-expiry` or `each-use`", "", "when the running client reads its file again; without it, and without a lock, `at-start`: nothing is refreshed while it runs"},
		func(d *draft, v any) string { return word(&d.client.Rereads, v, credfiles.RereadsWords...) }},
	{KeyDoc{"client.threshold", "duration", "", "so long before the end the client refreshes by itself; without it `\"1m\"`"},
		func(d *draft, v any) string { return span(&d.client.Threshold, v) }},
	{KeyDoc{"client.programs", "list of texts", "", "the names it runs under; without it its own"},
		func(d *draft, v any) string { return command(&d.client.Programs, v) }},
	{KeyDoc{"client.sign_in", "list of texts", "", "its command that signs in, with `{name}` for the entry's"},
		func(d *draft, v any) string { return command(&d.client.SignIn, v) }},

	{KeyDoc{"lead.least", "duration", `"10m"`, "refresh at least so long before the end"},
		func(d *draft, v any) string { return span(&d.Lead.Least, v) }},
	{KeyDoc{"lead.most", "duration", `"30m"`, "and at most so long before it, unless the client itself is earlier"},
		func(d *draft, v any) string { return span(&d.Lead.Most, v) }},
	{KeyDoc{"lead.share", "number, 0 to 0.5", "0.1", "between these two, so much of the token's lifetime"},
		func(d *draft, v any) string { return number(&d.Lead.Share, v, 0, 0.5) }},

	{KeyDoc{"credential.id", "ID", "", "`[[credential]]` replaces what was found about the credential with this ID, as `status` shows it; required"},
		func(d *draft, v any) string { return text(&d.id, v) }},
	{KeyDoc{"credential.token_endpoint", "URL", "", "where its refresh token is sent"},
		func(d *draft, v any) string { return address(&d.override.TokenURL, v) }},
	{KeyDoc{"credential.metadata_url", "URL", "", "where its authorization server describes itself"},
		func(d *draft, v any) string { return address(&d.override.MetadataURL, v) }},
	{KeyDoc{"credential.auth_method", "`none`, `client_secret_basic` or `client_secret_post`", "", "how its client authenticates"},
		func(d *draft, v any) string {
			return word(&d.override.AuthMethod, v, "none", "client_secret_basic", "client_secret_post")
		}},
	{KeyDoc{"credential.resource", "URL", "", "the `resource` to send; `\"\"` sends none"},
		func(d *draft, v any) string {
			if d.override.NoResource = v == ""; d.override.NoResource {
				return ""
			}
			return resource(&d.override.Resource, v)
		}},
	{KeyDoc{"credential.scope", "text", "", "the `scope` to send, separated by spaces"},
		func(d *draft, v any) string { return text(&d.override.Scope, v) }},

	{KeyDoc{"network.allow_private", "list of hosts, addresses and networks", "[]", "private ones that a public server may point to, such as `[\"sso.corp.example\", \"10.0.0.0/8\"]`"},
		func(d *draft, v any) string { return hosts(&d.AllowPrivate, v) }},

	{KeyDoc{"hook.on", "list of `sign-in-needed`, `recovered` and `refreshed`", "", "`[[hook]]` has a command of yours run when that happened to credentials, of which JSON on its stdin tells; required"},
		func(d *draft, v any) string { return events(&d.hook.On, v) }},
	{KeyDoc{"hook.command", "list of texts", "", "the program's absolute path and its arguments; no shell runs it, and its environment holds no token of ours; required"},
		func(d *draft, v any) string { return program(&d.hook.Command, v) }},
	{KeyDoc{"hook.timeout", "duration", "", "it, and all that it started, is ended after that; without it `\"30s\"`"},
		func(d *draft, v any) string { return patience(&d.hook.Timeout, v) }},

	{KeyDoc{"log.max_size", "size", `"1MB"`, "how large one file of the log may grow"},
		func(d *draft, v any) string { return size(&d.Log.MaxSize, v) }},
	{KeyDoc{"log.keep", "whole number, 0 to 100", "3", "how many full ones stay beside it"},
		func(d *draft, v any) string { return count(&d.Log.Keep, v, 0, 100) }},
}

// lists are the tables of which there may be many, with their required keys.
var lists = map[string][]string{
	"home":       {"client", "path"},
	"credential": {"id"},
	"client":     {"name", "folder", "file", "access", "refresh", "client_id"},
	"own":        {"name", "client_id"},
	"deliver":    {"id"},
	"hook":       {"on", "command"},
}

// under returns the keys of a table, by their names in it. The table "" is
// the top.
func under(table string) map[string]key {
	found := map[string]key{}
	for _, k := range keys {
		if t, name := splitKey(k.Name); t == table {
			found[name] = k
		}
	}
	return found
}

// tables are the names of all tables.
func tables() (names []string) {
	for _, k := range keys {
		if t, _ := splitKey(k.Name); t != "" && !slices.Contains(names, t) {
			names = append(names, t)
		}
	}
	return names
}

func splitKey(name string) (table, key string) {
	if t, k, ok := strings.Cut(name, "."); ok {
		return t, k
	}
	return "", name
}
