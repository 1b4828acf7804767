package authtest

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestMetadataIsWhereTheLayoutPutsItAndNowhereElse(t *testing.T) {
	const auth, mcp = "https://auth.example", "https://mcp.example"
	places := []string{
		mcp + "/.well-known/oauth-protected-resource/mcp", mcp + "/.well-known/oauth-protected-resource",
		mcp + "/mcp/.well-known/oauth-protected-resource",
		auth + "/.well-known/oauth-authorization-server/t", auth + "/.well-known/openid-configuration/t",
		auth + "/t/.well-known/openid-configuration", auth + "/.well-known/oauth-authorization-server",
	}
	for _, test := range []struct {
		discovery Discovery
		want      []string
	}{
		{Discovery{}, []string{places[0], places[3]}},
		{Discovery{ResourceMetadata: ResourceAtRoot, ServerMetadata: OIDCInserted}, []string{places[1], places[4]}},
		{Discovery{ResourceMetadata: ResourceAppended, ServerMetadata: OIDCAppended}, []string{places[2], places[5]}},
		{Discovery{ResourceMetadata: ResourceInHeader, ServerMetadata: ServerAtRoot}, []string{places[6]}},
		{Discovery{ServerMetadata: NoServerMetadata}, []string{places[0]}},
	} {
		s := New(t, Options{Memory: true, IssuerPath: "/t", Discovery: test.discovery})
		var got []string
		for _, u := range places {
			if r := get(s, u, ""); r.status == 200 {
				got = append(got, u)
			}
		}
		if strings.Join(got, " ") != strings.Join(test.want, " ") {
			t.Errorf("%+v: found at %v, want %v", test.discovery, got, test.want)
		}
	}
}

func TestMetadataSaysWhatItIsToldTo(t *testing.T) {
	s := New(t, Options{Memory: true, Discovery: Discovery{Scopes: []string{"read", "offline_access"}}})
	meta := func() map[string]any { return get(s, s.URL(Metadata), "").fields }
	resource := func() map[string]any { return get(s, s.URL(ResourceMetadata), "").fields }
	if m := meta(); m["issuer"] != "https://auth.example" || m["token_endpoint"] != s.URL(Token) || m["registration_endpoint"] != s.URL(Register) {
		t.Errorf("metadata %v", m)
	}
	if m := resource(); m["resource"] != "https://mcp.example/mcp" || m["authorization_servers"].([]any)[0] != "https://auth.example" {
		t.Errorf("resource metadata %v", m)
	}
	s.Set(func(o *Options) {
		o.Issuer, o.TokenURL, o.ResourceID = "https://other.example", "https://other.example/token", "https://mcp.example"
		o.AuthorizationServers = []string{"https://other.example"}
		o.NoRegistration, o.NoPKCE, o.NoAuthMethods, o.Scopes = true, true, true, nil
		o.AdvertiseIss, o.ClientIDMetadata = true, true
	})
	m := meta()
	if m["issuer"] != "https://other.example" || m["token_endpoint"] != "https://other.example/token" ||
		m["authorization_response_iss_parameter_supported"] != true || m["client_id_metadata_document_supported"] != true {
		t.Errorf("metadata %v", m)
	}
	for _, name := range []string{"registration_endpoint", "code_challenge_methods_supported", "token_endpoint_auth_methods_supported", "scopes_supported"} {
		if _, there := m[name]; there {
			t.Errorf("%s is not left out", name)
		}
	}
	if m := resource(); m["resource"] != "https://mcp.example" || m["authorization_servers"].([]any)[0] != "https://other.example" {
		t.Errorf("resource metadata %v", m)
	}
	s.Set(func(o *Options) { o.Issuer = Absent })
	if _, there := meta()["issuer"]; there {
		t.Error("issuer is not left out")
	}
	s.Set(func(o *Options) { o.ClientAuth = PostOnly; o.NoAuthMethods = false })
	if m := meta(); len(m["token_endpoint_auth_methods_supported"].([]any)) != 1 {
		t.Errorf("auth methods %v, want only post", m["token_endpoint_auth_methods_supported"])
	}
}

const (
	verifier = "verifier-EXAMPLE-verifier-EXAMPLE-verifier-EXAMPLE"
	callback = "http://127.0.0.1:7777/callback"
)

// registers registers a client for the callback and refresh tokens.
func registers(s *Server, more string) reply {
	req, _ := http.NewRequest("POST", s.URL(Register), strings.NewReader(
		`{"redirect_uris":["`+callback+`"],"grant_types":["authorization_code","refresh_token"]`+more+`}`))
	return do(s, req)
}

// authorizes asks for a code and returns the answer and the query of its
// redirect.
func authorizes(s *Server, client, redirect string, more ...string) (reply, url.Values) {
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"response_type": {"code"}, "client_id": {client}, "redirect_uri": {redirect}, "state": {"s"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
		"scope": {"read offline_access"},
	}
	for i := 0; i < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	r := get(s, s.URL(Authorize)+"?"+q.Encode(), "")
	u, _ := url.Parse(r.header.Get("Location"))
	return r, u.Query()
}

