package app

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/authtest"
)

const (
	demoLife = 30 * time.Second // of the demo's access tokens
	demoDown = 12 * time.Second // when a server goes down
	demoDies = 20 * time.Second // when a grant is revoked
	demoBack = 40 * time.Second // when the server is back
)

// A stage is what the demo plays on: a throwaway home, and an authorization
// server each for what goes well, what fails for a while and what dies.
type stage struct {
	dir              string
	began            time.Time
	well, weak, dies *authtest.Server
}

func newStage() (*stage, error) {
	dir, err := os.MkdirTemp("", "lamplighter-demo-")
	if err != nil {
		return nil, err
	}
	st := &stage{dir: dir, began: time.Now()}
	for _, s := range []**authtest.Server{&st.well, &st.weak, &st.dies} {
		if *s, err = authtest.Start(authtest.Options{Policy: authtest.Policy{AccessLifetime: demoLife}}); err != nil {
			break
		}
	}
	if err == nil {
		err = st.fill()
	}
	if err != nil {
		st.close()
		return nil, err
	}
	return st, nil
}

func (st *stage) close() {
	for _, s := range []*authtest.Server{st.well, st.weak, st.dies} {
		if s != nil {
			s.Close()
		}
	}
	os.RemoveAll(st.dir)
}

// fill writes a store for each client, as the client writes it.
func (st *stage) fill() error {
	left := authtest.GrantOptions{AccessLeft: demoLife}
	codex := map[string]any{}
	for name, g := range map[string]authtest.Grant{"linear": st.well.Grant(left), "sentry": st.weak.Grant(left)} {
		codex[credfiles.EntryKey(name, g.ServerURL)] = map[string]any{
			"server_name": name, "server_url": g.ServerURL, "issuer": g.Issuer, "client_id": g.ClientID,
			"access_token": g.AccessToken, "expires_at": g.Expiry.UnixMilli(), "refresh_token": g.RefreshToken,
			"scopes": strings.Fields(g.Scope),
		}
	}
	claude := map[string]any{}
	for name, g := range map[string]authtest.Grant{"slack": st.well.Grant(left), "notion": st.dies.Grant(left)} {
		claude[credfiles.EntryKey(name, g.ServerURL)] = map[string]any{
			"serverName": name, "serverUrl": g.ServerURL, "clientId": g.ClientID, "issuer": g.Issuer,
			"accessToken": g.AccessToken, "expiresAt": g.Expiry.UnixMilli(), "refreshToken": g.RefreshToken, "scope": g.Scope,
		}
	}
	if err := st.store(codex, ".codex"); err != nil {
		return err
	}
	return st.store(map[string]any{"mcpOAuth": claude}, ".claude")
}

func (st *stage) store(doc map[string]any, home string) error {
	text, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	dir := filepath.Join(st.dir, home)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, ".credentials.json"), text, 0o600)
}

// play lets things go wrong, and says so.
func (st *stage) play(ctx context.Context, say func(string)) {
	acts := []struct {
		at  time.Duration
		say string
		do  func()
	}{
		{demoDown, saidDemoDown, func() {
			st.weak.Behave(authtest.Token, authtest.Behaviour{Answer: authtest.Status(503)})
		}},
		{demoDies, saidDemoDies, func() {
			for _, g := range st.dies.Grants() {
				st.dies.KillGrant(g.ID)
			}
		}},
		{demoBack, saidDemoBack, func() { st.weak.Behave(authtest.Token, authtest.Behaviour{}) }},
	}
	for _, act := range acts {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(st.began.Add(act.at))):
			act.do()
			say(act.say)
		}
	}
}

// story is what the servers saw, for people.
func (st *stage) story() []string {
	ran := time.Since(st.began)
	var refreshed, failed, refused int
	for _, s := range []*authtest.Server{st.well, st.weak, st.dies} {
		for _, e := range s.Log() {
			switch {
			case e.Endpoint != authtest.Token || e.GrantType != "refresh_token":
			case e.Successor != "" && e.Delivery == authtest.Whole:
				refreshed++
			case e.Condemned:
				refused++
			default:
				failed++
			}
		}
	}
	all := []string{fmt.Sprintf(saidDemoEnd, span(ran), plural(refreshed, "once", "%d times"))}
	if failed > 0 {
		all = append(all, fmt.Sprintf(saidDemoFailed, plural(failed, "once", "%d times")))
	}
	if refused > 0 {
		all = append(all, saidDemoRefused)
	}
	return all
}
