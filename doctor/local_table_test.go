package doctor

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// A fault is one way in which a computer, or a credential on it, can be ill.
type fault struct {
	cause  Cause
	server authtest.Options
	make   func(c *computer)
	from   string // the public report that it is made after
	id     string // the credential's that is asked about; empty: the only one
}

var hourly = authtest.GrantOptions{}

// one is a healthy credential of Codex's.
func one(c *computer) { c.Codex("linear", c.s, hourly) }

// after is one with something done to it.
func after(do func(c *computer)) func(c *computer) {
	return func(c *computer) { one(c); do(c) }
}

// answeredWith is one whose token endpoint refuses a refresh in that form.
func answeredWith(a *authtest.Answer) func(c *computer) {
	return after(func(c *computer) {
		c.s.Behave(authtest.Token, authtest.Behaviour{Answer: a})
		c.refresh()
	})
}

// confidential is one whose client has a secret, as its configuration says.
func confidential(c *computer) {
	line := c.Codex("linear", c.s, authtest.GrantOptions{Confidential: true})
	c.put(".codex/config.toml", fmt.Sprintf("[mcp_servers.linear]\nurl = %q\noauth = {client_id = %q, client_secret = %q}\n",
		line.Grant.ServerURL, line.Grant.ClientID, line.Grant.ClientSecret))
}

// setting is a healthy computer but for a variable.
func setting(pairs ...string) func(c *computer) {
	return after(func(c *computer) {
		for i := 0; i < len(pairs); i += 2 {
			c.env[pairs[i]] = pairs[i+1]
		}
	})
}

func remembering(change func(lk *ledger.Locked, m *ledger.Memory, row refresher.Row)) func(c *computer) {
	return after(func(c *computer) { c.remember(change) })
}

