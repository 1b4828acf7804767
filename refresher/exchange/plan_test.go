package exchange

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"lamplighter/credfiles"
)

var secret = credfiles.NewSecret("s3cret/+=EXAMPLE")

// What the two clients send themselves (Codex 0.169.0, Claude Code 2.1.329, as
// observed).
var (
	asCodex  = credfiles.Request{Scope: true, ServerAsResource: true, BasicByDefault: true}
	asClaude = credfiles.Request{RawBasic: true, FirstListed: true}
)

func TestThePlanFollowsTheUserThenTheProviderThenTheClientThenTheRFC(t *testing.T) {
	generic := Server{Issuer: "https://as.example", TokenURL: "https://as.example/token"}
	listing := func(methods ...string) Server {
		s := generic
		s.AuthMethods = methods
		return s
	}
	entra := Server{Issuer: "https://login.microsoftonline.com/t/v2.0", TokenURL: "https://login.microsoftonline.com/t/oauth2/v2.0/token", AuthMethods: []string{Body, "private_key_jwt", Basic}, Resource: "api://x"}
	slack := Server{Issuer: "https://slack.com", TokenURL: "https://slack.com/api/oauth.v2.user.access", Resource: "https://mcp.slack.com"}
	salesforce := Server{Issuer: "https://acme.my.salesforce.com", TokenURL: "https://acme.my.salesforce.com/services/oauth2/token", AuthMethods: []string{Basic, Body}}

	for _, c := range []struct {
		name string
		g    credfiles.Grant
		s    Server
		want Post
	}{
		{"a public client and nothing known",
			credfiles.Grant{}, generic,
			Post{Auth: None, AuthBy: "public"}},
		{"a public client where metadata lists only secrets",
			credfiles.Grant{}, listing(Basic, Body),
			Post{Auth: None, AuthBy: "public"}},
		{"a secret and no list: RFC 8414 section 2",
			credfiles.Grant{ClientSecret: secret}, generic,
			Post{Auth: Basic, AuthBy: "default"}},
		{"a secret, both listed: Basic",
			credfiles.Grant{ClientSecret: secret}, listing(Body, Basic),
			Post{Auth: Basic, AuthBy: "metadata"}},
		{"a secret, only the body listed",
			credfiles.Grant{ClientSecret: secret}, listing("private_key_jwt", Body),
			Post{Auth: Body, AuthBy: "metadata"}},
		{"a secret that the server does not want",
			credfiles.Grant{ClientSecret: secret}, listing(None),
			Post{Auth: None, AuthBy: "metadata"}},
		{"the user's method counts before all",
			credfiles.Grant{ClientSecret: secret, AuthMethod: Basic}, salesforce,
			Post{TokenURL: salesforce.TokenURL, Auth: Basic, AuthBy: "configured"}},
		{"the user wants none though there is a secret",
			credfiles.Grant{ClientSecret: secret, AuthMethod: None}, listing(Basic),
			Post{Auth: None, AuthBy: "configured"}},
		{"the user's method counts where the server lists others only",
			credfiles.Grant{ClientSecret: secret, AuthMethod: Body}, listing("private_key_jwt"),
			Post{Auth: Body, AuthBy: "configured"}},
		{"the user's token endpoint",
			credfiles.Grant{TokenURL: "http://127.0.0.1:1/t"}, generic,
			Post{TokenURL: "http://127.0.0.1:1/t", Auth: None, AuthBy: "public"}},
		{"the user's resource",
			credfiles.Grant{Resource: "https://Mine/"}, Server{TokenURL: generic.TokenURL, Resource: "https://m.example/mcp"},
			Post{Auth: None, AuthBy: "public", Resource: "https://Mine/"}},
		{"the user wants no resource",
			credfiles.Grant{NoResource: true, Resource: "https://recorded", ServerURL: "https://m.example/mcp", Request: asCodex}, Server{TokenURL: generic.TokenURL, Resource: "https://m.example/mcp"},
			Post{Auth: None, AuthBy: "public"}},
		{"the metadata's resource, verbatim",
			credfiles.Grant{ServerURL: "https://m.example/mcp/"}, Server{TokenURL: generic.TokenURL, Resource: "https://m.example/mcp"},
			Post{Auth: None, AuthBy: "public", Resource: "https://m.example/mcp"}},
		{"no metadata: no resource, no scope",
			credfiles.Grant{ServerURL: "https://m.example/mcp", Scopes: []string{"a"}}, generic,
			Post{Auth: None, AuthBy: "public"}},

		{"Codex, no metadata: its server is the resource, its scopes are repeated",
			credfiles.Grant{ServerURL: "https://m.example/mcp", Scopes: []string{"read", "offline_access"}, Request: asCodex}, generic,
			Post{Auth: None, AuthBy: "public", Resource: "https://m.example/mcp", Scope: "read offline_access"}},
		{"Codex with a secret: Basic whatever is preferred",
			credfiles.Grant{ClientSecret: secret, Request: asCodex}, listing(Body),
			Post{Auth: Basic, AuthBy: "client"}},
		{"Claude, body first",
			credfiles.Grant{ClientSecret: secret, Request: asClaude}, listing("private_key_jwt", Body, Basic),
			Post{Auth: Body, AuthBy: "client"}},
		{"Claude, Basic first",
			credfiles.Grant{ClientSecret: secret, Request: asClaude}, listing(Basic, Body),
			Post{Auth: Basic, AuthBy: "client", RawBasic: true}},
		{"Claude, none first",
			credfiles.Grant{ClientSecret: secret, Request: asClaude}, listing(None, Body),
			Post{Auth: Body, AuthBy: "client"}},
		{"Claude, no list",
			credfiles.Grant{ClientSecret: secret, Request: asClaude}, generic,
			Post{Auth: Basic, AuthBy: "client", RawBasic: true}},
		{"Claude, no metadata: no resource, and never a scope",
			credfiles.Grant{ServerURL: "https://m.example/mcp", Scopes: []string{"a"}, Request: asClaude}, generic,
			Post{Auth: None, AuthBy: "public"}},

		{"Entra: scope and no resource, for every client",
			credfiles.Grant{ServerURL: "https://m.example/mcp", Scopes: []string{"api://x/mcp.read", "offline_access"}, Request: asClaude}, entra,
			Post{TokenURL: entra.TokenURL, Auth: None, AuthBy: "public", Scope: "api://x/mcp.read offline_access"}},
		{"Entra: no scope of a resource beside /.default",
			credfiles.Grant{Scopes: []string{"openid", "api://x/mcp.read", "api://x/.default", "offline_access"}, Request: asCodex, ServerURL: "https://m.example/mcp"}, entra,
			Post{TokenURL: entra.TokenURL, Auth: None, AuthBy: "public", Scope: "api://x/.default openid offline_access"}},
		{"Entra behind another token endpoint",
			credfiles.Grant{Scopes: []string{"s"}}, Server{Issuer: entra.Issuer, TokenURL: "https://apim.example/token", Resource: "api://x"},
			Post{TokenURL: "https://apim.example/token", Auth: None, AuthBy: "public", Scope: "s"}},
		{"Slack: no scope, even for Codex",
			credfiles.Grant{Scopes: []string{"search:read", "chat:write"}, Request: asCodex, ServerURL: "https://mcp.slack.com/mcp"}, slack,
			Post{TokenURL: slack.TokenURL, Auth: None, AuthBy: "public", Resource: "https://mcp.slack.com"}},
		{"Linear's API: no scope",
			credfiles.Grant{Scopes: []string{"read"}, Request: asCodex}, Server{TokenURL: "https://api.linear.app/oauth/token"},
			Post{TokenURL: "https://api.linear.app/oauth/token", Auth: None, AuthBy: "public"}},
		{"Salesforce: secret in the body",
			credfiles.Grant{ClientSecret: secret, Request: asCodex}, salesforce,
			Post{TokenURL: salesforce.TokenURL, Auth: Body, AuthBy: "provider"}},
		{"GitHub: secret in the body",
			credfiles.Grant{ClientSecret: secret}, Server{TokenURL: "https://github.com/login/oauth/access_token"},
			Post{TokenURL: "https://github.com/login/oauth/access_token", Auth: Body, AuthBy: "provider"}},
		{"Google: secret in the body",
			credfiles.Grant{ClientSecret: secret}, Server{Issuer: "https://accounts.google.com", TokenURL: "https://oauth2.googleapis.com/token"},
			Post{TokenURL: "https://oauth2.googleapis.com/token", Auth: Body, AuthBy: "provider"}},
		{"Figma: its refresh URL and Basic",
			credfiles.Grant{ClientSecret: secret, Request: asClaude}, Server{TokenURL: "https://api.figma.com/v1/oauth/token", AuthMethods: []string{Body}},
			Post{TokenURL: "https://api.figma.com/v1/oauth/refresh", Auth: Basic, AuthBy: "provider", RawBasic: true}},
		{"Figma: not when the user names a token endpoint",
			credfiles.Grant{TokenURL: "https://api.figma.com/v2/token"}, Server{TokenURL: "https://api.figma.com/v1/oauth/token"},
			Post{TokenURL: "https://api.figma.com/v2/token", Auth: None, AuthBy: "public"}},
		{"Figma's issuer with another token endpoint: not ours to move",
			credfiles.Grant{}, Server{Issuer: "https://www.figma.com", TokenURL: "https://other.example/token"},
			Post{TokenURL: "https://other.example/token", Auth: None, AuthBy: "public"}},
		{"Notion's API: JSON and Basic",
			credfiles.Grant{ClientSecret: secret}, Server{TokenURL: "https://api.notion.com/v1/oauth/token"},
			Post{TokenURL: "https://api.notion.com/v1/oauth/token", Auth: Basic, AuthBy: "provider", JSON: true}},
		{"Notion's MCP server is another one",
			credfiles.Grant{ClientSecret: secret}, Server{TokenURL: "https://mcp.notion.com/token", AuthMethods: []string{Body}},
			Post{TokenURL: "https://mcp.notion.com/token", Auth: Body, AuthBy: "metadata"}},
		{"Asana: the resource of version 2",
			credfiles.Grant{ServerURL: "https://mcp.asana.com/v2/mcp"}, generic,
			Post{Auth: None, AuthBy: "public", Resource: "https://mcp.asana.com/v2"}},
		{"a host that only ends like a provider's",
			credfiles.Grant{ClientSecret: secret}, Server{TokenURL: "https://notsalesforce.com/token"},
			Post{TokenURL: "https://notsalesforce.com/token", Auth: Basic, AuthBy: "default"}},
	} {
		c.g.ClientID = "c1"
		c.want.ClientID, c.want.Accept, c.want.Issuer = "c1", "application/json", c.s.Issuer
		if c.want.TokenURL == "" {
			c.want.TokenURL = generic.TokenURL
		}
		got, err := Plan(c.g, c.s)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s\n got: %+v %v\nwant: %+v", c.name, got, err, c.want)
		}
	}
}

