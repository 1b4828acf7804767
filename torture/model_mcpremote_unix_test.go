//go:build unix

package torture_test

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lamplighter/refresher/authtest"
)

// mcpRemote behaves as mcp-remote 0.15.1 was observed to, on Linux: a file of
// its own for each server, read at every request; with 60 s left it takes a
// lease, a file made exclusively, and where that is taken looks every 200 ms at
// the store and then at the lease. It waits as long as the lease is there and
// young, but the program that started it gives it 30 s; here a thirtieth of
// each, and the lease's own 30 s as they are. With lease false it is one from
// before 0.8.3, which has none.
//
// The lease is made first and written then, which is not observed but what an
// exclusive write comes to, and one that cannot be read counts as abandoned. So
// two of its own sessions send one token now and then, with a keeper or without.
type mcpRemote struct {
	program
	lease bool
}

const (
	remoteStart = time.Second
	remotePoll  = 200 * time.Millisecond / 30
	remoteStale = 30 * time.Second
	remoteSkew  = time.Minute
)

func (c *mcpRemote) patience() time.Duration { return remoteStart }

// configure names servers where a client would: our program knows from there
// which server a store is for.
func (c *mcpRemote) configure(names ...string) {
	servers := map[string]any{}
	for _, name := range names {
		servers[name] = map[string]any{"command": "npx", "args": []string{"-y", "mcp-remote", c.s.URL(authtest.Resource), "--resource", c.resource(name), "--allow-http"}}
	}
	dir := filepath.Join(filepath.Dir(c.home), ".cursor")
	c.must(os.MkdirAll(dir, 0o755))
	c.must(os.WriteFile(filepath.Join(dir, "mcp.json"), compact(map[string]any{"mcpServers": servers}), 0o644))
	c.must(os.MkdirAll(c.path("mcp-remote-v1"), 0o755))
}

func (c *mcpRemote) resource(name string) string { return c.s.URL(authtest.Resource) + "/" + name }

// place is a file of a server's.
func (c *mcpRemote) place(name, tail string) string {
	sum := md5.Sum([]byte(c.s.URL(authtest.Resource) + "|" + c.resource(name)))
	return filepath.Join("mcp-remote-v1", hex.EncodeToString(sum[:])+tail)
}

func (c *mcpRemote) file() string { return c.path(c.place(linear, "_tokens.json")) }

func (c *mcpRemote) tokens(name string) (document, bool) {
	if _, err := os.Stat(c.path(c.place(name, "_tokens.json"))); errors.Is(err, fs.ErrNotExist) {
		return nil, false
	}
	return c.read(c.place(name, "_tokens.json")), true
}

func (c *mcpRemote) write(name, tail string, doc any) {
	text, err := json.MarshalIndent(doc, "", "  ")
	c.must(err)
	temporary := c.path(c.place(name, tail)) + "." + rand.Text() + ".tmp"
	c.must(os.WriteFile(temporary, text, 0o600))
	c.must(os.Rename(temporary, c.path(c.place(name, tail))))
}

func (c *mcpRemote) signIn(name string, g authtest.Grant) {
	c.write(name, "_client_info.json", document{
		"client_id": g.ClientID, "redirect_uris": []string{"http://127.0.0.1:3334/oauth/callback"}, "token_endpoint_auth_method": "none", "issuer": g.Issuer,
	})
	c.write(name, "_tokens.json", document{
		"access_token": g.AccessToken, "token_type": "Bearer", "expires_in": int(time.Until(g.Expiry).Seconds()), "scope": g.Scope,
		"refresh_token": g.RefreshToken, "issuer": g.Issuer, "expires_at": g.Expiry.UnixMilli(), "requested_scope": g.Scope,
	})
}

func (c *mcpRemote) signOut(name string) {
	for _, tail := range []string{"_tokens.json", "_client_info.json"} {
		os.Remove(c.path(c.place(name, tail)))
	}
}

