package signin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/exchange"
)

// What is read of an answer at most, and how long a server may take.
const (
	maxAnswer = 1 << 20
	answering = 30 * time.Second
)

// A made client is the answer to a registration (RFC 7591 section 3.2.1).
type made struct {
	ID         string `json:"client_id"`
	Secret     string `json:"client_secret"`
	AuthMethod string `json:"token_endpoint_auth_method"`
}

// register makes a client known to the server (RFC 7591). Without grant_types
// oidc-provider 9.13.3 gives no refresh tokens, and without application_type
// it takes no other port later (observed; MCP 2026-07-28 wants it sent).
func (b *beginning) register(ctx context.Context) (made, error) {
	host := hostOf(b.place.RegistrationURL)
	scopes, _ := exchange.Asking(b.c.Grant, b.server(), b.scopes())
	body, err := json.Marshal(struct {
		Name          string   `json:"client_name"`
		Redirects     []string `json:"redirect_uris"`
		GrantTypes    []string `json:"grant_types"`
		ResponseTypes []string `json:"response_types"`
		AuthMethod    string   `json:"token_endpoint_auth_method"`
		Type          string   `json:"application_type"`
		Scope         string   `json:"scope,omitempty"`
	}{
		"Lamplighter for " + credfiles.Title(b.c.Client), []string{b.reg.Redirect},
		[]string{"authorization_code", "refresh_token"}, []string{"code"},
		b.method(), "native", strings.Join(scopes, " "),
	})
	if err != nil {
		return made{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, answering)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.place.RegistrationURL, bytes.NewReader(body))
	if err != nil {
		return made{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	status, text, err := b.send(r)
	if err != nil {
		return made{}, err
	}
	var refusal struct {
		Code   string `json:"error"`
		Detail string `json:"error_description"`
	}
	if status/100 != 2 {
		_ = json.Unmarshal(text, &refusal)
		said := strings.TrimSpace(exchange.Clean(refusal.Code) + " " + exchange.Clean(refusal.Detail))
		return made{}, fmt.Errorf("%s did not register a new client (%s); register one there and set it in %s, or sign in with %s itself",
			host, strings.TrimSpace(fmt.Sprintf("status %d %s", status, said)), credfiles.Title(b.c.Client), credfiles.Title(b.c.Client))
	}
	var m made
	if json.Unmarshal(text, &m) != nil || m.ID == "" {
		return made{}, fmt.Errorf("%s registered a new client and did not say its ID; try again", host)
	}
	return m, nil
}

// send is one request without a redirect.
func (b *beginning) send(r *http.Request) (status int, text []byte, err error) {
	r.Header.Set("User-Agent", exchange.UserAgent)
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "application/json")
	}
	resp, err := b.via.RoundTrip(r)
	if err != nil {
		return 0, nil, temporary(r, err)
	}
	defer resp.Body.Close()
	text, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, temporary(r, err)
	}
	return resp.StatusCode, text, nil
}
