package credfiles

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"strings"

	"lamplighter/credfiles/jsonedit"
)

var codexSealedName = filepath.Join("secrets", "mcp_oauth.age")

// codexSealedFile is what takes the keyring's place with secret_auth_storage:
// one encrypted file for all servers, of which the keyring has only the
// passphrase. It is renamed into place under a lock of its own, mode 0644
// (0.169.0, observed). Its own login is in codex_auth.age beside it, which is
// not opened: to tell when that ends is not worth what an opening costs.
var codexSealedFile = file{
	name:   codexSealedName,
	sealed: &codexSealing,
	lock:   clientLock{path: filepath.Join("mcp-oauth-locks", "secrets-store.lock")},
	kinds: []kind{{
		name: "mcp", at: at("secrets"),
		fields:   codexRing.file.kinds[0].fields,
		required: codexRing.file.kinds[0].required,
		adopt:    codexSealedAdopt,
	}},
}

var codexSealing = sealing{
	service: "codex",
	// Half of a hash of the home's path, its links resolved (0.169.0 on Linux,
	// observed). On Windows such a path begins with \\?\, as Rust has it; whether
	// that is hashed too was not seen.
	accounts: func(home string) (all []string) {
		path := resolved(home)
		for _, p := range []string{path, `\\?\` + path} {
			sum := sha256.Sum256([]byte(p))
			all = append(all, "secrets|"+hex.EncodeToString(sum[:8]))
		}
		return all
	},
	used: func(h Host, home string) bool {
		config, err := readCodexConfig(home)
		return err != nil || config.seals(h.OS) // in doubt it is shown, and not refreshed
	},
	unfold: codexUnfold,
	fold:   codexFold,
}

// seals reports whether it looks into the encrypted file.
func (c codexConfig) seals(os string) bool { return c.Store != "file" && c.encrypts(os) }

// In the file is {"version":1,"secrets":{"global/MCP_OAUTH_...":"{...}"}}: each
// value is what would be an item's, as a string (0.169.0, observed). In the
// document it stands as the object that it is.
const codexSecret = "global/MCP_OAUTH_"

// codexSecretName is the name of an entry: more of a hash than others have
// (0.169.0, observed).
func codexSecretName(entryKey string) string {
	sum := sha256.Sum256([]byte(entryKey))
	return codexSecret + strings.ToUpper(hex.EncodeToString(sum[:16]))
}

func codexUnfold(text []byte) ([]byte, error) {
	return codexEach(text, func(v jsonedit.Value) ([]byte, error) {
		inner, ok := v.Text()
		if !ok {
			return nil, errOddShape
		}
		if root, err := jsonedit.Parse([]byte(inner)); err != nil || root.Kind() != jsonedit.Object {
			return v.Bytes(), nil // it stays the text that it is, which is no entry
		}
		return []byte(inner), nil
	})
}

func codexFold(text []byte) ([]byte, error) {
	return codexEach(text, func(v jsonedit.Value) ([]byte, error) {
		if v.Kind() != jsonedit.Object {
			return v.Bytes(), nil
		}
		return jsonedit.Quote(string(v.Bytes())), nil
	})
}

// codexEach replaces the entries, each by what becomes of it.
func codexEach(text []byte, becomes func(jsonedit.Value) ([]byte, error)) ([]byte, error) {
	root, err := jsonedit.Parse(text)
	if err != nil {
		return nil, err
	}
	secrets, _ := root.Get("secrets")
	var all []jsonedit.Change
	for _, m := range last(secrets.Members()) {
		if !strings.HasPrefix(m.Key, codexSecret) {
			continue
		}
		raw, err := becomes(m.Value)
		if err != nil {
			return nil, err
		}
		all = append(all, jsonedit.Set([]string{"secrets", m.Key}, raw))
	}
	return jsonedit.Apply(text, all...)
}

// codexSealedAdopt: an entry is looked for by its name only.
func codexSealedAdopt(c *Credential, e jsonedit.Value, j joined) {
	codexAdopt(c, e, j)
	c.Unused = c.Unused || c.Key.Entry != codexSecretName(EntryKey(c.Name, c.ServerURL))
}

// codexSealedKeys are the keys that the entries of the encrypted file beside a
// store would have there. Where it cannot be read, any may be in it.
func (s *Store) codexSealedKeys() (keys map[string]bool, blocked Reason) {
	beside := &Store{client: s.client, file: &codexSealedFile, host: s.host, home: s.home, path: filepath.Join(s.home, codexSealedFile.name)}
	doc, _, err := beside.read(context.Background())
	if gone(err) {
		return nil, ""
	}
	if err != nil {
		return nil, KeyringUnread
	}
	keys = map[string]bool{}
	secrets, _ := doc.root.Get("secrets")
	for _, m := range secrets.Members() {
		if key := EntryKey(member(m.Value, "server_name"), member(m.Value, "url")); codexSecretName(key) == m.Key {
			keys[key] = true
		}
	}
	return keys, ""
}