func TestThePlanRefusesWhatCannotBeSentRight(t *testing.T) {
	ok := Server{TokenURL: "https://as.example/token"}
	for _, c := range []struct {
		name        string
		g           credfiles.Grant
		s           Server
		words       string
		unsupported bool
	}{
		{"no client ID", credfiles.Grant{}, ok, "client ID", false},
		{"no token endpoint", credfiles.Grant{ClientID: "c"}, Server{}, "unknown", false},
		{"plain http", credfiles.Grant{ClientID: "c"}, Server{TokenURL: "http://as.example/token"}, "https", false},
		{"plain http that looks like here", credfiles.Grant{ClientID: "c"}, Server{TokenURL: "http://127.0.0.1.example/token"}, "https", false},
		{"a password in it", credfiles.Grant{ClientID: "c"}, Server{TokenURL: "https://u:p@as.example/token"}, "user name", false},
		{"no URL", credfiles.Grant{ClientID: "c"}, Server{TokenURL: "::"}, "not a URL", false},
		{"a path only", credfiles.Grant{ClientID: "c", TokenURL: "/token"}, ok, "not a URL", false},
		{"a secret that is not there", credfiles.Grant{ClientID: "c", AuthMethod: Basic}, ok, "client secret", false},
		{"tls_client_auth configured", credfiles.Grant{ClientID: "c", AuthMethod: "tls_client_auth"}, ok, "tls_client_auth", true},
		{"only assertions and certificates", credfiles.Grant{ClientID: "c", ClientSecret: secret},
			Server{TokenURL: ok.TokenURL, AuthMethods: []string{"private_key_jwt", "tls_client_auth"}}, "tls_client_auth", true},
		{"only assertions, a public client", credfiles.Grant{ClientID: "c"},
			Server{TokenURL: ok.TokenURL, AuthMethods: []string{"private_key_jwt"}}, "private_key_jwt", true},
		{"Entra without a scope", credfiles.Grant{ClientID: "c"},
			Server{TokenURL: "https://login.microsoftonline.com/t/oauth2/v2.0/token"}, "Entra ID", false},
	} {
		p, err := Plan(c.g, c.s)
		if err == nil || !strings.Contains(err.Error(), c.words) || errors.Is(err, ErrUnsupported) != c.unsupported || p != (Post{}) {
			t.Errorf("%s: %+v, %v", c.name, p, err)
		}
		if err != nil && strings.Contains(err.Error(), ":p@") {
			t.Errorf("%s: the error shows a password", c.name)
		}
	}
}

