//go:build bench && linux

package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lamplighter/refresher/authtest"
)

// An oidcAgent is an agent of its own with some accounts loaded.
type oidcAgent struct {
	pid      int
	env      []string
	accounts []string
}

// startOIDCAgent starts oidc-agent with accounts at an authorization server of
// ours, each with a token of eight hours. The error says what is missing.
func startOIDCAgent(t testing.TB, accounts int) (*oidcAgent, error) {
	t.Helper()
	for _, program := range []string{"oidc-agent", "oidc-gen", "oidc-token"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("not installed")
		}
	}
	home, err := os.MkdirTemp("", "oidc-") // short: it holds a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	os.Mkdir(filepath.Join(home, ".oidc-agent"), 0o700)
	socket := filepath.Join(home, "agent")
	a := &oidcAgent{env: []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "OIDC_SOCK=" + socket}}
	agent := exec.Command("oidc-agent", "--console", "--bind_address="+socket)
	agent.Env = a.env
	if err := agent.Start(); err != nil {
		return nil, err
	}
	a.pid = agent.Process.Pid
	t.Cleanup(func() { agent.Process.Kill(); agent.Wait() })
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(socket); err == nil {
			break
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("oidc-agent does not start")
		}
	}
	password := filepath.Join(home, "password")
	if err := os.WriteFile(password, []byte("password EXAMPLE\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := authtest.New(t, authtest.Options{
		Discovery: authtest.Discovery{ServerMetadata: authtest.OIDCAppended, Scopes: []string{"openid", "offline_access"}},
		Policy:    authtest.Policy{AccessLifetime: 8 * time.Hour, NoRotation: true},
	})
	for i := range accounts {
		g := s.Grant(authtest.GrantOptions{Confidential: true, Scope: "openid offline_access"})
		name := fmt.Sprintf("server-%d", i)
		if out, err := a.run("oidc-gen", "--prompt=none", "--iss="+s.Issuer()+"/", "--client-id="+g.ClientID, "--client-secret="+g.ClientSecret,
			"--rt="+g.RefreshToken, "--manual", "--scope=openid offline_access", "--redirect-uri=http://localhost:4242",
			"--pw-file="+password, "--no-url-call", "--confirm-default", name); err != nil {
			return nil, fmt.Errorf("oidc-gen: %v: %s", err, lastLine(out))
		}
		if out, err := a.run("oidc-token", name); err != nil || len(strings.TrimSpace(out)) < 10 {
			return nil, fmt.Errorf("oidc-token: %v: %s", err, lastLine(out))
		}
		a.accounts = append(a.accounts, name)
	}
	return a, nil
}

// run runs one of oidc-agent's commands, which hang where they would ask.
func (a *oidcAgent) run(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = a.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
