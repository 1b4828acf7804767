package dialect

import (
	"errors"
	"strings"
	"testing"

	"lamplighter/credfiles"
	"lamplighter/refresher/exchange"
)

func TestEveryDialectSaysWhereItIsKnownFrom(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range All {
		if seen[d.Name] || d.Name == "" || d.Title == "" || d.Auth == "" || d.Known.From == "" {
			t.Errorf("%+v lacks something, or its name is taken", d)
		}
		seen[d.Name] = true
		if d.Known.How == Observed && !strings.ContainsAny(d.Known.From, "0123456789") {
			t.Errorf("%s was observed, and nothing says in which version", d.Name)
		}
		if got, ok := Named(d.Name); !ok || got != d {
			t.Errorf("%s is not found by its name", d.Name)
		}
	}
	for _, name := range []string{PowerPlatform, "codex", "claude-code", "copilot-studio"} {
		if d, _ := Named(name); !d.Program {
			t.Errorf("nobody depends on %s", name)
		}
	}
	if _, ok := Named("nobody"); ok {
		t.Error("an unknown name is found")
	}
}

// The requests, by hand from the documents and recordings that the literals
// name.
func TestEachDialectSendsWhatItsSourceSays(t *testing.T) {
	secret := Client{TokenURL: "https://a.example/token", ID: "id", Secret: true, Scopes: []string{"api://x/a", "offline_access"}, Server: "https://m.example/mcp", Resource: "https://m.example/", Redirect: "http://localhost:1/cb"}
	public := secret
	public.Secret = false
	bare := Client{TokenURL: secret.TokenURL, ID: "id", Secret: true}
	unlisted := secret
	unlisted.Resource = ""
	post := secret
	post.AuthMethods = []string{"private_key_jwt", exchange.Body, exchange.Basic}
	const scope = "api://x/a offline_access"
	for _, test := range []struct {
		name string
		c    Client
		want exchange.Post
		err  error
	}{
		{"power-platform", secret, exchange.Post{Auth: exchange.Body, ClientID: "id"}, nil},
		{"power-platform", public, exchange.Post{}, ErrNoSecret},
		{"with-scope", secret, exchange.Post{Auth: exchange.Body, ClientID: "id", Scope: scope}, nil},
		{"with-scope", bare, exchange.Post{}, ErrNoScope},
		{"with-resource", secret, exchange.Post{Auth: exchange.Body, ClientID: "id", Resource: "https://m.example/"}, nil},
		{"with-resource", unlisted, exchange.Post{Auth: exchange.Body, ClientID: "id", Resource: "https://m.example/mcp"}, nil},
		{"with-resource", bare, exchange.Post{}, ErrNoResource},
		{"basic", secret, exchange.Post{Auth: exchange.Basic, ClientID: "id"}, nil},
		{"public", secret, exchange.Post{Auth: exchange.None, ClientID: "id"}, nil},
		{"codex", secret, exchange.Post{Auth: exchange.Basic, ClientID: "id", Scope: scope, Resource: "https://m.example/"}, nil},
		{"codex", public, exchange.Post{Auth: exchange.None, ClientID: "id", Scope: scope, Resource: "https://m.example/"}, nil},
		{"codex", bare, exchange.Post{}, ErrNoResource},
		{"claude-code", secret, exchange.Post{Auth: exchange.Basic, RawBasic: true, ClientID: "id", Resource: "https://m.example/"}, nil},
		{"claude-code", post, exchange.Post{Auth: exchange.Body, ClientID: "id", Resource: "https://m.example/"}, nil},
		{"claude-code", unlisted, exchange.Post{Auth: exchange.Basic, RawBasic: true, ClientID: "id"}, nil},
		{"claude-code", public, exchange.Post{Auth: exchange.None, ClientID: "id", Resource: "https://m.example/"}, nil},
		{"copilot-studio", secret, exchange.Post{Auth: exchange.Body, ClientID: "id", Redirect: "http://localhost:1/cb"}, nil},
		{"copilot-studio", bare, exchange.Post{}, ErrNoRedirect},
		{"no-template", secret, exchange.Post{Auth: exchange.None, Redirect: "http://localhost:1/cb"}, nil},
	} {
		d, _ := Named(test.name)
		got, err := d.Post(test.c)
		if test.err == nil {
			test.want.TokenURL, test.want.Accept, test.want.AuthBy = test.c.TokenURL, "application/json", "dialect"
		}
		if got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s for %+v\n got: %+v, %v\nwant: %+v", test.name, test.c, got, err, test.want)
		}
	}
}

// As far as the keeper knows the clients, both say the same.
func TestTheDialectsOfOurClientsAgreeWithThePlan(t *testing.T) {
	s := exchange.Server{TokenURL: "https://a.example/token", Resource: "https://m.example/"}
	for name, request := range map[string]credfiles.Request{
		"codex":       {Scope: true, ServerAsResource: true, BasicByDefault: true},
		"claude-code": {RawBasic: true, FirstListed: true},
	} {
		for _, secret := range []string{"", "secret-EXAMPLE"} {
			g := credfiles.Grant{ClientID: "id", ClientSecret: credfiles.NewSecret(secret), ServerURL: "https://m.example/mcp", Scopes: []string{"a", "b"}, Request: request}
			want, err := exchange.Plan(g, s)
			if err != nil {
				t.Fatal(err)
			}
			d, _ := Named(name)
			got, err := d.Post(Client{TokenURL: s.TokenURL, ID: "id", Secret: secret != "", Scopes: g.Scopes, Server: g.ServerURL, Resource: s.Resource})
			got.AuthBy = want.AuthBy
			if err != nil || got != want {
				t.Errorf("%s\n got: %+v, %v\nwant: %+v", name, got, err, want)
			}
		}
	}
}