func TestAPlanComesBackFromTheJournalAsItWas(t *testing.T) {
	p := Post{TokenURL: "https://a/t", Issuer: "https://a", Auth: Basic, AuthBy: "client", RawBasic: true, ClientID: "c", Resource: "r", Scope: "a b", Redirect: "http://r/cb", Accept: "x", JSON: true,
		Grant: ClientCredentials, Audience: "d", Parameters: "e=f", KeyID: "k", AssertFor: "https://a/t"}
	v := reflect.ValueOf(p)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Fatalf("%s is not tested", v.Type().Field(i).Name)
		}
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back Post
	if err := json.Unmarshal(text, &back); err != nil || back != p {
		t.Errorf("%+v %v", back, err)
	}
}

func TestEveryNeedHasASourceAndDoesSomething(t *testing.T) {
	for _, n := range needs {
		if n.provider == "" || n.source == "" || len(n.hosts) == 0 && n.server == "" {
			t.Errorf("%+v lacks a provider, a source or a host", n.provider)
		}
		if n.auth == "" && !n.json && n.refreshURL == "" && n.resource == "" && !n.omitResource && !n.omitScope && n.scopes == nil {
			t.Errorf("%s needs nothing", n.provider)
		}
		if n.refreshURL != "" && !n.serves(host(n.refreshURL)) {
			t.Errorf("%s: the refresh token would go to another host", n.provider)
		}
	}
}