// note is nothing that it shares: each server has a file of its own.
func (c *mcpRemote) note(name string) {
	c.write(name, "_tokens.json", document{"access_token": "at-" + name + "-EXAMPLE"})
}

func (c *mcpRemote) noted(name string) bool {
	_, ok := c.tokens(name)
	return ok
}

func (c *mcpRemote) stored(name string) (access, refresh string, ok bool) {
	doc, ok := c.tokens(name)
	return text(doc["access_token"]), text(doc["refresh_token"]), ok
}

func (c *mcpRemote) wipe(name string) { os.Remove(c.path(c.place(name, "_tokens.json"))) }

func (c *mcpRemote) put(name, access, refresh string, expiry time.Time) {
	doc, _ := c.tokens(name)
	doc["access_token"], doc["refresh_token"], doc["expires_at"] = access, refresh, expiry.UnixMilli()
	c.write(name, "_tokens.json", doc)
}

func (c *mcpRemote) near(doc document) bool {
	return !time.Now().Add(remoteSkew).Before(millis(doc["expires_at"]))
}

// visit is a request to a server.
func (c *mcpRemote) visit(name string) visit {
	doc, ok := c.tokens(name)
	switch {
	case !ok:
		return noEntry
	case !c.near(doc) || doc["refresh_token"] == nil:
		return nothing
	}
	did := refreshed
	if c.lease {
		lease := c.path(c.place(name, "_refresh_in_progress.json"))
		release, ok := c.take(lease)
		for began := time.Now(); !ok; {
			if time.Since(began) > remoteStart {
				return impatient // whoever started it has given up
			}
			if now, ok := c.tokens(name); ok && !c.near(now) {
				return adopted
			}
			switch abandoned, there := c.look(lease); {
			case !there:
				if c.takes(text(doc["access_token"])) {
					return impatient // it goes on with what it had
				}
				did, ok = unlocked, true
				release = func() {}
			case abandoned:
				os.Remove(lease)
				release, ok = c.take(lease)
			default:
				time.Sleep(remotePoll)
			}
			if ok {
				break
			}
		}
		defer release()
	}
	// It takes whatever stands there now, however fresh.
	if doc, ok = c.tokens(name); !ok {
		return noEntry
	}
	info := c.read(c.place(name, "_client_info.json"))
	sent := text(doc["refresh_token"])
	i := c.refresh(text(info["client_id"]), sent)
	switch {
	case i.failed:
		return trouble
	case i.code == "invalid_grant":
		c.wipe(name)
		return rejected
	case i.code != "":
		return trouble
	}
	doc["access_token"], doc["expires_in"], doc["expires_at"] = i.access, int(time.Until(i.expiry).Seconds()), i.expiry.UnixMilli()
	if i.refresh != "" {
		doc["refresh_token"] = i.refresh
	}
	delete(doc, "issuer")
	c.write(name, "_tokens.json", doc)
	return did
}

// take makes the lease.
func (c *mcpRemote) take(lease string) (release func(), ok bool) {
	nonce := rand.Text()
	f, err := os.OpenFile(lease, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, false
	}
	_, err = fmt.Fprintf(f, "{\n  \"pid\": %d,\n  \"nonce\": %q,\n  \"at\": %d\n}", os.Getpid(), nonce, time.Now().UnixMilli())
	c.must(err)
	c.must(f.Close())
	return func() {
		if text, err := os.ReadFile(lease); err == nil && strings.Contains(string(text), nonce) {
			os.Remove(lease)
		}
	}, true
}

// look reads the lease.
func (c *mcpRemote) look(lease string) (abandoned, there bool) {
	text, err := os.ReadFile(lease)
	if err != nil {
		return false, false
	}
	var claim struct{ At int64 }
	if json.Unmarshal(text, &claim) != nil {
		return true, true // what cannot be read counts as nobody's
	}
	return time.Since(time.UnixMilli(claim.At)) > remoteStale, true
}
