package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"lamplighter/credfiles"
	"lamplighter/credfiles/clientlock"
	"lamplighter/refresher/authtest"
)

// A scene is what a script's own commands share.
type scene struct {
	home    string
	work    string
	servers map[string]*authtest.Server
	grants  map[string]grantOf
	saved   map[string][]byte
	locks   map[string]func()
	started map[string]*exec.Cmd
	typed   map[string]io.WriteCloser // what is typed into them
}

type grantOf struct {
	server *authtest.Server
	grant  authtest.Grant
}

type sceneKey struct{}

func setupScript(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, "home")
	for _, dir := range []string{".codex", ".claude"} {
		if err := os.MkdirAll(filepath.Join(home, dir), 0o755); err != nil {
			return err
		}
	}
	env.Setenv("HOME", home)
	env.Setenv("TZ", "UTC")
	env.Setenv("BROWSER", "browser")
	if sleep, err := exec.LookPath("sleep"); err == nil {
		env.Setenv("SLEEP", sleep)
	}
	for _, name := range []string{"CODEX_HOME", "CLAUDE_CONFIG_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME"} {
		env.Setenv(name, "")
	}
	sc := &scene{
		home: home, work: env.WorkDir, servers: map[string]*authtest.Server{},
		grants: map[string]grantOf{}, saved: map[string][]byte{}, locks: map[string]func(){},
		started: map[string]*exec.Cmd{}, typed: map[string]io.WriteCloser{},
	}
	env.Values[sceneKey{}] = sc
	env.Defer(func() {
		for _, cmd := range sc.started {
			cmd.Process.Kill()
			cmd.Wait()
		}
		for _, unlock := range sc.locks {
			unlock()
		}
		for _, leak := range sc.leaks() {
			env.T().Log("a secret stands in " + leak)
			env.T().FailNow()
		}
		for name, s := range sc.servers {
			s.Close()
			for _, broken := range s.Check() {
				env.T().Log("server " + name + ": " + broken)
				env.T().FailNow()
			}
		}
	})
	return nil
}

func of(ts *testscript.TestScript) *scene { return ts.Value(sceneKey{}).(*scene) }

// server NAME [strict|previous|30s ...] starts an authorization server.
func scriptServer(ts *testscript.TestScript, neg bool, args []string) {
	sc := of(ts)
	s, err := authtest.Start(authtest.Options{})
	ts.Check(err)
	sc.servers[args[0]] = s
	ts.Setenv("SERVER_"+args[0], s.URL(authtest.Resource))
	for _, option := range args[1:] {
		s.Set(func(o *authtest.Options) {
			if life, err := time.ParseDuration(option); err == nil {
				o.AccessLifetime = life
			} else if option == "previous" {
				o.Reuse = authtest.PreviousUntilUsed
			} else {
				ts.Fatalf("server: no option %s", option)
			}
		})
	}
}

// grant CLIENT NAME SERVER LEFT [OPTION...] signs in at a server and puts the
// entry into a client's store. Options: dead (revoked), wiped (erased by its
// client), norefresh, noend (without an expiry), odd (of another shape), secret
// (the client has one), unused (the client's config has another URL), home=DIR,
// as=CLIENT/NAME (the same registration), by-hand (comes back to a web page).
func scriptGrant(ts *testscript.TestScript, neg bool, args []string) {
	sc := of(ts)
	client, name, s := args[0], args[1], sc.servers[args[2]]
	left, err := time.ParseDuration(args[3])
	ts.Check(err)
	o := authtest.GrantOptions{AccessLeft: left}
	has := map[string]bool{}
	home := filepath.Join(sc.home, "."+client)
	for _, option := range args[4:] {
		if dir, ok := strings.CutPrefix(option, "home="); ok {
			home = ts.MkAbs(dir)
		}
		if other, ok := strings.CutPrefix(option, "as="); ok {
			o.ClientID = sc.grants[other].grant.ClientID
		}
		has[option] = true
	}
	o.NoRefreshToken, o.Confidential = has["norefresh"], has["secret"]
	g := s.Grant(o)
	sc.grants[client+"/"+name] = grantOf{s, g}
	if has["dead"] {
		s.KillGrant(g.ID)
	}
	ts.Check(os.MkdirAll(home, 0o755))
	if client == "gemini" {
		sc.gemini(ts, home, name, g)
		return
	}
	file := filepath.Join(home, ".credentials.json")
	doc := map[string]any{}
	if text, err := os.ReadFile(file); err == nil {
		ts.Check(json.Unmarshal(text, &doc))
	}
	key := credfiles.EntryKey(name, g.ServerURL)
	switch client {
	case "codex":
		e := map[string]any{
			"server_name": name, "server_url": g.ServerURL, "issuer": g.Issuer, "client_id": g.ClientID,
			"access_token": g.AccessToken, "expires_at": g.Expiry.UnixMilli(), "refresh_token": g.RefreshToken,
			"scopes": strings.Fields(g.Scope),
		}
		if has["noend"] {
			e["expires_at"] = nil
		}
		if has["odd"] {
			e["scopes"] = 5
		}
		if has["unused"] {
			sc.configure(ts, home, fmt.Sprintf("[mcp_servers.%q]\nurl = 'https://elsewhere.example/mcp'\n", name))
		}
		if g.ClientSecret != "" {
			sc.configure(ts, home, fmt.Sprintf("[mcp_servers.%q]\nurl = %q\noauth = {client_id = %q, client_secret = %q}\n", name, g.ServerURL, g.ClientID, g.ClientSecret))
		}
		if g.RefreshToken == "" {
			e["refresh_token"] = nil
		}
		doc[key] = e
	case "claude":
		e := map[string]any{
			"serverName": name, "serverUrl": g.ServerURL, "clientId": g.ClientID, "issuer": g.Issuer,
			"accessToken": g.AccessToken, "expiresAt": g.Expiry.UnixMilli(), "refreshToken": g.RefreshToken, "scope": g.Scope,
		}
		if g.ClientSecret != "" {
			e["clientSecret"] = g.ClientSecret
		}
		if has["by-hand"] {
			e["redirectUri"] = "https://app.example/callback"
		}
		if has["wiped"] {
			e["accessToken"], e["expiresAt"] = "", 0
			delete(e, "refreshToken")
		}
		all, _ := doc["mcpOAuth"].(map[string]any)
		if all == nil {
			all = map[string]any{}
		}
		all[key] = e
		doc["mcpOAuth"] = all
	}
	text, err := json.Marshal(doc)
	ts.Check(err)
	ts.Check(os.WriteFile(file, text, 0o600))
}