var faults = []fault{
	// What a server said when the refresher asked it.
	{cause: "grant-dead", make: after(func(c *computer) { c.s.KillGrant("g1"); c.refresh() })},
	{cause: "policy", make: answeredWith(authtest.Refusal{Dialect: authtest.Entra, Code: "invalid_grant", Extra: map[string]any{
		"error_description": "AADSTS50076: Due to a configuration change made by your administrator you must use multi-factor authentication.", "suberror": "basic_action",
	}}.Answer())},
	{cause: "registration-gone", make: after(func(c *computer) { c.s.ExpireClient(c.s.Grants()[0].ClientID); c.refresh() })},
	{cause: "secret-refused", make: func(c *computer) { confidential(c); c.s.ExpireClient(c.s.Grants()[0].ClientID); c.refresh() }},
	{cause: "secret-missing", from: "openai/codex#43216", server: authtest.Options{Policy: authtest.Policy{ClientAuth: authtest.BasicOnly}}, make: func(c *computer) {
		c.Codex("linear", c.s, authtest.GrantOptions{Confidential: true}) // as Codex stores what it registered (openai/codex#43216)
		c.refresh()
	}},
	{cause: "secret-wanted", server: authtest.Options{Policy: authtest.Policy{ClientAuth: authtest.BasicOnly}}, make: after(func(c *computer) {
		if _, err := c.keeper().Finder.Find(c.t.Context(), c.row("").Grant); err != nil {
			c.t.Fatal(err)
		}
	})},
	{cause: "secret-expired", make: func(c *computer) {
		confidential(c)
		c.s.Behave(authtest.Token, authtest.Behaviour{Answer: entra("invalid_client", "AADSTS7000222: The provided client secret keys for app are expired.")})
		c.refresh()
	}},
	{cause: "unreachable", make: after(func(c *computer) { c.refresh(); c.must(c.s.SetReach(authtest.Refused)); c.refresh() })},
	{cause: "told-to-wait", make: answeredWith(authtest.RetryAfter(429, "600"))},
	{cause: "unclear", make: answeredWith(authtest.Status(502))},
	{cause: "request-refused", make: answeredWith(authtest.Refusal{Code: "invalid_scope"}.Answer())},
	{cause: "no-endpoint", make: answeredWith(authtest.Status(404))},
	{cause: "issuer-changed", make: after(func(c *computer) {
		c.s.Set(func(o *authtest.Options) { o.Discovery.Issuer = "https://another.example" })
		c.refresh()
	})},
	{cause: "discovery", make: after(func(c *computer) {
		c.s.Set(func(o *authtest.Options) { o.ServerMetadata = authtest.NoServerMetadata })
		c.refresh()
	})},
	{cause: "untrusted", make: remembering(func(_ *ledger.Locked, m *ledger.Memory, row refresher.Row) {
		m.For, m.Wait, m.Tried, m.Until, m.Code, m.Detail = m.Refresh, ledger.Unsent, time.Now(), time.Now().Add(time.Hour), exchange.FailureCertificate, exchange.FailureCertificate
	})},
	{cause: "proxy-refuses", make: remembering(func(_ *ledger.Locked, m *ledger.Memory, row refresher.Row) {
		m.For, m.Wait, m.Tried, m.Until, m.Code = m.Refresh, ledger.Unsent, time.Now(), time.Now().Add(time.Hour), exchange.FailureProxy
	})},
	{cause: "client-auth", make: answeredWith(authtest.Refusing(401, map[string]any{}, `WWW-Authenticate: Basic realm="token"`))},
	{cause: "clock", make: after(func(c *computer) {
		c.s.Behave(authtest.Token, authtest.Behaviour{Edit: func(a *authtest.Answer) {
			a.Header.Set("Date", time.Now().Add(10*time.Minute).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))
		}})
		c.refresh()
	})},

	// What stands in the stores.
	{cause: "forked", make: func(c *computer) {
		g := c.s.Grant(hourly)
		c.CodexIn(c.Path(".codex"), "codex/mcp/linear", "linear", c.s, g)
		c.ClaudeIn(c.Path(".claude"), "claude/mcp/linear", "linear", c.s, g)
	}},
	{cause: "unbound", from: "openai/codex#17265, 0.149 and later", make: after(func(c *computer) { c.edit(codexFile, `"issuer"`, `"former"`) })},
	{cause: "version-skew", from: "openai/codex#41560", make: after(func(c *computer) { c.installed("0.148.0"); c.installed("0.169.0") })},
	{cause: "erased", make: func(c *computer) {
		line := c.Claude("linear", c.s, hourly)
		c.remember(func(*ledger.Locked, *ledger.Memory, refresher.Row) {})
		c.edit(claudeFile, line.Grant.AccessToken, "")
		c.edit(claudeFile, fmt.Sprintf(`"refreshToken":%q,`, line.Grant.RefreshToken), "")
		c.edit(claudeFile, fmt.Sprintf(`"expiresAt":%d`, line.Grant.Expiry.UnixMilli()), `"expiresAt":0`)
	}},
	{cause: "wiped", make: func(c *computer) { // Gemini CLI erases after any error, and with its last entry the file
		c.gemini(c.s.Grant(authtest.GrantOptions{AccessLeft: time.Minute}), "")
		c.remember(func(*ledger.Locked, *ledger.Memory, refresher.Row) {})
		c.must(os.Remove(c.Path(geminiFile)))
	}},
	{cause: "spent", make: remembering(func(lk *ledger.Locked, m *ledger.Memory, _ refresher.Row) { _ = lk.MarkSpent(m.Refresh, m.Lineage) })},
	{cause: "fights", make: remembering(func(lk *ledger.Locked, m *ledger.Memory, row refresher.Row) {
		_ = lk.MarkSpent(m.Refresh, m.Lineage)
		next := row.Token
		next.Refresh = credfiles.NewSecret("successor-EXAMPLE")
		_ = lk.SaveKept(ledger.Kept{Good: ledger.Keep(next, m.Lineage)})
		m.Reverts = []time.Time{time.Now().Add(-20 * time.Minute), time.Now().Add(-10 * time.Minute)}
	})},
	{cause: "ended", make: func(c *computer) {
		c.Claude("linear", c.s, authtest.GrantOptions{NoRefreshToken: true, AccessLeft: -time.Hour})
	}},
	{cause: "will-end", make: func(c *computer) { c.Claude("linear", c.s, authtest.GrantOptions{NoRefreshToken: true}) }},
	{cause: "sign-in-ends", make: remembering(func(_ *ledger.Locked, m *ledger.Memory, _ refresher.Row) {
		m.RefreshExpiry = time.Now().Add(30 * time.Hour)
	})},
	{cause: "login-ended", make: func(c *computer) {
		c.put(claudeFile, fmt.Sprintf(`{"claudeAiOauth":{"accessToken":"login-EXAMPLE","refreshToken":"renews-EXAMPLE","expiresAt":%d,"refreshTokenExpiresAt":%d,"scopes":["user:inference"]}}`,
			time.Now().Add(-time.Hour).UnixMilli(), time.Now().Add(-time.Hour).UnixMilli()))
	}},
	{cause: "skipped", from: "anthropics/claude-code#48670", make: func(c *computer) {
		c.Claude("linear", c.s, hourly)
		c.put(".claude/mcp-needs-auth-cache.json", fmt.Sprintf(`{"linear":{"timestamp":%d}}`, time.Now().UnixMilli()))
	}},
	{cause: "store-torn", make: after(func(c *computer) { c.must(os.Truncate(c.Path(codexFile), 40)) })},
	{cause: "store-not-regular", make: func(c *computer) { c.must(os.MkdirAll(c.Path(codexFile), 0o755)) }},
	{cause: "store-odd-shape", make: after(func(c *computer) { c.edit(codexFile, `"scopes":[`, `"scopes":5,"former":[`) })},
	{cause: "store-open", make: after(func(c *computer) {
		for dir := c.Home; dir != filepath.Clean(os.TempDir()); dir = filepath.Dir(dir) {
			c.must(os.Chmod(dir, 0o755))
		}
		c.must(os.Chmod(c.Path(codexFile), 0o644))
	})},
	{cause: "link-refused", make: after(func(c *computer) { linked(c, codexFile) })},
	{cause: "link-replaced", from: "anthropics/claude-code#76561", make: func(c *computer) { c.Claude("linear", c.s, hourly); linked(c, claudeFile) }},
	{cause: "clock-back", make: after(func(c *computer) {
		later := time.Now().Add(time.Hour)
		c.must(os.Chtimes(c.Path(codexFile), later, later))
	})},
	{cause: "store-folder", make: after(func(c *computer) {
		if os.Getuid() == 0 {
			c.t.Skip("root may write everywhere")
		}
		c.must(os.Chmod(c.Path(".codex"), 0o555))
		c.t.Cleanup(func() { os.Chmod(c.Path(".codex"), 0o755) })
	})},
	{cause: "unready", make: remembering(func(_ *ledger.Locked, m *ledger.Memory, row refresher.Row) {
		m.For, m.Wait, m.Tried, m.Until, m.Detail = m.Refresh, ledger.Unready, time.Now(), time.Now().Add(time.Hour), row.Path+": read-only"
	})},
	{cause: "unsaved", make: after(func(c *computer) { pending(c) })},
	{cause: "journal-left", make: after(func(c *computer) { pending(c); c.must(os.WriteFile(c.Path(codexFile), []byte("{}"), 0o600)) })},

	// The user's own.
	{cause: "no-secret", make: owning(credfiles.Own{Grant: credfiles.ByClientCredentials})},
	{cause: "not-signed-in", make: owning(credfiles.Own{Grant: credfiles.ByBrowser})},
	{cause: "secret-ends", make: func(c *computer) {
		c.put("secret", "app-secret-EXAMPLE")
		owning(credfiles.Own{Grant: credfiles.ByClientCredentials, SecretFile: c.Path("secret"), SecretExpires: time.Now().Add(72 * time.Hour)})(c)
	}},
	{cause: "secret-unread", make: func(c *computer) {
		owning(credfiles.Own{Grant: credfiles.ByClientCredentials, SecretFile: c.Path("nowhere")})(c)
		c.refresh()
	}},
	{cause: "secret-refused", make: func(c *computer) {
		c.put("secret", "app-secret-EXAMPLE")
		owning(credfiles.Own{Grant: credfiles.ByClientCredentials, SecretFile: c.Path("secret")})(c)
		c.refresh()
	}},

	{cause: "key-gone", make: func(c *computer) { handedOver(c, credfiles.Own{}); clear(c.ring.kept) }},
	{cause: "keyring-shut", make: func(c *computer) { handedOver(c, credfiles.Own{}); c.ring.locked = true }},
	{cause: "cannot-ask", make: func(c *computer) { handedOver(c, credfiles.Own{AuthMethod: exchange.Basic}); c.refresh() }},

	// What else is there.
	{cause: "lock-left", from: "anthropics/claude-code#95236", make: func(c *computer) {
		c.Claude("linear", c.s, hourly)
		old := time.Now().Add(-14 * time.Minute)
		c.must(os.Mkdir(c.Path(".claude/.oauth_refresh.lock"), 0o755)) // as in anthropics/claude-code#95236
		c.must(os.Chtimes(c.Path(".claude/.oauth_refresh.lock"), old, old))
	}},
	{cause: "deferred", make: func(c *computer) {
		c.Codex("linear", c.s, authtest.GrantOptions{AccessLeft: time.Minute})
		c.installed("0.140.0")
		c.env["PATH"] = ""
		c.starts(4711, "codex", c.Path("opt/0.140.0/codex"), "codex")
	}},
	{cause: "client-first", make: func(c *computer) {
		c.Codex("linear", c.s, authtest.GrantOptions{AccessLeft: time.Minute})
		c.remember(func(_ *ledger.Locked, m *ledger.Memory, _ refresher.Row) { m.Slowest = 10 * time.Minute })
		c.installed("0.169.0")
		c.starts(4711, "codex", c.Path("opt/0.169.0/codex"), "codex")
	}},
	{cause: "reconnect", make: after(func(c *computer) {
		c.installed("0.169.0")
		c.starts(4711, "codex", c.Path("opt/0.169.0/codex"), "codex")
		c.remember(func(_ *ledger.Locked, m *ledger.Memory, _ refresher.Row) { m.Repaired = time.Now() })
	})},
	{cause: "store-locked", from: "openai/codex#16728", make: func(c *computer) { inRing(c, &ringOf{locked: true}) }},
	{cause: "keyring-volatile", from: "openai/codex#34943", make: func(c *computer) { inRing(c, &ringOf{volatile: true}) }},
	{cause: "store-full", make: func(c *computer) { inRing(c, &ringOf{limit: 300}) }},
	{cause: "store-stale-copy", make: func(c *computer) { one(c); inRing(c, &ringOf{}) }},
	{cause: "keepers", make: after(func(c *computer) {
		c.starts(11, "lamplighter", "/opt/lamplighter/lamplighter", "lamplighter", "keep")
		c.starts(12, "lamplighter", "/opt/lamplighter/lamplighter", "lamplighter")
		c.starts(13, "lamplighter", "/opt/lamplighter/lamplighter", "lamplighter", "status")
	})},
	{cause: "keeper-replaced", make: after(func(c *computer) {
		c.starts(11, "lamplighter", "/opt/lamplighter/lamplighter (deleted)", "lamplighter", "keep")
	})},
	{cause: "autostart-gone", make: after(func(c *computer) { c.gone = "/opt/1.0/lamplighter" })},
	{cause: "service-gone", make: after(func(c *computer) { c.service = Service{File: c.Path("unit"), Gone: "/opt/1.0/lamplighter"} })},
	{cause: "service-idle", make: after(func(c *computer) {
		c.service = Service{File: c.Path("unit"), Idle: "failed (Result: exit-code)", Look: "systemctl --user status lamplighter"}
	})},
	{cause: "settings", make: after(func(c *computer) { c.broken = errors.New("config.toml:3: mode: there is no such mode") })},
	{cause: "state-newer", make: after(func(c *computer) {
		c.row("")
		c.must(os.WriteFile(filepath.Join(c.State, "format"), []byte("2\n"), 0o600))
	})},
	{cause: "state-unusable", make: after(func(c *computer) {
		c.row("")
		c.must(os.WriteFile(filepath.Join(c.State, "format"), []byte("?\n"), 0o600))
	})},
	{cause: "ledger-unread", make: after(func(c *computer) { // as after a run by the superuser
		if os.Getuid() == 0 {
			c.t.Skip("root may read everything")
		}
		c.remember(func(*ledger.Locked, *ledger.Memory, refresher.Row) {})
		names, err := filepath.Glob(filepath.Join(c.State, "memory", "*"))
		c.must(err)
		for _, name := range names {
			c.must(os.Chmod(name, 0))
		}
	})},
	{cause: "state-unwritable", make: after(func(c *computer) { c.late = func() { c.must(os.RemoveAll(c.State)) } })},

	// The surroundings.
	{cause: "proxy-malformed", make: setting("HTTPS_PROXY", "htp://proxy.example:3128")},
	{cause: "proxy-double", make: setting("HTTPS_PROXY", "http://a.example:3128", "https_proxy", "http://user:secret@b.example:3128")},
	{cause: "proxy-plain", make: setting("HTTP_PROXY", "http://a.example:3128")},
	{cause: "no-proxy", make: setting("HTTPS_PROXY", "http://a.example:3128", "NO_PROXY", "localhost,https://corp.example/,10.0.0.0/8,*.corp.example")},
	{cause: "certificates-unread", make: setting("SSL_CERT_FILE", "/nowhere/ca.pem")},
	{cause: "extra-authority", make: after(func(c *computer) {
		c.put("corp.pem", authority)
		c.env["NODE_EXTRA_CA_CERTS"] = c.Path("corp.pem")
	})},
	{cause: "no-roots", make: after(func(c *computer) { c.roots = func() (*x509.CertPool, error) { return x509.NewCertPool(), nil } })},
}

