// Command fosite is an authorization server made of ory/fosite, with an MCP
// server behind it, for tests: clients register themselves, whoever comes is
// signed in and consents, refresh tokens rotate, and one that is used twice
// ends its grant. Everything it knows is in one file, so that it may be killed
// at any time.
//
// It is set up by its environment: ISSUER is the origin under which it is
// reached, LISTEN the address where it listens, STATE its file, ACCESS_SECONDS
// how long an access token lives. The first line that it prints is its address.
package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
)

var scopes = []string{"mcp:read", "mcp:write", "offline_access"}

type server struct {
	issuer   string
	config   *fosite.Config
	store    *store
	provider fosite.OAuth2Provider
}

func main() {
	log.SetFlags(0)
	seconds, err := strconv.Atoi(os.Getenv("ACCESS_SECONDS"))
	if err != nil {
		log.Fatal("ACCESS_SECONDS: ", err)
	}
	store, err := open(os.Getenv("STATE"))
	if err != nil {
		log.Fatal(err)
	}
	config := &fosite.Config{
		AccessTokenLifespan:  time.Duration(seconds) * time.Second,
		RefreshTokenLifespan: 30 * 24 * time.Hour,
		RefreshTokenScopes:   []string{"offline_access"},
		GlobalSecret:         []byte("a-secret-of-32-bytes-for-EXAMPLE"),
		EnforcePKCE:          true,
		HashCost:             4, // of secrets of an hour's life
	}
	s := &server{issuer: os.Getenv("ISSUER"), config: config, store: store}
	s.provider = compose.Compose(config, store, &compose.CommonStrategy{CoreStrategy: compose.NewOAuth2HMACStrategy(config)},
		compose.OAuth2AuthorizeExplicitFactory, compose.OAuth2RefreshTokenGrantFactory, compose.OAuth2PKCEFactory, compose.OAuth2ClientCredentialsGrantFactory,
		compose.OAuth2TokenIntrospectionFactory, compose.OAuth2TokenRevocationFactory)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", s.metadata)
	mux.HandleFunc("GET /.well-known/oauth-protected-resource/mcp", s.resourceMetadata)
	mux.HandleFunc("POST /register", s.register)
	mux.HandleFunc("GET /authorize", s.authorize)
	mux.HandleFunc("POST /token", s.token)
	mux.HandleFunc("POST /revoke", s.revoke)
	mux.HandleFunc("/mcp", s.mcp)
	mux.HandleFunc("POST /test/forget", s.forget)
	listener, err := net.Listen("tcp", os.Getenv("LISTEN"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	log.Fatal(http.Serve(listener, mux))
}

func (s *server) metadata(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"issuer": s.issuer, "authorization_endpoint": s.issuer + "/authorize", "token_endpoint": s.issuer + "/token",
		"registration_endpoint": s.issuer + "/register", "revocation_endpoint": s.issuer + "/revoke",
		"scopes_supported": scopes, "response_types_supported": []string{"code"},
		"grant_types_supported":                 []string{"authorization_code", "refresh_token", "client_credentials"},
		"code_challenge_methods_supported":      []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post", "none"},
	})
}

func (s *server) resourceMetadata(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"resource": s.issuer + "/mcp", "authorization_servers": []string{s.issuer}, "scopes_supported": scopes,
	})
}

// register is RFC 7591. A client with a secret may show it in either way.
func (s *server) register(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		RedirectURIs []string `json:"redirect_uris"`
		GrantTypes   []string `json:"grant_types"`
		Name         string   `json:"client_name"`
		AuthMethod   string   `json:"token_endpoint_auth_method"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || len(asked.RedirectURIs) == 0 {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_client_metadata"})
		return
	}
	if len(asked.GrantTypes) == 0 {
		asked.GrantTypes = []string{"authorization_code"}
	}
	c := &fosite.DefaultClient{
		ID: uuid.NewString(), Public: asked.AuthMethod == "none", RedirectURIs: asked.RedirectURIs, GrantTypes: asked.GrantTypes,
		ResponseTypes: []string{"code"}, Scopes: scopes,
	}
	made := map[string]any{
		"client_id": c.ID, "client_id_issued_at": time.Now().Unix(), "client_name": asked.Name,
		"redirect_uris": c.RedirectURIs, "grant_types": c.GrantTypes, "response_types": c.ResponseTypes,
		"token_endpoint_auth_method": asked.AuthMethod, "scope": strings.Join(scopes, " "),
	}
	if !c.Public {
		secret := rand.Text()
		made["client_secret"], made["client_secret_expires_at"] = secret, 0
		c.Secret, _ = s.config.GetSecretsHasher(r.Context()).Hash(r.Context(), []byte(secret))
	}
	s.store.addClient(c)
	answer(w, http.StatusCreated, made)
}

// authorize grants whatever is asked for.
func (s *server) authorize(w http.ResponseWriter, r *http.Request) {
	asked, err := s.provider.NewAuthorizeRequest(r.Context(), r)
	if err != nil {
		s.provider.WriteAuthorizeError(r.Context(), w, asked, err)
		return
	}
	for _, scope := range asked.GetRequestedScopes() {
		asked.GrantScope(scope)
	}
	granted, err := s.provider.NewAuthorizeResponse(r.Context(), asked, &fosite.DefaultSession{Subject: "user"})
	if err != nil {
		s.provider.WriteAuthorizeError(r.Context(), w, asked, err)
		return
	}
	s.provider.WriteAuthorizeResponse(r.Context(), w, asked, granted)
}

func (s *server) token(w http.ResponseWriter, r *http.Request) {
	asked, err := s.provider.NewAccessRequest(r.Context(), r, &fosite.DefaultSession{})
	if err != nil {
		s.provider.WriteAccessError(r.Context(), w, asked, err)
		return
	}
	if asked.GetGrantTypes().ExactOne("client_credentials") {
		for _, scope := range asked.GetRequestedScopes() {
			asked.GrantScope(scope)
		}
	}
	given, err := s.provider.NewAccessResponse(r.Context(), asked)
	if err != nil {
		s.provider.WriteAccessError(r.Context(), w, asked, err)
		return
	}
	s.provider.WriteAccessResponse(r.Context(), w, asked, given)
}

func (s *server) revoke(w http.ResponseWriter, r *http.Request) {
	s.provider.WriteRevocationResponse(r.Context(), w, s.provider.NewRevocationRequest(r.Context(), r))
}

// mcp is the resource: it says who it is to whoever has a token, and where to
// get one to everybody else.
func (s *server) mcp(w http.ResponseWriter, r *http.Request) {
	challenge := fmt.Sprintf(`Bearer resource_metadata="%s/.well-known/oauth-protected-resource/mcp"`, s.issuer)
	token := fosite.AccessTokenFromRequest(r)
	if token != "" {
		_, _, err := s.provider.IntrospectToken(r.Context(), token, fosite.AccessToken, &fosite.DefaultSession{})
		if err == nil {
			answer(w, http.StatusOK, map[string]any{"jsonrpc": "2.0", "id": 1, "result": map[string]any{}})
			return
		}
		challenge += `, error="invalid_token"`
	}
	w.Header().Set("WWW-Authenticate", challenge)
	answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
}

// forget ends the registration of a client.
func (s *server) forget(w http.ResponseWriter, r *http.Request) {
	s.store.removeClient(r.URL.Query().Get("client"))
	w.WriteHeader(http.StatusNoContent)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
