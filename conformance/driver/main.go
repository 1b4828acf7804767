// Driver is a small MCP client for npm's @modelcontextprotocol/conformance: it
// finds the authorization server and signs in by Lamplighter's own discovery
// and sign-in, and shows the token that came of it to the MCP server. A person
// would agree in the browser; here the authorization server of the suite
// redirects at once. The suite runs it with the MCP server's URL as the last
// argument.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/discovery"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/signin"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var given struct {
		Scenario string `json:"name"`
		ClientID string `json:"client_id"`
		Secret   string `json:"client_secret"`
		Key      string `json:"private_key_pem"`
	}
	if text := os.Getenv("MCP_CONFORMANCE_CONTEXT"); text != "" {
		if err := json.Unmarshal([]byte(text), &given); err != nil {
			return err
		}
	}
	c := client{version: os.Getenv("MCP_CONFORMANCE_PROTOCOL_VERSION")}
	c.entry = credfiles.Credential{
		Client: "codex",
		Grant: credfiles.Grant{
			ServerURL: os.Args[len(os.Args)-1],
			ClientID:  given.ClientID, ClientSecret: credfiles.NewSecret(given.Secret),
		},
		Registration: credfiles.Registration{
			Preset: given.ClientID != "", TakesClient: true, TakesSecret: true,
			Document: "https://conformance-test.local/client-metadata.json", // the suite knows it by that name
		},
	}
	if c.own = strings.HasPrefix(given.Scenario, "auth/client-credentials-"); c.own {
		c.entry.GrantType = credfiles.ByClientCredentials
		if given.Key != "" {
			c.entry.AuthMethod, c.entry.ClientSecret = exchange.Key, credfiles.NewSecret(given.Key)
		}
	}
	if c.version < "2026" { // later revisions have no such handshake
		if err := c.call(ctx, "initialize", map[string]any{
			"protocolVersion": "2025-11-25", "capabilities": map[string]any{},
			"clientInfo": map[string]any{"name": "lamplighter", "version": "1"},
		}); err != nil {
			return err
		}
		if err := c.call(ctx, "notifications/initialized", nil); err != nil {
			return err
		}
	}
	if err := c.call(ctx, "tools/list", nil); err != nil {
		return err
	}
	return c.call(ctx, "tools/call", map[string]any{"name": "test-tool", "arguments": map[string]any{}})
}

// A client is one that has at most one sign-in at a time.
type client struct {
	version string
	entry   credfiles.Credential // what it would store
	own     bool                 // asks for itself
	calls   int
	signIns int
}

// atMost is how often a client signs in before it takes no for an answer.
const atMost = 2

// call sends one message, and signs in as often as the answer asks for it.
func (c *client) call(ctx context.Context, method string, params map[string]any) error {
	for {
		resp, err := c.send(ctx, method, params)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		resp.Body.Close()
		if err != nil {
			return err
		}
		challenge := resp.Header.Get("WWW-Authenticate")
		insufficient := resp.StatusCode == http.StatusForbidden && strings.Contains(challenge, "insufficient_scope")
		switch {
		case resp.StatusCode/100 == 2:
			return nil
		case resp.StatusCode != http.StatusUnauthorized && !insufficient:
			return fmt.Errorf("%s: status %d: %s", method, resp.StatusCode, body)
		case c.signIns == atMost:
			return fmt.Errorf("%s: status %d after %d sign-ins", method, resp.StatusCode, atMost)
		}
		c.signIns++
		if err := c.signIn(ctx, scopeOf(challenge)); err != nil {
			return err
		}
	}
}

func (c *client) send(ctx context.Context, method string, params map[string]any) (*http.Response, error) {
	message := map[string]any{"jsonrpc": "2.0", "method": method}
	if !strings.HasPrefix(method, "notifications/") {
		c.calls++
		message["id"] = c.calls
	}
	version := "2025-11-25"
	if c.version >= "2026" {
		version = c.version
		with := map[string]any{"_meta": map[string]any{
			"io.modelcontextprotocol/protocolVersion":    version,
			"io.modelcontextprotocol/clientInfo":         map[string]any{"name": "lamplighter", "version": "1"},
			"io.modelcontextprotocol/clientCapabilities": map[string]any{},
		}}
		for k, v := range params {
			with[k] = v
		}
		params = with
	}
	if params != nil {
		message["params"] = params
	}
	text, err := json.Marshal(message)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.entry.ServerURL, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("MCP-Protocol-Version", version)
	if !c.entry.Access.IsZero() {
		r.Header.Set("Authorization", "Bearer "+c.entry.Access.Reveal())
	}
	return http.DefaultClient.Do(r)
}

// signIn is what "lamplighter login" does, with the suite's own authorization
// server for the person at the browser.
func (c *client) signIn(ctx context.Context, scopes []string) error {
	finder := &discovery.Finder{}
	if c.own {
		return c.ask(ctx, finder, scopes)
	}
	flow, err := signin.Begin(ctx, finder, c.entry, signin.Options{
		Scopes: scopes, Notice: func(text string) { fmt.Fprintln(os.Stderr, text) },
	})
	if err != nil {
		return err
	}
	defer flow.Close()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, flow.URL(), nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if err := flow.Paste(resp.Header.Get("Location")); err != nil {
		return fmt.Errorf("status %d: %w", resp.StatusCode, err)
	}
	s, err := flow.Wait(ctx)
	if err != nil {
		return err
	}
	answer := exchange.Redeem(ctx, finder.RoundTripper(c.entry.Grant), s.Post, s.Code, s.Registration.Secret)
	verdict := exchange.Judge(s.Post, answer)
	if verdict.Kind != exchange.Refreshed {
		return errors.New(verdict.String())
	}
	c.entry.Token = verdict.Token
	c.entry.Issuer, c.entry.ClientID, c.entry.ClientSecret = s.Registration.Issuer, s.Registration.ClientID, s.Registration.Secret
	c.entry.RedirectURI = s.Registration.Redirect
	if verdict.Token.Scope != "" {
		c.entry.Scopes = strings.Fields(verdict.Token.Scope)
	}
	return nil
}

// ask is what a refresh of an own credential does, whose issuer the user named:
// here the MCP server names it.
func (c *client) ask(ctx context.Context, finder *discovery.Finder, scopes []string) error {
	found, err := finder.Find(ctx, c.entry.Grant)
	if err != nil {
		return err
	}
	c.entry.Issuer, c.entry.Scopes, c.entry.Request.Scope = found.Issuer, scopes, true
	post, err := exchange.Plan(c.entry.Grant, exchange.Server{
		Issuer: found.Issuer, TokenURL: found.TokenURL, AuthMethods: found.AuthMethods, Resource: found.Resource,
	})
	if err != nil {
		return err
	}
	answer := exchange.Send(ctx, finder.RoundTripper(c.entry.Grant), post, credfiles.Secret{}, c.entry.ClientSecret)
	verdict := exchange.Judge(post, answer)
	if verdict.Kind != exchange.Refreshed {
		return errors.New(verdict.String())
	}
	c.entry.Token = verdict.Token
	return nil
}

// scopeOf is the scope parameter of a challenge as the suite writes it.
func scopeOf(challenge string) []string {
	_, rest, ok := strings.Cut(challenge, `scope="`)
	if !ok {
		return nil
	}
	scope, _, _ := strings.Cut(rest, `"`)
	scopes := strings.Fields(scope)
	slices.Sort(scopes)
	return slices.Compact(scopes)
}
