//go:build unix

package torture_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"syscall"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/authtest"
)

// codex behaves as Codex 0.169.0 was observed to, on Linux: flock on a file
// for each credential, held from before it reads again until the answer is
// stored, and on one for the store around every reading and writing. It gives
// a server 30 s to start and waits 60 s for a lock, asking every 50 ms; here a
// thirtieth, but for the store's lock a sixth: how long a disk takes does not
// scale. With locks false it is one from before 0.145, which has
// none.
type codex struct {
	program
	locks bool
}

const (
	codexStart = time.Second
	codexLock  = 10 * time.Second
	codexRetry = 50 * time.Millisecond / 30
	codexStore = ".credentials.json"
	codexSkew  = 30 * time.Second
)

func (c *codex) patience() time.Duration { return codexStart }

// stored reads are under the shared lock, writes under the other.
func (c *codex) load() document {
	if c.locks {
		lock := c.flock("mcp-oauth-locks/file-store.lock", syscall.LOCK_SH, codexRetry, codexLock)
		if lock == nil {
			c.t.Error("codex: no reading lock")
			return document{}
		}
		defer lock.Close()
	}
	return c.read(codexStore)
}

// change does one reading, change and writing of the store; false where the
// lock could not be had.
func (c *codex) change(do func(doc document)) bool {
	if c.locks {
		lock := c.flock("mcp-oauth-locks/file-store.lock", syscall.LOCK_EX, codexRetry, codexLock)
		if lock == nil {
			return false
		}
		defer lock.Close()
	}
	doc := document{}
	if _, err := os.Stat(c.path(codexStore)); err == nil {
		doc = c.read(codexStore)
	}
	do(doc)
	c.inPlace(codexStore, doc)
	return true
}

func (c *codex) key(name string) string { return credfiles.EntryKey(name, c.s.URL(authtest.Resource)) }

func (c *codex) signIn(name string, g authtest.Grant) {
	c.change(func(doc document) {
		doc[credfiles.EntryKey(name, g.ServerURL)] = map[string]any{
			"server_name": name, "server_url": g.ServerURL, "issuer": g.Issuer, "client_id": g.ClientID,
			"access_token": g.AccessToken, "expires_at": g.Expiry.UnixMilli(), "refresh_token": g.RefreshToken,
			"scopes": strings.Fields(g.Scope),
		}
	})
}

func (c *codex) signOut(name string) {
	c.change(func(doc document) { delete(doc, c.key(name)) })
}

// note is another server's sign-in, long good.
func (c *codex) note(name string) {
	c.change(func(doc document) {
		doc[c.key(name)] = map[string]any{
			"server_name": name, "server_url": c.s.URL(authtest.Resource), "client_id": "client-EXAMPLE",
			"access_token": "at-" + name + "-EXAMPLE", "expires_at": time.Now().Add(9 * time.Hour).UnixMilli(),
			"refresh_token": "rt-" + name + "-EXAMPLE", "scopes": []string{},
		}
	})
}

func (c *codex) noted(name string) bool { return c.load()[c.key(name)] != nil }

func (c *codex) stored(name string) (access, refresh string, ok bool) {
	e, ok := c.load()[c.key(name)].(map[string]any)
	return text(e["access_token"]), text(e["refresh_token"]), ok
}

func (c *codex) near(e map[string]any) bool {
	return !time.Now().Add(codexSkew).Before(millis(e["expires_at"]))
}

// visit is the start of a server in Codex, which refreshes when 30 s are left.
func (c *codex) visit(name string) visit {
	e, ok := c.load()[c.key(name)].(map[string]any)
	switch {
	case !ok:
		return noEntry
	case !c.near(e):
		return nothing
	}
	if c.locks {
		sum := sha256.Sum256([]byte(c.key(name)))
		lock := c.flock("mcp-oauth-locks/"+hex.EncodeToString(sum[:])+".lock", syscall.LOCK_EX, codexRetry, codexStart)
		if lock == nil {
			return impatient // the server's start has failed
		}
		defer lock.Close()
		if e, ok = c.load()[c.key(name)].(map[string]any); !ok {
			return noEntry
		}
		if !c.near(e) {
			return adopted
		}
	}
	sent := text(e["refresh_token"])
	i := c.refresh(text(e["client_id"]), sent)
	set := func(do func(e map[string]any)) bool {
		return c.change(func(doc document) {
			if e, ok := doc[c.key(name)].(map[string]any); ok {
				do(e)
			}
		})
	}
	switch {
	case i.failed:
		return trouble
	case i.code == "invalid_grant":
		if c.locks { // 0.165 and later
			set(func(e map[string]any) {
				if e["refresh_token"] == sent {
					e["refresh_token"] = nil
				}
			})
		}
		return rejected
	case i.code != "":
		return trouble
	}
	if !set(func(e map[string]any) {
		e["access_token"], e["expires_at"] = i.access, i.expiry.UnixMilli()/1000*1000
		if i.refresh != "" {
			e["refresh_token"] = i.refresh
		}
	}) {
		return dropped
	}
	return refreshed
}

// edit changes an entry as another program of the user would, without a lock
// unless the client has one.
func (c *codex) edit(name string, do func(e map[string]any)) {
	c.change(func(doc document) {
		if e, ok := doc[c.key(name)].(map[string]any); ok {
			do(e)
		}
	})
}

// wipe is what a refusal leaves (0.165 and later).
func (c *codex) wipe(name string) {
	c.edit(name, func(e map[string]any) { e["refresh_token"] = nil })
}

// put writes tokens into an entry.
func (c *codex) put(name, access, refresh string, expiry time.Time) {
	c.edit(name, func(e map[string]any) {
		e["access_token"], e["refresh_token"], e["expires_at"] = access, refresh, expiry.UnixMilli()
	})
}
