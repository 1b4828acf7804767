//go:build real && linux

package real

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"lamplighter/credfiles/agefile"
	"lamplighter/lab/desktop"
)

// sealedFile is where Codex keeps everything that an item would hold, where
// that is what it is told.
const sealedFile = ".codex/secrets/mcp_oauth.age"

// plain is what the age library's own reader finds in the file.
func (b *bench) plain(passphrase string) []byte {
	b.Helper()
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		b.Fatal(err)
	}
	r, err := age.Decrypt(bytes.NewReader(b.file(sealedFile)), identity)
	if err != nil {
		b.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		b.Fatal(err)
	}
	return text
}

// With secret_auth_storage Codex keeps its tokens in an encrypted file, of
// which the keyring has the passphrase (0.169.0): it reads what we wrote,
// refreshes with the refresh token that we stored, and we go on from what it
// wrote.
func TestCodexReadsWhatWeEncrypt(t *testing.T) {
	b := newBench(t)
	bus := desktop.NewBus(t)
	ring := bus.NewKeyring()
	b.env = append(b.env, "DBUS_SESSION_BUS_ADDRESS="+bus.Address())
	config := filepath.Join(b.home, ".codex/config.toml")
	if err := os.WriteFile(config, append(b.file(".codex/config.toml"), "secret_auth_storage = true\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	b.lifetime(time.Hour)
	codex.signIn(b)
	if _, err := os.Stat(filepath.Join(b.home, codex.store)); err == nil {
		t.Fatal("Codex kept the token in a plain file")
	}
	sum := sha256.Sum256([]byte(filepath.Join(b.home, ".codex")))
	passphrase, ok := ring.Get("service", "codex", "username", "secrets|"+hex.EncodeToString(sum[:8]))
	if !ok {
		t.Fatal("the keyring has no passphrase")
	}
	read := func() (i item) {
		t.Helper()
		i.raw = string(b.plain(passphrase))
		var all struct{ Secrets map[string]string }
		if err := json.Unmarshal([]byte(i.raw), &all); err != nil || len(all.Secrets) != 1 {
			t.Fatalf("%d entries, %v", len(all.Secrets), err)
		}
		for _, text := range all.Secrets {
			if err := json.Unmarshal([]byte(text), &i); err != nil || i.Token.Refresh == "" {
				t.Fatal("the entry is not as Codex is known to write it")
			}
		}
		return i
	}
	before := read()
	info, err := os.Stat(filepath.Join(b.home, sealedFile))
	if err != nil {
		t.Fatal(err)
	}
	workFactor, err := agefile.WorkFactor(b.file(sealedFile))
	if err != nil {
		t.Fatal(err)
	}

	mark := b.mark()
	b.run(b.command("lamplighter", "refresh", "codex/mcp/lab"))
	posts := refreshes(b.since(mark), "")
	if len(posts) != 1 || posts[0].agent != "lamplighter" {
		t.Fatalf("%s; want one refresh, by lamplighter", b.story(mark))
	}
	b.shaped(codex, posts)
	after := read()
	undone := strings.NewReplacer(
		after.Token.Access, before.Token.Access, after.Token.Refresh, before.Token.Refresh,
		fmt.Sprint(after.Expiry), fmt.Sprint(before.Expiry), fmt.Sprintf(`expires_in\":%d`, after.Token.Life), fmt.Sprintf(`expires_in\":%d`, before.Token.Life),
	).Replace(after.raw)
	if undone != before.raw || after.Token.Access == before.Token.Access || after.Token.Refresh == before.Token.Refresh {
		t.Error("what is encrypted changed in more than the tokens and the expiry")
	}
	if now, err := os.Stat(filepath.Join(b.home, sealedFile)); err != nil || now.Mode() != info.Mode() {
		t.Errorf("its mode is %v, %v; it was %v", now.Mode(), err, info.Mode())
	}
	if n, err := agefile.WorkFactor(b.file(sealedFile)); n != workFactor || err != nil {
		t.Errorf("its work factor is %d, %v; it was %d", n, err, workFactor)
	}

	mark = b.mark()
	b.run(codex.ask(b, true))
	found := calls(b.since(mark), "codex")
	if len(found) != 1 || found[0].bearer != (token{Access: after.Token.Access}).fingerprint() || len(refreshes(b.since(mark), "")) != 0 {
		t.Errorf("Codex called the tool %d times; %s", len(found), b.story(mark))
	}

	// Expired, as Codex sees it.
	old := strings.Replace(after.raw, fmt.Sprint(after.Expiry), fmt.Sprint(time.Now().Add(-time.Minute).UnixMilli()), 1)
	expired, err := agefile.Seal([]byte(old), passphrase, 16)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.home, sealedFile), expired, 0o644); err != nil {
		t.Fatal(err)
	}
	mark = b.mark()
	b.run(codex.ask(b, true))
	b.refreshed(codex, mark, 1)
	if posts := refreshes(b.since(mark), "codex"); len(posts) == 1 && posts[0].form.Get("refresh_token") != after.Token.Refresh {
		t.Error("Codex sent another refresh token than the one that we stored")
	}
	theirs := read()
	if theirs.Token.Refresh == after.Token.Refresh {
		t.Error("Codex stored no new refresh token")
	}
	mark = b.mark()
	b.run(b.command("lamplighter", "refresh", "codex/mcp/lab"))
	if posts := refreshes(b.since(mark), "lamplighter"); len(posts) != 1 || posts[0].form.Get("refresh_token") != theirs.Token.Refresh {
		t.Error("we do not go on from what Codex wrote")
	}
}