// owning is a computer with a credential of the user's own.
func owning(o credfiles.Own) func(c *computer) {
	return func(c *computer) {
		o.Name, o.TokenURL, o.ClientID = "graph", c.s.URL(authtest.Token), "app"
		c.own = []credfiles.Own{o}
	}
}

// handedOver is a computer with a refresh token of the user's own, which is
// sealed with a key in the keyring.
func handedOver(c *computer, o credfiles.Own) {
	c.ring = &ringOf{kept: map[string][]byte{}}
	o.Grant = credfiles.ByRefreshToken
	owning(o)(c)
	r := c.keeper()
	out := r.Entrust(c.t.Context(), pickRow(c.t, r.Scan(c.t.Context()), ""), credfiles.Secret{}, credfiles.NewSecret("handed-over-EXAMPLE"))
	c.must(out.Err)
}

func entra(code, description string) *authtest.Answer {
	return authtest.Refusal{Dialect: authtest.Entra, Code: code, Extra: map[string]any{"error_description": description, "error_codes": []int{}}}.Answer()
}

// linked puts a link into the place of a file.
func linked(c *computer, name string) {
	elsewhere := filepath.Join(c.Home, "dotfiles")
	c.must(os.Rename(c.Path(name), elsewhere))
	c.must(os.Symlink(elsewhere, c.Path(name)))
}

