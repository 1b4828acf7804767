package credfiles

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"

	"github.com/pelletier/go-toml/v2"

	"lamplighter/credfiles/jsonedit"
)

// codexConfig is what config.toml says that matters here.
type codexConfig struct {
	// Where it keeps the tokens of MCP servers: "auto", "file" or "keyring".
	Store    string         `toml:"mcp_oauth_credentials_store"`
	Features map[string]any `toml:"features"`
	Servers  map[string]struct {
		URL   string `toml:"url"`
		OAuth struct {
			ClientID     string `toml:"client_id"`
			ClientSecret string `toml:"client_secret"`
			AuthMethod   string `toml:"token_endpoint_auth_method"`
			Redirect     string `toml:"callback_url"`
			Port         uint16 `toml:"callback_port"`
		} `toml:"oauth"`
	} `toml:"mcp_servers"`
}

// readCodexConfig reads it. Without the file everything is as it comes. The
// error is a *Problem.
func readCodexConfig(home string) (config codexConfig, err error) {
	name := filepath.Join(home, "config.toml")
	text, err := readFile(name, maxSize)
	if errors.Is(err, fs.ErrNotExist) {
		return config, nil
	}
	if err != nil {
		return config, &Problem{Store: name, Client: "codex", Kind: BadConfig, Err: err}
	}
	if err := toml.Unmarshal(bytes.TrimPrefix(text, []byte("\uFEFF")), &config); err != nil {
		// Its words are not passed on: they may quote what stands there.
		return codexConfig{}, &Problem{Store: name, Client: "codex", Kind: BadConfig, Line: tomlLine(err)}
	}
	return config, nil
}

// looks reports whether it looks for its items in the keyring. "auto", which
// is how it comes, is the keyring where that has an entry, else the file
// (0.169.0, observed). With secret_auth_storage, which is how it comes on
// Windows, "keyring" means an encrypted file.
func (c codexConfig) looks(os string) bool { return c.Store != "file" && !c.encrypts(os) }

// encrypts reports whether it keeps an encrypted file where it says keyring.
func (c codexConfig) encrypts(os string) bool {
	encrypts, said := c.Features["secret_auth_storage"].(bool)
	if !said {
		return os == "windows"
	}
	return encrypts
}

const codexRingName = "Codex MCP Credentials"

// codexRing are its items in the keyring: one for each server, under the key
// that the server would have in the file. They are bound to no home.
var codexRing = ring{
	service: codexRingName,
	file:    file{name: codexRingName, kinds: []kind{codexItem("")}},
	home: func(h Host, home string) ringHome {
		config, err := readCodexConfig(home)
		if err != nil {
			return ringHome{reads: config.looks(h.OS)} // and nothing of it is refreshed
		}
		found := ringHome{reads: config.looks(h.OS), only: config.Store == "keyring", names: map[string]bool{}}
		for name, server := range config.Servers {
			found.names[EntryKey(name, server.URL)] = true
		}
		return found
	},
	shut: &codexShut,
}

// codexItem is what an item holds, and why it is only watched. What it writes
// there is not what it writes into the file (0.169.0, exact bytes observed).
func codexItem(watchOnly Reason) kind {
	return kind{
		name: "mcp", single: true, watchOnly: watchOnly,
		fields: fields{
			name: at("server_name"), server: at("url"), issuer: at("issuer"), clientID: at("client_id"),
			access: at("token_response", "access_token"), refresh: at("token_response", "refresh_token"),
			expiry: at("expires_at"), expiryGone: asNull,
			// In whole seconds, and not read again (0.169.0, observed).
			lifetime: at("token_response", "expires_in"), scope: at("token_response", "scope"),
			refreshGone: asMissing,
		},
		required: [][]string{at("server_name"), at("url"), at("client_id"), at("token_response", "access_token")},
		adopt:    codexAdopt,
	}
}

