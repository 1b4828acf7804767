package app

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
)

func (p *program) demoCommand() *cobra.Command {
	var span time.Duration
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show the keeper at work on a sample home, with a server of its own",
		Long:  demoHelp,
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx := c.Context()
			if span > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, span)
				defer cancel()
			}
			return p.demo(ctx)
		},
	}
	c.Flags().DurationVar(&span, "for", 0, "end after this long, such as `60s`; else Ctrl-C ends it")
	return c
}

// demoLife is how long the demo's access tokens live.
const demoLife = 30 * time.Second

// A stage is what the demo plays on: a throwaway home, and an authorization
// server each for what goes well, what fails for a while and what dies.
type stage struct {
	dir              string
	well, weak, dies *authtest.Server
}

func (p *program) demo(ctx context.Context) error {
	st, err := newStage()
	if err != nil {
		return err
	}
	defer st.close()
	if err := st.fill(); err != nil {
		return err
	}
	q := *p
	q.host = credfiles.Host{OS: p.host.OS, Home: st.dir, Getenv: func(string) string { return "" }}
	q.config, q.keeping = "", true
	x, err := q.open()
	if err != nil {
		return err
	}
	policy := x.refresher.Policy
	x.refresher.Policy = func() refresher.Policy {
		now := policy()
		now.Rest = demoLife / 2 // the usual minute is longer than these tokens live
		return now
	}
	p.warnf(saidDemo, st.dir)
	go st.play(ctx)
	if err := q.keep(ctx, x); err != nil {
		return err
	}
	return q.demoSummary(x, st)
}

func newStage() (*stage, error) {
	dir, err := os.MkdirTemp("", "lamplighter-demo-")
	if err != nil {
		return nil, err
	}
	st := &stage{dir: dir}
	for _, s := range []**authtest.Server{&st.well, &st.weak, &st.dies} {
		if *s, err = authtest.Start(authtest.Options{Policy: authtest.Policy{AccessLifetime: demoLife}}); err != nil {
			st.close()
			return nil, err
		}
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

// play lets things go wrong: one server is down from the twelfth second to the
// fortieth, one grant is revoked after twenty.
func (st *stage) play(ctx context.Context) {
	acts := []struct {
		at time.Duration
		do func()
	}{
		{12 * time.Second, func() {
			st.weak.Behave(authtest.Token, authtest.Behaviour{Answer: authtest.Status(503)})
		}},
		{20 * time.Second, func() {
			for _, g := range st.dies.Grants() {
				st.dies.KillGrant(g.ID)
			}
		}},
		{40 * time.Second, func() { st.weak.Behave(authtest.Token, authtest.Behaviour{}) }},
	}
	began := time.Now()
	for _, act := range acts {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(began.Add(act.at))):
			act.do()
		}
	}
}

// demoSummary says what the servers saw.
func (p *program) demoSummary(x *parts, st *stage) error {
	m := modelOf(x.refresher.Scan(context.Background()), p.host.Home)
	p.printf("\n")
	p.printStatus(m)
	var posts, refreshes int
	var broken []string
	for _, s := range []*authtest.Server{st.well, st.weak, st.dies} {
		for _, e := range s.Log() {
			if e.Endpoint == authtest.Token && e.GrantType == "refresh_token" {
				posts++
				if e.Successor != "" && e.Delivery == authtest.Whole {
					refreshes++
				}
			}
		}
		broken = append(broken, s.Check()...)
	}
	p.printf(saidDemoEnd, refreshes, posts)
	if len(broken) > 0 {
		return fmt.Errorf("the servers saw what must never happen: %s", strings.Join(broken, "; "))
	}
	p.printf("%s", saidDemoClean)
	return nil
}