func exchanges(s *Server, client, code string, more ...string) reply {
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "client_id": {client},
		"redirect_uri": {callback}, "code_verifier": {verifier},
	}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return post(s, s.URL(Token), form)
}

func TestASignInGivesTokensThatWork(t *testing.T) {
	for _, o := range []Options{
		{}, {IssuerPath: "/t", Authorization: Authorization{Iss: OwnIss, AdvertiseIss: true}},
		{Registration: Registration{RegistrationSecret: true}}, {Policy: Policy{NoRotation: true}},
		{Discovery: Discovery{ServerMetadata: NoServerMetadata, ResourceMetadata: NoResourceMetadata}},
	} {
		o.Memory = true
		s := New(t, o)
		registered := registers(s, "")
		client, secret := registered.text("client_id"), registered.text("client_secret")
		if registered.status != 201 || (secret != "") != o.RegistrationSecret {
			t.Fatalf("registration: status %d, secret: %v", registered.status, secret != "")
		}
		r, q := authorizes(s, client, callback)
		if r.status != 302 || q.Get("state") != "s" || (q.Get("iss") == s.Issuer()) != (o.Iss == OwnIss) {
			t.Fatalf("authorize: status %d, query keys %v", r.status, s.Log())
		}
		var more []string
		if secret != "" {
			more = []string{"client_secret", secret}
		}
		tokens := exchanges(s, client, q.Get("code"), more...)
		if tokens.status != 200 || !tries(s, tokens.text("access_token")) || tokens.text("scope") != "read offline_access" {
			t.Fatalf("exchange: status %d", tokens.status)
		}
		g := s.Grants()[0]
		if g.RefreshToken != tokens.text("refresh_token") || g.ClientID != client {
			t.Error("the server knows another grant")
		}
		if r := refresh(s, g, g.RefreshToken, more...); r.status != 200 {
			t.Errorf("refresh: status %d", r.status)
		}
		for _, secret := range []string{secret, q.Get("code"), verifier, tokens.text("access_token"), tokens.text("refresh_token")} {
			if secret != "" && !contains(s.Secrets(), secret) {
				t.Error("a secret of the sign-in is missing from Secrets")
			}
		}
	}
}

func contains(all []string, s string) bool {
	for _, v := range all {
		if v == s {
			return true
		}
	}
	return false
}

func TestACodeIsGoodOnceForItsClientRedirectAndVerifier(t *testing.T) {
	for name, more := range map[string][]string{
		"good": nil, "verifier": {"code_verifier", "other"}, "redirect": {"redirect_uri", callback + "/x"}, "code": {"code", "other"},
		"client": {"client_id", "other"},
	} {
		s := New(t, Options{Memory: true})
		client := registers(s, "").text("client_id")
		if name == "client" {
			more = []string{"client_id", registers(s, "").text("client_id")}
		}
		_, q := authorizes(s, client, callback)
		if got := exchanges(s, client, q.Get("code"), more...).status == 200; got != (name == "good") {
			t.Errorf("%s: taken: %v", name, got)
		}
		log := s.Log()
		if log[len(log)-1].Condemned {
			t.Errorf("%s: a code condemns a refresh token", name)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		s := New(t, Options{Memory: true})
		client := registers(s, "").text("client_id")
		_, old := authorizes(s, client, callback)
		time.Sleep(2 * time.Minute)
		if r := exchanges(s, client, old.Get("code")); r.text("error") != "invalid_grant" {
			t.Errorf("an old code: status %d", r.status)
		}
		_, q := authorizes(s, client, callback)
		first := exchanges(s, client, q.Get("code"))
		if r := exchanges(s, client, q.Get("code")); r.text("error") != "invalid_grant" {
			t.Errorf("a code again: status %d", r.status)
		}
		if tries(s, first.text("access_token")) {
			t.Error("a code used twice leaves the first tokens alive")
		}
	})
}