// codexShut are the same items on macOS. They were never seen there: by the
// source of its keyring library (keyring-rs 3.6.3) it creates them itself, so
// that macOS asks a person before another program reads one, and takes that
// leave back when Codex writes it ([Host.Ask]). So the items are only watched.
var codexShut = shut{
	instead: ".credentials.json",
	items: func(h Host, home string, root jsonedit.Value) map[string]string {
		config, _ := readCodexConfig(home) // without it: the servers of the file
		if !config.looks(h.OS) {
			return nil
		}
		all := map[string]string{}
		add := func(name, url string) {
			if name != "" && url != "" {
				all[EntryKey(name, url)] = `{"server_name":` + string(jsonedit.Quote(name)) + `,"url":` + string(jsonedit.Quote(url)) + `}`
			}
		}
		for name, server := range config.Servers {
			add(name, server.URL)
		}
		for _, m := range root.Members() {
			add(member(m.Value, "server_name"), member(m.Value, "server_url"))
		}
		return all
	},
	file: file{
		name: codexRingName,
		kinds: []kind{{
			name: "mcp", single: true, watchOnly: KeychainOwn,
			fields: fields{name: at("server_name"), server: at("url")},
		}},
	},
	asked:  file{name: codexRingName, kinds: []kind{codexItem(KeychainSeen)}},
	toFile: `mcp_oauth_credentials_store = "file"`, // 0.169.0, observed
}

// codexJoin reads config.toml: the secrets of registered clients stand there
// in plain text, and it tells which entries are still used. Of an entry in the
// file the keyring may have another, which is the one that is used then.
func codexJoin(s *Store, root jsonedit.Value) (joined, *Problem) {
	j := joined{item: s.ring != nil, places: codexPlaces(s.home)}
	if !j.item {
		j.entries = map[string]bool{}
		for _, m := range root.Members() {
			j.entries[m.Key] = true
		}
	}
	config, err := readCodexConfig(s.home)
	if !j.item && s.host.Keyring != nil && config.looks(s.host.OS) {
		j.kept, j.blocked = s.host.kept(codexRing.service)
	}
	if !j.item && s.behindShut() {
		j.kept, j.blocked = s.shutKept(root)
	}
	if err != nil {
		// Without it a secret may be missing from the request, and the server
		// would say that the client is gone.
		j.blocked = ClientConfig
		return j, s.problem(err)
	}
	j.servers = map[string]server{}
	for n, c := range config.Servers {
		if c.URL == "" {
			continue
		}
		s := server{
			keys:     map[string]bool{EntryKey(n, c.URL): true},
			clientID: c.OAuth.ClientID, clientSecret: NewSecret(c.OAuth.ClientSecret), authMethod: c.OAuth.AuthMethod,
			redirect: c.OAuth.Redirect,
		}
		if s.redirect == "" && c.OAuth.Port != 0 {
			s.redirect = "http://127.0.0.1:" + strconv.Itoa(int(c.OAuth.Port)) + "/callback"
		}
		s.register(s.clientID)
		j.servers[n] = s
	}
	if s.file.sealed != nil {
		return j, nil // it looks there first
	}
	if !j.item && config.seals(s.host.OS) && j.blocked == "" {
		j.kept, j.blocked = s.codexSealedKeys()
	}
	// In "keyring" mode it does not look into the file at all.
	j.elsewhere = !j.item && config.Store == "keyring"
	return j, nil
}

// codexPlaces are where an entry may stand: in the file, as an item of the
// keyring, in the encrypted file.
func codexPlaces(home string) []string {
	return []string{
		resolved(filepath.Join(home, ".credentials.json")),
		ringPath(codexRingName),
		resolved(filepath.Join(home, codexSealedName)),
	}
}

// codexKeys are the keys that an entry has in these places.
func codexKeys(places []string, entryKey string) []Key {
	return []Key{
		{Store: places[0], Entry: entryKey},
		{Store: places[1], Entry: entryKey},
		{Store: places[2], Entry: codexSecretName(entryKey)},
	}
}

func tomlLine(err error) int {
	var d *toml.DecodeError
	if errors.As(err, &d) {
		line, _ := d.Position()
		return line
	}
	return 0
}
