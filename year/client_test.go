package year

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"lamplighter/credfiles/clientlock"
	"lamplighter/refresher/authtest"
)

// A clientHome is a folder of a client's with its store, and the sessions that
// run on it. How they refresh, lock and wipe is what the clients were observed
// to do.
type clientHome struct {
	w        *world
	client   string // "codex" or "claude"
	version  string
	profile  string
	dir      string
	variable string // that names dir to a program; empty for the default home
	creds    []*cred
	seat     chan struct{} // taken by whoever must not meet another: a bubble cannot wait for a mutex

	mu sync.Mutex // for an edit, which is a moment
}

// oldCodex takes no locks and never looks at its store again.
const oldCodex = "0.140.0"

func (h *clientHome) old() bool { return h.version == oldCodex }

func (h *clientHome) store() string { return filepath.Join(h.dir, ".credentials.json") }

func (h *clientHome) text() []byte {
	text, _ := os.ReadFile(h.store())
	return text
}

// entries are those of the store, by key.
func (h *clientHome) entries(doc map[string]any) map[string]any {
	if h.client == "codex" {
		return doc
	}
	all, _ := doc["mcpOAuth"].(map[string]any)
	if all == nil {
		all = map[string]any{}
		doc["mcpOAuth"] = all
	}
	return all
}

func (h *clientHome) read() map[string]any {
	doc := map[string]any{}
	if text := h.text(); len(text) > 0 {
		h.w.must(json.Unmarshal(text, &doc))
	}
	return doc
}

// lock takes one of the client's own locks.
func (h *clientHome) lock(ctx context.Context, name string) (*clientlock.Lock, error) {
	if h.client == "codex" {
		return clientlock.File(ctx, filepath.Join(h.dir, "mcp-oauth-locks", name), clientlock.FileOptions{Mode: 0o644, FolderMode: 0o755, Retry: 50 * time.Millisecond})
	}
	stale := minute
	if name == ".storage-write.lock" {
		stale = 15 * time.Second
	}
	return clientlock.Dir(ctx, filepath.Join(h.dir, name), clientlock.DirOptions{Stale: stale, Heartbeat: 5 * time.Second, Retry: 100 * time.Millisecond})
}

func (h *clientHome) storeLock() string {
	if h.client == "codex" {
		return "file-store.lock"
	}
	return ".storage-write.lock"
}

func (h *clientHome) grantLock(c *cred) string {
	if h.client == "codex" {
		sum := sha256.Sum256([]byte(c.key()))
		return hex.EncodeToString(sum[:]) + ".lock"
	}
	return "mcp-refresh-" + strings.Map(func(r rune) rune {
		if strings.ContainsRune("|:/.-", r) {
			return '_'
		}
		return r
	}, c.key()) + ".lock.lock"
}

