//go:build bench && linux

package bench

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lamplighter/refresher/authtest"
)

// startMCPRemote starts mcp-remote 0.15.1, connected to an MCP server of ours
// with a token of eight hours, as a client has one for each server. The error
// says what is missing.
func startMCPRemote(t testing.TB) (pid int, err error) {
	t.Helper()
	dir, err := installPeers(t)
	if err != nil {
		return 0, err
	}
	s := authtest.New(t, authtest.Options{Policy: authtest.Policy{AccessLifetime: 8 * time.Hour}})
	home := t.TempDir()
	seed(t, filepath.Join(home, ".mcp-auth", "mcp-remote-v1"), s.Grant(authtest.GrantOptions{}))
	cmd := exec.Command("node", filepath.Join(dir, "node_modules/mcp-remote/dist/proxy.js"), s.URL(authtest.Resource), "--allow-http")
	cmd.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var words bytes.Buffer
	cmd.Stderr = &words
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	fmt.Fprintln(in, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}`)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(out).ReadString('\n')
		answer <- line
	}()
	select {
	case line := <-answer:
		if !strings.Contains(line, `"authtest"`) {
			return 0, fmt.Errorf("it answered %.80q", line)
		}
	case <-time.After(30 * time.Second):
		return 0, fmt.Errorf("it does not connect")
	}
	fmt.Fprintln(in, `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return cmd.Process.Pid, nil
}

// seed writes what mcp-remote 0.15.1 keeps after a sign-in.
func seed(t testing.TB, dir string, g authtest.Grant) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	sum := md5.Sum([]byte(g.ServerURL))
	for kind, content := range map[string]any{
		"tokens": map[string]any{
			"access_token": g.AccessToken, "token_type": "Bearer", "expires_in": int(g.Lifetime.Seconds()), "scope": g.Scope,
			"refresh_token": g.RefreshToken, "issuer": g.Issuer, "expires_at": g.Expiry.UnixMilli(), "requested_scope": g.Scope,
		},
		"client_info": map[string]any{
			"redirect_uris": []string{"http://127.0.0.1:9696/oauth/callback"}, "token_endpoint_auth_method": "none",
			"grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"},
			"client_name": "MCP CLI Proxy", "client_id": g.ClientID, "scope": g.Scope, "issuer": g.Issuer,
		},
	} {
		text, err := json.MarshalIndent(content, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, hex.EncodeToString(sum[:])+"_"+kind+".json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// installPeers brings the pinned versions into the cache folder, unless they
// are there.
func installPeers(t testing.TB) (dir string, err error) {
	t.Helper()
	for _, need := range []string{"node", "npm"} {
		if _, err := exec.LookPath(need); err != nil {
			return "", fmt.Errorf("not installed: %s is missing", need)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(cache, "lamplighter-bench")
	const lock = "package-lock.json"
	want, err := os.ReadFile(filepath.Join("npm", lock))
	if err != nil {
		return "", err
	}
	if have, err := os.ReadFile(filepath.Join(dir, "installed.json")); err == nil && bytes.Equal(have, want) {
		return dir, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for _, name := range []string{"package.json", lock} {
		text, err := os.ReadFile(filepath.Join("npm", name))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return "", err
		}
	}
	npm := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("not installed: npm: %s", lastLine(string(out)))
	}
	return dir, os.WriteFile(filepath.Join(dir, "installed.json"), want, 0o644)
}
