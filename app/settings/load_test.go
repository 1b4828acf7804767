package settings

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
)

var clients = []string{"codex", "claude"}

// acmeText describes a client, but for whose its tokens are.
const acmeText = "[[client]]\nname = \"acme\"\nfolder = \"~/.acme\"\nfile = \"t.json\"\naccess = \"a\"\nrefresh = \"r\"\nclient_id = \"c\"\n"

// config writes a config into a folder of its own.
func config(t *testing.T, text string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAMissingOrEmptyConfigGivesTheDefaults(t *testing.T) {
	for name, path := range map[string]string{
		"missing":        filepath.Join(t.TempDir(), "no", "config.toml"),
		"empty":          config(t, ""),
		"only a comment": config(t, "# nothing yet\n"),
		"only a mark":    config(t, "\ufeff"),
	} {
		s, err := Load(path, clients)
		if err != nil || !reflect.DeepEqual(s, Defaults()) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

func TestEveryKeyIsRead(t *testing.T) {
	absolute := filepath.Join(t.TempDir(), ".codex")
	text := strings.Replace(`
mode = "watch-only"
paused_until = 2027-01-31T08:00:00+01:00
notifications = false
keychain_arguments = false
start_at_login = true

[[home]]
client = "codex"
path = 'ABSOLUTE'
name = "work"

[[home]]
client = "claude"
path = "~/.claude-work"

[[home]]
client = "claude"
path = '~/b'
name = "work" # of another client

[lead]
least = "5m"
most = "1h"
share = 0.2

[[credential]]
id = "codex/mcp/linear"
token_endpoint = "https://auth.example/token"
metadata_url = "http://127.0.0.1:8080/.well-known/oauth-authorization-server"
auth_method = "client_secret_post"
resource = "https://mcp.example/mcp"
scope = "read write"

[[credential]]
id = "claude/mcp/slack@work"
resource = ""

[[client]]
name = "acme"
title = "Acme"
folder = "~/.acme"
variable = "ACME_HOME"
file = "tokens.json"
entries = "mcp.tokens"
access = "a.b"
refresh = "r"
client_id = "c"
client_secret = "s"
server = "u"
issuer = "i"
token_endpoint = "e"
scope = "o"
expires = "x"
unit = "float-seconds"
lifetime = "l"
lock = "tokens.lock"
lock_kind = "directory"
rereads = "each-use"
threshold = "5m"
programs = ["acme", "acmed"]
sign_in = ["acme", "login", "{name}"]

[[home]]
client = "acme"
path = "~/.acme-work"

[network]
allow_private = ["sso.corp.example", "10.0.0.0/8", "fd00::/8", "192.168.1.7", "bücher.example"]

[log]
max_size = "2 MiB"
keep = 0
`, "ABSOLUTE", absolute, 1)
	login := true
	want := Settings{
		Mode:         "watch-only",
		Begun:        true,
		PausedUntil:  time.Date(2027, 1, 31, 7, 0, 0, 0, time.UTC),
		StartAtLogin: &login,
		Homes: []Home{
			{"codex", absolute, "work"},
			{"claude", "~/.claude-work", ""},
			{"claude", "~/b", "work"},
			{"acme", "~/.acme-work", ""},
		},
		Clients: []credfiles.Definition{{
			Name: "acme", Title: "Acme", Folder: ".acme", Variable: "ACME_HOME", File: "tokens.json", Entries: "mcp.tokens",
			Access: "a.b", Refresh: "r", ClientID: "c", ClientSecret: "s",
			Server: "u", Issuer: "i", TokenEndpoint: "e", Scope: "o", Expires: "x", Unit: "float-seconds", Lifetime: "l",
			Lock: "tokens.lock", LockKind: "directory", Rereads: "each-use", Threshold: 5 * time.Minute,
			Programs: []string{"acme", "acmed"}, SignIn: []string{"acme", "login", "{name}"},
		}},
		Lead: Lead{5 * time.Minute, time.Hour, 0.2},
		Overrides: map[string]Override{
			"codex/mcp/linear": {
				TokenURL: "https://auth.example/token", MetadataURL: "http://127.0.0.1:8080/.well-known/oauth-authorization-server",
				AuthMethod: "client_secret_post", Resource: "https://mcp.example/mcp", Scope: "read write",
			},
			"claude/mcp/slack@work": {NoResource: true},
		},
		AllowPrivate: []string{"sso.corp.example", "10.0.0.0/8", "fd00::/8", "192.168.1.7", "bücher.example"},
		Log:          Log{MaxSize: 2 << 20, Keep: 0},
	}
	for name, text := range map[string]string{
		"LF": text, "CRLF": strings.ReplaceAll(text, "\n", "\r\n"), "byte order mark": "\ufeff" + text,
	} {
		s, err := Load(config(t, text), clients)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s.PausedUntil = s.PausedUntil.UTC()
		if !reflect.DeepEqual(s, want) {
			t.Errorf("%s: got  %+v\nwant %+v", name, s, want)
		}
	}
}

func TestAConfigThatNamesAModeHasBegun(t *testing.T) {
	for text, begun := range map[string]bool{
		"": false, "paused_until = 2027-01-31T08:00:00Z": false, "# mode = 'keep'": false, "start_at_login = true": false,
		"mode = 'keep'": true, "mode = 'watch-only'": true, "'mode' = 'keep'": true,
	} {
		if s, err := Load(config(t, text), clients); err != nil || s.Begun != begun {
			t.Errorf("%q: %v, %v", text, s.Begun, err)
		}
	}
}

func TestStartAtLoginIsLeftToTheDesktopWhereItIsNotNamed(t *testing.T) {
	for text, want := range map[string]string{
		"": "unnamed", "start_at_login = true": "true", "start_at_login = false": "false",
	} {
		s, err := Load(config(t, text), clients)
		got := "unnamed"
		if s.StartAtLogin != nil {
			got = strconv.FormatBool(*s.StartAtLogin)
		}
		if err != nil || got != want {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}

func TestAMistakeNamesFileLineAndKey(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"mode = \"keep\"\nmoed = 1\n", `2: moed: unknown key; did you mean mode?`},
		{"Mode = \"keep\"", `1: Mode: unknown key; did you mean mode?`},
		{"\n[[home]]\nclinet = \"codex\"\nclient = \"codex\"\npath = \"~/a\"\n", `3: home.clinet: unknown key; did you mean client?`},
		{"[lead]\nleast = \"1m\"\nmode = \"keep\"\n", `3: lead.mode: unknown key here; mode stands above the first table`},
		{"share = 0.1", `1: share: unknown key here; share stands below [lead]`},
		{"path = \"~/a\"", `1: path: unknown key here; path stands below [[home]]`},
		{"[netwrok]\nx = 1", `1: netwrok: unknown key; did you mean network?`},
		{"\"a b\".\"c\\td\" = 1", `1: "a b": unknown key`},
		{"lead.\"a[0].b\" = 1", `1: lead."a[0].b": unknown key`},
		{"[lead.deep]\nx = 1", `1: lead.deep: unknown key`},
		{"a = [", `1: array is incomplete`},
		{"ok = 1\nmode = keep\n", `2: unexpected character U+006B 'k' at start of value`},
		{"mode = \"keep\"\nmode = \"keep\"\n", `2: mode: key mode is already defined`},
		{"# fine\nmode = \"\xff\"", `is not UTF-8; save it in that encoding`},
		{"\xff\xfem\x00", `is not UTF-8; save it in that encoding`},

		{`mode = "watch"`, `1: mode: must be "keep" or "watch-only"`},
		{`mode = "keeep"`, `1: mode: must be "keep" or "watch-only"; did you mean "keep"?`},
		{`mode = true`, `1: mode: must be "keep" or "watch-only"`},
		{`mode.x = true`, `1: mode: must be "keep" or "watch-only"`},
		{`paused_until = 2027-01-31T08:00:00`, `1: paused_until: must be a date and time with its offset and without quotes, such as 2027-01-31T08:00:00Z or 2027-01-31T08:00:00+01:00`},
		{`paused_until = "2027-01-31T08:00:00Z"`, `1: paused_until: must be a date and time with its offset and without quotes, such as 2027-01-31T08:00:00Z or 2027-01-31T08:00:00+01:00`},
		{`notifications = "no"`, `1: notifications: must be true or false, without quotes`},
		{`start_at_login = 1`, `1: start_at_login: must be true or false, without quotes`},
		{"lead = 3", `1: lead: is a table: write [lead] and its keys below it`},
		{"[[lead]]", `1: lead: is a table: write [lead] and its keys below it`},
		{"[home]\nclient = \"codex\"", `1: home: is a list of tables: write [[home]] for each, and its keys below it`},
		{"home = [\"~/.codex\"]", `1: home: is a list of tables: write [[home]] for each, and its keys below it`},

		{"[[home]]\nclient = \"gemini\"\npath = \"~/a\"", `2: home.client: must be "codex" or "claude"`},
		{"[[home]]\npath = \"~/a\"", `1: home: client is missing`},
		{"[[home]]\nclient = \"codex\"\npath = \"a/b\"", `3: home.path: must be an absolute path or one that begins with "~/"`},
		{"[[home]]\nclient = \"codex\"\npath = \"~ann/b\"", `3: home.path: must be an absolute path or one that begins with "~/"`},
		{"[[home]]\nclient = \"codex\"\npath = \"~/a\"\nname = \"a/b\"", `4: home.name: must not hold / or @`},
		{"[[home]]\nclient = \"codex\"\npath = \"~/a\"\nname = \"a@b\"", `4: home.name: must not hold / or @`},
		{"[[home]]\nclient = \"codex\"\npath = \"~/a\"\nname = \"a\\u001bb\"", `4: home.name: holds a control character`},
		{"[[home]]\nclient = \"codex\"\npath = \"~/a\"\nname = \" \"", `4: home.name: is empty; leave the line out instead`},
		{"[[home]]\nclient = \"codex\"\npath = \"~/a\"\nname = \"a\"\n[[home]]\nclient = \"codex\"\npath = \"~/b\"\nname = \"a\"", `8: home.name: is the name of another home of this client`},
		{"home = [{client = \"codex\", path = \"~/a\"},\n {client = \"codex\", path = 3}]", `2: home.path: must be an absolute path or one that begins with "~/"`},

		{"[lead]\nleast = \"10\"", `2: lead.least: must be a duration in quotes, such as "90s", "10m" or "1h30m"`},
		{"[lead]\nleast = 10", `2: lead.least: must be a duration in quotes, such as "90s", "10m" or "1h30m"`},
		{"[lead]\nleast = \"-1m\"", `2: lead.least: must be longer than nothing and at most 24h`},
		{"[lead]\nmost = \"25h\"", `2: lead.most: must be longer than nothing and at most 24h`},
		{"[lead]\nleast = \"1h\"", `2: lead.least: lead.least (1h0m0s) is longer than lead.most (30m0s)`},
		{"[lead]\nmost = \"1m\"", `2: lead.most: lead.least (10m0s) is longer than lead.most (1m0s)`},
		{"lead.share = 0.6", `1: lead.share: must be a number from 0 to 0.5, without quotes`},
		{"lead.share = nan", `1: lead.share: must be a number from 0 to 0.5, without quotes`},
		{"lead.share = \"0.1\"", `1: lead.share: must be a number from 0 to 0.5, without quotes`},

		{"[[credential]]\nscope = \"a\"", `1: credential: id is missing`},
		{"[[credential]]\nid = \"a\"\n[[credential]]\nid = \"a\"", `4: credential.id: has a [[credential]] already`},
		{"[[credential]]\nid = \"a\"\ntoken_endpoint = \"http://auth.example/t\"", `3: credential.token_endpoint: must be a URL with https, or with http on this computer`},
		{"[[credential]]\nid = \"a\"\ntoken_endpoint = \"https://u:pEXAMPLE@auth.example/t\"", `3: credential.token_endpoint: must not hold a user name or password`},
		{"[[credential]]\nid = \"a\"\nmetadata_url = \"auth.example\"", `3: credential.metadata_url: must be a URL with https, or with http on this computer`},
		{"[[credential]]\nid = \"a\"\nmetadata_url = \"https://auth.example/#x\"", `3: credential.metadata_url: must not have a fragment`},
		{"[[credential]]\nid = \"a\"\nauth_method = \"private_key_jwt\"", `3: credential.auth_method: must be "none", "client_secret_basic" or "client_secret_post"`},
		{"[[credential]]\nid = \"a\"\nresource = \"mcp\"", `3: credential.resource: must be an absolute URL without a fragment, or "" to send none`},
		{"[[credential]]\nid = \"a\"\nresource = false", `3: credential.resource: must be an absolute URL without a fragment, or "" to send none`},
		{"[[credential]]\nid = \"a\"\nscope = \"\"", `3: credential.scope: is empty; leave the line out instead`},

		{acmeText + "server = \"u\"\n" + acmeText + "server = \"u\"", `10: client.name: has a [[client]] already`},
		{acmeText, `1: client: one of server, issuer and token_endpoint is missing`},
		{"[[client]]\nname = \"codex\"\n" + acmeText[len("[[client]]\nname = \"acme\"\n"):] + "server = \"u\"", `2: client.name: is the name of a client that is known already`},
		{acmeText + "server = \"u\"\nlock_kind = \"flock\"", `9: client.lock_kind: is the kind of a lock that is not named`},
		{acmeText + "server = \"u\"\nrereads = \"each-use\"", `9: client.rereads: needs a lock: without one nothing is refreshed while the client runs`},
		{strings.Replace(acmeText, "~/.acme", "/etc", 1) + "server = \"u\"", `3: client.folder: must be a path with slashes that leads nowhere else, such as "~/.acme" or "tokens.json"`},
		{strings.Replace(acmeText, "~/.acme", "~/../x", 1) + "server = \"u\"", `3: client.folder: must be a path with slashes that leads nowhere else, such as "~/.acme" or "tokens.json"`},
		{strings.Replace(acmeText, "t.json", "*/t.json", 1) + "server = \"u\"", `4: client.file: may have one *, in its last name`},
		{strings.Replace(acmeText, "\"acme", "\"Acme", 1) + "server = \"u\"", `2: client.name: must be a word of small letters, digits and -`},
		{strings.Replace(acmeText, "\"a\"", "\"a..b\"", 1) + "server = \"u\"", `5: client.access: must be names of members joined by dots, such as "oauth.access_token"`},
		{acmeText + "server = \"u\"\nsign_in = \"acme login\"", `9: client.sign_in: must be a list of texts, such as ["acme", "login", "{name}"]`},

		{"network.allow_private = \"10.0.0.0/8\"", `1: network.allow_private: must be a list of host names, addresses and networks, such as ["sso.corp.example", "10.0.0.0/8"]`},
		{"network.allow_private = [\"https://a.example\"]", `1: network.allow_private: must be a list of host names, addresses and networks, such as ["sso.corp.example", "10.0.0.0/8"]`},
		{"network.allow_private = [\"*\"]", `1: network.allow_private: must be a list of host names, addresses and networks, such as ["sso.corp.example", "10.0.0.0/8"]`},
		{"network.allow_private = [\"a..example\"]", `1: network.allow_private: must be a list of host names, addresses and networks, such as ["sso.corp.example", "10.0.0.0/8"]`},
		{"network.allow_private = [\"sso-.example\"]", `1: network.allow_private: must be a list of host names, addresses and networks, such as ["sso.corp.example", "10.0.0.0/8"]`},
		{"network.allow_private = [\"10.1.2.3/8\"]", `1: network.allow_private: has a network with bits beyond its length: the network of that length is 10.0.0.0/8`},
		{"log.max_size = \"1 megabyte\"", `1: log.max_size: must be a size, such as "500kB", "1MB" or 1000000`},
		{"log.max_size = 10", `1: log.max_size: must be at least 10kB and at most 1GB`},
		{"log.max_size = \"9999999999GB\"", `1: log.max_size: must be at least 10kB and at most 1GB`},
		{"log.keep = -1", `1: log.keep: must be a whole number from 0 to 100, without quotes`},
		{"log.keep = 3.0", `1: log.keep: must be a whole number from 0 to 100, without quotes`},
	} {
		path := config(t, c.text)
		_, err := Load(path, clients)
		want := path + ":" + c.want
		if !('0' <= c.want[0] && c.want[0] <= '9') {
			want = path + ": " + c.want
		}
		if err == nil || err.Error() != want {
			t.Errorf("%q\ngot  %v\nwant %s", c.text, err, want)
		}
	}
}

func TestAllMistakesAreNamedAtOnce(t *testing.T) {
	path := config(t, `mode = "kep"
[log]
keep = "3"
kep = 3
[[home]]
client = "codex"
[[home]]
path = 3
`)
	s, err := Load(path, clients)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	want := []Fault{
		{1, "mode", `must be "keep" or "watch-only"; did you mean "keep"?`},
		{3, "log.keep", "must be a whole number from 0 to 100, without quotes"},
		{4, "log.kep", "unknown key; did you mean keep?"},
		{5, "home", "path is missing"},
		{7, "home", "client is missing"},
		{8, "home.path", `must be an absolute path or one that begins with "~/"`},
	}
	if !reflect.DeepEqual(e.Faults, want) || e.File != path {
		t.Errorf("got %v", err)
	}
	if !reflect.DeepEqual(s, Settings{}) {
		t.Errorf("settings in spite of mistakes: %+v", s)
	}
}

func TestSizesAreInTheUnitsThatTheyName(t *testing.T) {
	for value, want := range map[string]int64{
		`"10000B"`: 10_000, `"10kB"`: 10_000, `"10KB"`: 10_000, `"10KiB"`: 10_240, `"1MB"`: 1_000_000, `"1 MiB"`: 1 << 20, `"1GB"`: 1_000_000_000, "123456": 123_456,
	} {
		s, err := Load(config(t, "log.max_size = "+value), clients)
		if err != nil || s.Log.MaxSize != want {
			t.Errorf("%s: %d, %v", value, s.Log.MaxSize, err)
		}
	}
}

func TestAConfigThatIsNoFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir, clients); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("a folder: %v", err)
	}
	big := config(t, strings.Repeat("#\n", mostBytes))
	if _, err := Load(big, clients); err == nil || !strings.Contains(err.Error(), "is larger than") {
		t.Errorf("2 MiB: %v", err)
	}
}