// gemini makes a grant the only one of Gemini CLI's.
func (sc *scene) gemini(ts *testscript.TestScript, home, name string, g authtest.Grant) {
	put := func(file string, doc any) {
		text, err := json.MarshalIndent(doc, "", "  ")
		ts.Check(err)
		ts.Check(os.WriteFile(filepath.Join(home, file), text, 0o600))
	}
	put("settings.json", map[string]any{"mcpServers": map[string]any{name: map[string]any{"httpUrl": g.ServerURL}}})
	put("mcp-oauth-tokens.json", []any{map[string]any{
		"serverName": name,
		"token": map[string]any{
			"accessToken": g.AccessToken, "tokenType": "Bearer", "refreshToken": g.RefreshToken, "scope": g.Scope, "expiresAt": g.Expiry.UnixMilli(),
		},
		"clientId": g.ClientID, "tokenUrl": g.TokenURL, "mcpServerUrl": g.ServerURL, "updatedAt": time.Now().UnixMilli(),
	}})
}

// configure adds to Codex's own config.
func (sc *scene) configure(ts *testscript.TestScript, home, text string) {
	f, err := os.OpenFile(filepath.Join(home, "config.toml"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	_, err = f.WriteString(text)
	ts.Check(err)
	ts.Check(f.Close())
}

// behave SERVER STATUS|ok|drop|refuse|slow|stuck|busy sets how the token endpoint
// answers: stuck not at all, busy once that it wants two seconds.
func scriptBehave(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts).servers[args[0]]
	switch args[1] {
	case "ok":
		s.Behave(authtest.Token, authtest.Behaviour{})
		ts.Check(s.SetReach(authtest.Reachable))
	case "drop":
		s.Behave(authtest.Token, authtest.Behaviour{Fault: authtest.DropBefore})
	case "refuse":
		ts.Check(s.SetReach(authtest.Refused))
	case "slow":
		s.Behave(authtest.Token, authtest.Behaviour{Delay: 2 * time.Second})
	case "slower":
		s.Behave(authtest.Token, authtest.Behaviour{Delay: 6 * time.Second})
	case "stuck":
		s.Behave(authtest.Token, authtest.Behaviour{Delay: authtest.Forever})
	case "busy":
		s.Next(authtest.Token, authtest.Behaviour{Answer: authtest.RetryAfter(429, "2")})
	default:
		code, err := strconv.Atoi(args[1])
		ts.Check(err)
		s.Behave(authtest.Token, authtest.Behaviour{Answer: authtest.Status(code)})
	}
}

// lock and unlock NAME take a client's own lock, as the client would.
func scriptLock(ts *testscript.TestScript, neg bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	lock, err := clientlock.File(ctx, ts.MkAbs(args[0]), clientlock.FileOptions{Mode: 0o644, FolderMode: 0o755, Retry: time.Millisecond})
	ts.Check(err)
	of(ts).locks[args[0]] = func() { lock.Release() }
}

// hold CLIENT/NAME takes the lock under which its client refreshes it; unlock
// CLIENT/NAME frees it.
func scriptHold(ts *testscript.TestScript, neg bool, args []string) {
	sc := of(ts)
	_, name, _ := strings.Cut(args[0], "/")
	sum := sha256.Sum256([]byte(credfiles.EntryKey(name, sc.grants[args[0]].grant.ServerURL)))
	file := "home/.codex/mcp-oauth-locks/" + hex.EncodeToString(sum[:]) + ".lock"
	scriptLock(ts, neg, []string{file})
	sc.locks[args[0]] = sc.locks[file]
	delete(sc.locks, file)
}

func scriptUnlock(ts *testscript.TestScript, neg bool, args []string) {
	sc := of(ts)
	sc.locks[args[0]]()
	delete(sc.locks, args[0])
}