// edit changes the store under the client's store lock. The new text takes the
// old one's place at once, which Codex does not do: a reader that waits for the
// rest would hold a mutex over it, and a bubble cannot wait for one.
func (h *clientHome) edit(change func(all map[string]any)) {
	ctx, cancel := context.WithTimeout(context.Background(), minute)
	defer cancel()
	if !h.old() {
		lock, err := h.lock(ctx, h.storeLock())
		h.w.must(err)
		defer lock.Release()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	doc := h.read()
	change(h.entries(doc))
	text, err := json.Marshal(doc)
	h.w.must(err)
	h.w.must(os.WriteFile(h.store()+".tmp", text, 0o600))
	h.w.must(os.Rename(h.store()+".tmp", h.store()))
}

// entry is a grant as the client writes it.
func (h *clientHome) entry(c *cred, g authtest.Grant) map[string]any {
	if h.client == "codex" {
		e := map[string]any{
			"server_name": c.name, "server_url": g.ServerURL, "issuer": g.Issuer, "client_id": g.ClientID,
			"access_token": g.AccessToken, "refresh_token": g.RefreshToken, "expires_at": g.Expiry.UnixMilli(),
			"scopes": strings.Fields(g.Scope),
		}
		if c.noEnd {
			e["expires_at"] = nil
		}
		return e
	}
	e := map[string]any{
		"serverName": c.name, "serverUrl": g.ServerURL, "clientId": g.ClientID, "issuer": g.Issuer,
		"accessToken": g.AccessToken, "refreshToken": g.RefreshToken, "expiresAt": g.Expiry.UnixMilli(),
		"discoveryState": map[string]any{"authorizationServerUrl": g.Issuer, "oauthMetadataFound": true},
	}
	if c.noEnd {
		delete(e, "expiresAt")
	}
	return e
}

// A token is what a session holds of an entry.
type token struct {
	access, refresh string
	client          string // the client ID that they were given to
	expiry          time.Time
	ok              bool // the entry is there and is no wipe
	login           int  // which of its sign-ins
}

func (h *clientHome) token(c *cred) (t token) {
	e, _ := h.entries(h.read())[c.key()].(map[string]any)
	text := func(name string) string { s, _ := e[name].(string); return s }
	at, known := 0.0, false
	if h.client == "codex" {
		t.access, t.refresh, t.client = text("access_token"), text("refresh_token"), text("client_id")
		at, known = e["expires_at"].(float64)
	} else {
		t.access, t.refresh, t.client = text("accessToken"), text("refreshToken"), text("clientId")
		at, known = e["expiresAt"].(float64)
	}
	t.expiry = time.Now().Add(100 * day)
	if known {
		t.expiry = time.UnixMilli(int64(at))
	}
	t.ok = t.access != "" && t.refresh != ""
	return t
}

func (h *clientHome) access(c *cred) string { return h.token(c).access }

// look is what a session reads.
func (h *clientHome) look(c *cred) token {
	t := h.token(c)
	h.w.mu.Lock()
	t.login = c.logins
	h.w.mu.Unlock()
	return t
}

// alone takes the seat that sessions take for a use, if it is free.
func (h *clientHome) alone() (free func(), ok bool) {
	select {
	case h.seat <- struct{}{}:
		return func() { <-h.seat }, true
	default:
		return nil, false
	}
}

// sessions start and end while the computer is awake, and use the store's
// credentials now and then.
func (h *clientHome) sessions(r *rand.Rand) {
	rare := time.Duration(1)
	if h.old() {
		rare = 10
	}
	for h.w.waitAwake(between(r, minute, rare*8*hour)) {
		p := h.w.runs(h)
		memory := map[*cred]token{}
		if h.old() {
			for _, c := range h.creds {
				memory[c] = h.look(c)
			}
			h.mark(held, true)
		}
		for end := time.Now().Add(between(r, minute, 4*hour)); time.Now().Before(end); {
			c := h.creds[r.IntN(len(h.creds))]
			if free, ok := h.alone(); ok {
				memory[c] = h.use(c, memory[c])
				free()
			}
			if !h.w.waitAwake(between(r, minute, 30*minute)) {
				break
			}
		}
		if h.old() {
			h.mark(held, false)
		}
		h.w.quits(p)
	}
}

// mark writes down that an old client holds all of the home.
func (h *clientHome) mark(why cause, begins bool) {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	for _, c := range h.creds {
		if begins {
			c.holding.begin(why)
		} else {
			c.holding.end()
		}
	}
}

// threshold is how much must be left for the client not to refresh itself.
func (h *clientHome) threshold() time.Duration {
	if h.client == "codex" {
		return 30 * time.Second
	}
	return 5 * minute
}

// use is one request to an MCP server: Claude Code looks into its store at
// each, Codex when its own copy is near its end.
func (h *clientHome) use(c *cred, mine token) token {
	h.w.mu.Lock()
	again := mine.login != c.logins // who signs in starts his client again
	h.w.mu.Unlock()
	if h.client == "claude" || mine.access == "" || again {
		mine = h.look(c)
	}
	if !mine.ok {
		return token{} // not signed in
	}
	if time.Until(mine.expiry) > h.threshold() {
		c.count(&c.served)
		return mine
	}
	if h.old() {
		return h.refresh(c, mine)
	}
	patience := minute
	if h.client == "claude" {
		patience = 7 * time.Second // then it uses the old token, and tries again
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	lock, err := h.lock(ctx, h.grantLock(c))
	if err != nil {
		return token{}
	}
	defer lock.Release()
	mine = h.look(c)
	switch {
	case !mine.ok:
		return token{}
	case time.Until(mine.expiry) > h.threshold():
		c.count(&c.served)
		return mine
	}
	return h.refresh(c, mine)
}

// refresh is the client's own.
func (h *clientHome) refresh(c *cred, mine token) token {
	c.count(&c.tight)
	h.w.mu.Lock()
	g := c.grant
	h.w.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 45*time.Second)
	defer cancel()
	form := url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {mine.refresh}, "client_id": {mine.client}, "resource": {g.Resource},
		"own": {"1"}, // tells the two kinds of POST apart in the server's log
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.TokenURL, strings.NewReader(form.Encode()))
	h.w.must(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := h.w.via.RoundTrip(req)
	if err != nil {
		return token{}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Error   string `json:"error"`
		Code    string `json:"error_code"`
		In      int    `json:"expires_in"`
	}
	if err = errors.Join(err, json.Unmarshal(body, &answer)); err != nil && answer.Access == "" {
		return token{}
	}
	got := token{
		access: answer.Access, refresh: answer.Refresh, client: mine.client,
		expiry: time.Now().Add(time.Duration(answer.In) * time.Second), ok: true, login: mine.login,
	}
	if got.refresh == "" {
		got.refresh = mine.refresh
	}
	switch {
	case res.StatusCode == http.StatusOK && answer.Access != "":
		h.edit(func(all map[string]any) {
			if e, ok := all[c.key()].(map[string]any); ok {
				h.set(e, got)
			}
		})
		c.takesOver()
	case answer.Error == "invalid_grant" || strings.HasPrefix(answer.Code, "refresh_token"):
		c.died()
		h.edit(func(all map[string]any) {
			e, ok := all[c.key()].(map[string]any)
			if ok && (e["refresh_token"] == mine.refresh || e["refreshToken"] == mine.refresh) {
				h.wipe(e)
			}
		})
		c.account()
		got = token{}
	default:
		return token{}
	}
	c.hears("its client refreshed")
	h.w.changed()
	return got
}

// set writes tokens with the client that they were given to, over whatever was
// stored meanwhile.
func (h *clientHome) set(e map[string]any, t token) {
	if h.client == "codex" {
		e["client_id"], e["access_token"], e["refresh_token"], e["expires_at"] = t.client, t.access, t.refresh, t.expiry.UnixMilli()
	} else {
		e["clientId"], e["accessToken"], e["refreshToken"], e["expiresAt"] = t.client, t.access, t.refresh, t.expiry.UnixMilli()
	}
}

// wipe is what a refusal leaves.
func (h *clientHome) wipe(e map[string]any) {
	switch {
	case h.old(): // leaves all as it is
	case h.client == "codex":
		e["refresh_token"] = nil
	default:
		e["accessToken"], e["expiresAt"] = "", 0
		delete(e, "refreshToken")
	}
}
