package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"lamplighter/credfiles"
	"lamplighter/credfiles/agefile"
	"lamplighter/refresher/authtest"
)

// sealedWord is the passphrase of an encrypted store.
const sealedWord = "bGFtcGxpZ2h0ZXIncyBsYWIgRVhBTVBMRQ=="

// CodexSealed makes grants and the encrypted file in which Codex keeps them
// with secret_auth_storage, whose passphrase is in a keyring. It replaces the
// file and Codex' config.toml.
func (l *Lab) CodexSealed(r Ring, workFactor int, s *authtest.Server, o authtest.GrantOptions, names ...string) []*Line {
	l.T.Helper()
	home := l.Path(".codex")
	name := filepath.Join(home, "secrets", "mcp_oauth.age")
	secrets := map[string]string{}
	var lines []*Line
	for _, entry := range names {
		line := &Line{ID: "codex/mcp/" + entry, Store: name + "/" + entry, Server: s, Grant: s.Grant(o), seen: s, protected: true}
		sum := sha256.Sum256([]byte(credfiles.EntryKey(entry, line.Grant.ServerURL)))
		key := "global/MCP_OAUTH_" + strings.ToUpper(hex.EncodeToString(sum[:16]))
		line.before = codexItem(entry, line.Grant)
		secrets[key] = line.before
		line.read = func() (string, error) {
			sealed, err := os.ReadFile(name)
			if err != nil {
				return "", err
			}
			text, err := agefile.Open(sealed, sealedWord)
			if err != nil {
				return "", err
			}
			var all struct{ Secrets map[string]string }
			if err := json.Unmarshal(text, &all); err != nil || all.Secrets[key] == "" {
				return "", errors.New("the entry is gone")
			}
			return all.Secrets[key], nil
		}
		lines = append(lines, line)
	}
	sealed, err := agefile.Seal([]byte(marshal(map[string]any{"version": 1, "secrets": secrets})), sealedWord, workFactor)
	if err != nil {
		l.T.Fatal(err)
	}
	for path, text := range map[string]string{name: string(sealed), filepath.Join(home, "config.toml"): "[features]\nsecret_auth_storage = true\n"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			l.T.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			l.T.Fatal(err)
		}
	}
	sum := sha256.Sum256([]byte(home))
	r.Put("codex", sealedWord, "application", "rust-keyring", "service", "codex", "target", "default",
		"username", "secrets|"+hex.EncodeToString(sum[:8]), "xdg:schema", "org.freedesktop.Secret.Generic")
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, lines...)
	return lines
}