func TestWhatASignInIsRefusedFor(t *testing.T) {
	s := New(t, Options{Memory: true})
	client := registers(s, "").text("client_id")
	for _, test := range []struct {
		name, client, redirect string
		more                   []string
		exact                  bool
		status                 int
		code                   string
	}{
		{"right", client, callback, nil, true, 302, ""},
		{"another port", client, "http://127.0.0.1:9/callback", nil, false, 302, ""},
		{"another port, exact", client, "http://127.0.0.1:9/callback", nil, true, 400, ""},
		{"another path", client, "http://127.0.0.1:7777/other", nil, false, 400, ""},
		{"localhost", client, "http://localhost:7777/callback", nil, false, 400, ""},
		{"another host", client, "https://elsewhere.example/callback", nil, false, 400, ""},
		{"unknown client", "client-x", callback, nil, false, 400, ""},
		{"no PKCE", client, callback, []string{"code_challenge", ""}, false, 302, "invalid_request"},
		{"plain PKCE", client, callback, []string{"code_challenge_method", "plain"}, false, 302, "invalid_request"},
	} {
		s.Set(func(o *Options) { o.ExactRedirect = test.exact })
		r, q := authorizes(s, test.client, test.redirect, test.more...)
		if r.status != test.status || q.Get("error") != test.code {
			t.Errorf("%s: status %d %s, want %d %s", test.name, r.status, q.Get("error"), test.status, test.code)
		}
	}
	s.AddClient("fixed", "", callback)
	s.Set(func(o *Options) { o.ExactRedirect = true })
	for _, redirect := range []string{callback, "http://127.0.0.1:9/callback"} {
		if r, _ := authorizes(s, "fixed", redirect); (r.status == 302) != (redirect == callback) {
			t.Errorf("a client added by hand, %s: status %d", redirect, r.status)
		}
	}
	s.Set(func(o *Options) { o.Deny, o.Iss = "access_denied", WrongIss })
	if _, q := authorizes(s, client, callback); q.Get("error") != "access_denied" || q.Get("iss") == "" || q.Get("iss") == s.Issuer() {
		t.Errorf("denied: %s, iss %s", q.Get("error"), q.Get("iss"))
	}
	s.Set(func(o *Options) { o.Deny = "" })
	s.ExpireClient(client)
	if r, _ := authorizes(s, client, callback); r.status != 400 {
		t.Errorf("expired client: status %d, want 400", r.status)
	}
}

func TestWhoGetsARefreshToken(t *testing.T) {
	for _, test := range []struct {
		name        string
		offlineOnly bool
		scope       string
		grantTypes  string
		want        bool
	}{
		{"asked for", true, "read offline_access", `,"grant_types":["authorization_code","refresh_token"]`, true},
		{"not asked for", true, "read", "", false},
		{"need not ask", false, "read", "", true},
		{"not registered for it", false, "read", `,"grant_types":["authorization_code"]`, false},
	} {
		s := New(t, Options{Memory: true, Authorization: Authorization{OfflineOnly: test.offlineOnly}})
		client := registers(s, test.grantTypes).text("client_id")
		_, q := authorizes(s, client, callback, "scope", test.scope)
		if got := exchanges(s, client, q.Get("code")).text("refresh_token") != ""; got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
	s := memory(t, Policy{})
	if g := s.Grant(GrantOptions{NoRefreshToken: true}); g.RefreshToken != "" || !tries(s, g.AccessToken) {
		t.Error("want a grant with an access token only")
	}
}

func TestAClientMayBeKnownByItsMetadataURL(t *testing.T) {
	const id = "https://client.example/metadata.json"
	s := New(t, Options{Memory: true})
	for _, on := range []bool{false, true} {
		s.Set(func(o *Options) { o.ClientIDMetadata = on })
		if r, _ := authorizes(s, id, callback); (r.status == 302) != on {
			t.Errorf("switched on: %v: status %d", on, r.status)
		}
	}
}

func TestRevocationEndsAGrantOrAnAccessToken(t *testing.T) {
	s := memory(t, Policy{})
	g := s.Grant(GrantOptions{})
	revoke := func(token string) int {
		return post(s, s.URL(Revoke), url.Values{"token": {token}, "client_id": {g.ClientID}}).status
	}
	if status := revoke("unknown"); status != 200 || !tries(s, g.AccessToken) {
		t.Errorf("unknown token: status %d", status)
	}
	if status := revoke(g.AccessToken); status != 200 || tries(s, g.AccessToken) {
		t.Errorf("access token: status %d", status)
	}
	now := refresh(s, g, g.RefreshToken)
	if status := revoke(now.text("refresh_token")); status != 200 || tries(s, now.text("access_token")) {
		t.Errorf("refresh token: status %d", status)
	}
	if n := s.TokenPosts(g.ID); n != 1 {
		t.Errorf("%d token posts, want 1: a revocation is none", n)
	}
}

func TestANewerSignInEndsTheOlderOnesOfItsClientWhereThatIsSet(t *testing.T) {
	for _, ends := range []bool{false, true} {
		s := New(t, Options{Memory: true, Authorization: Authorization{EndsOlder: ends}})
		g, other := s.Grant(GrantOptions{}), s.Grant(GrantOptions{})
		_, q := authorizes(s, g.ClientID, callback)
		if r := exchanges(s, g.ClientID, q.Get("code")); r.status != 200 {
			t.Fatalf("status %d", r.status)
		}
		if dead := s.Dead(g.ID) != ""; dead != ends || s.Dead(other.ID) != "" {
			t.Errorf("ends %v: the older one is dead: %v, another client's: %q", ends, dead, s.Dead(other.ID))
		}
	}
}