// inRing puts a grant into the keyring as Codex does.
func inRing(c *computer, r *ringOf) {
	g := c.s.Grant(hourly)
	c.must(os.MkdirAll(c.Path(".codex"), 0o755))
	r.service = "Codex MCP Credentials"
	r.items = map[string]string{credfiles.EntryKey("linear", g.ServerURL): fmt.Sprintf(
		`{"server_name":"linear","url":%q,"issuer":%q,"client_id":%q,"token_response":{"access_token":%q,"token_type":"bearer","expires_in":3600,"refresh_token":%q,"scope":%q},"expires_at":%d}`,
		g.ServerURL, g.Issuer, g.ClientID, g.AccessToken, g.RefreshToken, g.Scope, g.Expiry.UnixMilli())}
	c.ring = r
}

// pending leaves an answer in the journal that its store did not take.
func pending(c *computer) {
	r := c.keeper()
	row := pickRow(c.t, r.Scan(c.t.Context()), "")
	r.Observe(row)
	lk, err := r.Ledger.Lock(c.t.Context(), row.Key)
	c.must(err)
	defer lk.Unlock()
	rec, err := lk.Begin(ledger.SentOf(row.Credential, exchange.Post{TokenURL: c.s.URL(authtest.Token)}, 0, false))
	c.must(err)
	c.must(rec.Answered(exchange.Answer{Status: 200, Body: []byte(`{"access_token":"next-EXAMPLE","refresh_token":"next-refresh-EXAMPLE"}`), Written: true, SentAt: time.Now(), At: time.Now()}))
	rec.Close()
	m, err := lk.Memory(row.Key)
	c.must(err)
	m.For, m.Wait, m.Tried, m.Until, m.Detail = m.Refresh, ledger.Unsaved, time.Now(), time.Now().Add(time.Hour), row.Path+": read-only"
	c.must(lk.Save(m))
}

