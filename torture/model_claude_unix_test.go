//go:build unix

package torture_test

import (
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/authtest"
)

// claude behaves as Claude Code 2.1.329 was observed to, on Linux: directories
// made by mkdir as locks, one for each entry around a refresh and one for the
// store around a writing. It reads the store at each request, refreshes when
// 300 s are left, tries 5 times in about 7 s for the lock, then uses what it
// has; where that is refused it tries 5 times more and refreshes without. For
// the store's lock it tries 11 times in 7.5 s, then the answer is lost. Here a
// tenth of each.
type claude struct{ program }

const (
	claudeTenth     = 10
	claudeStore     = ".credentials.json"
	claudeHeartbeat = 5 * time.Second / claudeTenth
)

func (c *claude) patience() time.Duration { return 7 * time.Second / claudeTenth }

// tries are the pauses between five tries.
func (c *claude) tries() []time.Duration {
	var pauses []time.Duration
	for range 5 {
		pauses = append(pauses, (time.Second+time.Duration(rand.Int64N(int64(time.Second))))/claudeTenth)
	}
	return pauses
}

var storePauses = []time.Duration{
	10 * time.Millisecond, 20 * time.Millisecond, 40 * time.Millisecond, 80 * time.Millisecond,
	100 * time.Millisecond, 100 * time.Millisecond, 100 * time.Millisecond, 100 * time.Millisecond, 100 * time.Millisecond, 100 * time.Millisecond,
}

func (c *claude) load() document { return c.read(claudeStore) }

func (c *claude) change(do func(entries map[string]any)) bool {
	release, ok := c.mkdir(".storage-write.lock", claudeHeartbeat, storePauses...)
	if !ok {
		return false
	}
	defer release()
	doc := document{}
	if _, err := os.Stat(c.path(claudeStore)); err == nil {
		doc = c.read(claudeStore)
	}
	entries, ok := doc["mcpOAuth"].(map[string]any)
	if !ok {
		entries = map[string]any{}
		doc["mcpOAuth"] = entries
	}
	do(entries)
	c.byRename(claudeStore, doc)
	return true
}

func (c *claude) key(name string) string { return credfiles.EntryKey(name, c.s.URL(authtest.Resource)) }

func (c *claude) entry(name string) (map[string]any, bool) {
	entries, _ := c.load()["mcpOAuth"].(map[string]any)
	e, ok := entries[c.key(name)].(map[string]any)
	return e, ok
}

func (c *claude) signIn(name string, g authtest.Grant) {
	c.patiently(func(entries map[string]any) {
		entries[credfiles.EntryKey(name, g.ServerURL)] = map[string]any{
			"serverName": name, "serverUrl": g.ServerURL, "accessToken": g.AccessToken, "clientId": g.ClientID,
			"issuer": g.Issuer, "discoveryState": map[string]any{"authorizationServerUrl": g.Issuer, "oauthMetadataFound": true},
			"refreshToken": g.RefreshToken, "expiresAt": g.Expiry.UnixMilli(), "scope": g.Scope,
		}
	})
}

// patiently changes the store for a person, who would try again.
func (c *claude) patiently(do func(entries map[string]any)) {
	for !c.change(do) {
		time.Sleep(10 * time.Millisecond)
	}
}

func (c *claude) signOut(name string) {
	c.patiently(func(entries map[string]any) { delete(entries, c.key(name)) })
}

func (c *claude) note(name string) {
	c.patiently(func(entries map[string]any) {
		entries[c.key(name)] = map[string]any{
			"serverName": name, "serverUrl": c.s.URL(authtest.Resource), "accessToken": "at-" + name + "-EXAMPLE", "clientId": "client-EXAMPLE",
			"refreshToken": "rt-" + name + "-EXAMPLE", "expiresAt": time.Now().Add(9 * time.Hour).UnixMilli(),
		}
	})
}

func (c *claude) noted(name string) bool {
	_, ok := c.entry(name)
	return ok
}

func (c *claude) stored(name string) (access, refresh string, ok bool) {
	e, ok := c.entry(name)
	return text(e["accessToken"]), text(e["refreshToken"]), ok
}

func (c *claude) near(e map[string]any) bool {
	return !millis(e["expiresAt"]).After(time.Now().Add(5 * time.Minute))
}

// lockName is the name of an entry's lock.
func (c *claude) lockName(name string) string {
	return "mcp-refresh-" + strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, c.key(name)) + ".lock.lock"
}

// visit is a request to a server.
func (c *claude) visit(name string) visit {
	e, ok := c.entry(name)
	switch {
	case !ok:
		return noEntry
	case text(e["accessToken"]) == "" || !c.near(e):
		return nothing
	}
	release, ok := c.mkdir(c.lockName(name), claudeHeartbeat, c.tries()[:4]...)
	if !ok {
		if e, ok = c.entry(name); ok && !c.near(e) {
			return adopted
		}
		if c.takes(text(e["accessToken"])) {
			return impatient
		}
		release, ok = c.mkdir(c.lockName(name), claudeHeartbeat, c.tries()[:4]...)
	}
	did := refreshed
	if ok {
		defer release()
	} else {
		did = unlocked
	}
	if e, ok = c.entry(name); !ok {
		return noEntry
	}
	if !c.near(e) {
		return adopted
	}
	sent := text(e["refreshToken"])
	i := c.refresh(text(e["clientId"]), sent)
	set := func(do func(e map[string]any)) bool {
		return c.change(func(entries map[string]any) {
			if e, ok := entries[c.key(name)].(map[string]any); ok {
				do(e)
			}
		})
	}
	switch {
	case i.failed:
		return trouble
	case i.code == "invalid_grant":
		set(func(e map[string]any) {
			if e["refreshToken"] == sent { // the store has not moved on
				e["accessToken"], e["expiresAt"] = "", 0
				delete(e, "refreshToken")
			}
		})
		return rejected
	case i.code != "":
		return trouble
	}
	if !set(func(e map[string]any) {
		e["accessToken"], e["expiresAt"] = i.access, i.expiry.UnixMilli()
		if i.refresh != "" {
			e["refreshToken"] = i.refresh
		}
	}) {
		return dropped
	}
	return did
}

// edit changes an entry under the client's store lock.
func (c *claude) edit(name string, do func(e map[string]any)) {
	c.patiently(func(entries map[string]any) {
		if e, ok := entries[c.key(name)].(map[string]any); ok {
			do(e)
		}
	})
}

// wipe is what a refusal leaves.
func (c *claude) wipe(name string) {
	c.edit(name, func(e map[string]any) {
		e["accessToken"], e["expiresAt"] = "", 0
		delete(e, "refreshToken")
	})
}

// wipeClient is what invalid_client leaves.
func (c *claude) wipeClient(name string) {
	c.wipe(name)
	c.edit(name, func(e map[string]any) {
		for _, member := range []string{"clientId", "issuer", "scope"} {
			delete(e, member)
		}
	})
}

// put writes tokens into an entry.
func (c *claude) put(name, access, refresh string, expiry time.Time) {
	c.edit(name, func(e map[string]any) {
		e["accessToken"], e["refreshToken"], e["expiresAt"] = access, refresh, expiry.UnixMilli()
	})
}