// Another home's keepers, and those of which nobody tells whose they are, are
// none of ours.
func TestAnotherHomesKeepersAreNotCounted(t *testing.T) {
	c := newComputer(t, authtest.Options{})
	one(c)
	for pid := range 4 {
		c.starts(11+pid, "lamplighter", "/opt/lamplighter/lamplighter (deleted)", "lamplighter", "keep")
		switch {
		case pid < 2:
			c.running[pid].Env = func(string) (string, bool) { return "/elsewhere", true }
		default:
			c.running[pid].Env = func(string) (string, bool) { return "", false }
		}
	}
	if r := c.examine(); len(r.Findings) != 0 {
		t.Error(r.Text(80, nil))
	}
}

func TestAHealthyComputerHasNoFinding(t *testing.T) {
	c := newComputer(t, authtest.Options{})
	c.Codex("linear", c.s, hourly)
	c.Codex("sentry", c.s, hourly)
	c.Claude("notion", c.s, hourly)
	c.installed("0.169.0")
	c.starts(4711, "codex", c.Path("opt/0.169.0/codex"), "codex")
	c.starts(11, "lamplighter", "/opt/lamplighter/lamplighter", "lamplighter", "keep")
	before := c.s.Log()
	r := c.examine()
	if len(r.Findings) != 0 || r.Exit() != 0 {
		t.Errorf("exit %d, found:\n%s", r.Exit(), r.Text(80, nil))
	}
	if n := len(c.s.Log()) - len(before); n != 0 {
		t.Errorf("%d requests were made", n)
	}
	t.Log("\n" + r.Text(80, nil))
}

func TestWithoutTheStateFolderNothingIsSaidOfCredentials(t *testing.T) {
	c := newComputer(t, authtest.Options{})
	one(c)
	c.row("")
	c.must(os.WriteFile(filepath.Join(c.State, "format"), []byte("?\n"), 0o600))
	if text := c.examine().Text(80, nil); strings.Contains(text, "none was found") || strings.Contains(text, "agrees") || !strings.Contains(text, "not looked at") {
		t.Error(text)
	}
}
