package doctor

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lamplighter/credfiles"
	"lamplighter/doctor/dialect"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/discovery"
	"lamplighter/refresher/signin"
)

// A bench is a server without a network and a registration at it, as the owner
// of an endpoint has them.
type bench struct {
	s *authtest.Server
	e Endpoint
	x *Recorder
	// happened is what was announced, in order.
	happened []Happening
	issuer   string // is asked for its metadata first
}

// benched has a client with a secret, and all that it takes to ask in each of
// the usual ways.
func benched(t *testing.T, o authtest.Options, change ...func(*bench)) *bench {
	t.Helper()
	o.Memory = true
	if o.AccessLifetime == 0 {
		o.AccessLifetime = time.Hour
	}
	b := &bench{s: authtest.New(t, o)}
	const redirect = "https://connector.example/redirect"
	b.s.AddClient("connector", "client-secret-EXAMPLE", redirect)
	b.e = Endpoint{
		Client: dialect.Client{
			TokenURL: b.s.URL(authtest.Token), ID: "connector", Secret: true, Scopes: []string{"api://m/read", "api://m/write", "offline_access"},
			Server: b.s.URL(authtest.Resource), Resource: b.s.URL(authtest.Resource), Redirect: redirect,
		},
		Secret: credfiles.NewSecret("client-secret-EXAMPLE"),
		Ways:   dialect.Usual,
		Place: discovery.SignIn{Endpoints: discovery.Endpoints{Metadata: discovery.Metadata{
			TokenURL: b.s.URL(authtest.Token), AuthorizationURL: b.s.URL(authtest.Authorize), RevocationURL: b.s.URL(authtest.Revoke),
		}}},
		PasteOnly: true,
		Show:      b.browse,
		Tell:      func(h Happening) { b.happened = append(b.happened, h) },
	}
	for _, c := range change {
		c(b)
	}
	b.x = NewRecorder(b.e.Client.TokenURL, b.s.Transport())
	return b
}

// browse is a person who signs in and pastes the address.
func (b *bench) browse(_ context.Context, _ context.CancelCauseFunc, f *signin.Flow) {
	r, err := http.NewRequest(http.MethodGet, f.URL(), nil)
	if err != nil {
		panic(err)
	}
	resp, err := b.s.Transport().RoundTrip(r)
	if err != nil {
		return
	}
	resp.Body.Close()
	_ = f.Paste(resp.Header.Get("Location"))
}

func (b *bench) examine(t *testing.T) Report {
	t.Helper()
	if b.issuer != "" {
		b.e.Place, b.e.Client.Server = discovery.SignIn{}, ""
		if !b.e.Locate(t.Context(), b.x, b.issuer) {
			return *b.x.Report
		}
	}
	if err := b.e.Examine(t.Context(), b.x); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"text": b.x.Report.Text(80, nil), "markdown": b.x.Report.Markdown()} {
		for _, secret := range b.s.Secrets() {
			if strings.Contains(text, secret) {
				t.Errorf("a secret stands in the %s", name)
			}
		}
	}
	return *b.x.Report
}

// register makes a client as clients themselves do (RFC 7591).
func (b *bench) register() (id, secret string) {
	r, err := http.NewRequest(http.MethodPost, b.s.URL(authtest.Register), strings.NewReader(
		`{"redirect_uris":["`+b.e.Client.Redirect+`"],"grant_types":["authorization_code","refresh_token"]}`))
	if err != nil {
		panic(err)
	}
	resp, err := b.s.Transport().RoundTrip(r)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	var made struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil {
		panic(err)
	}
	return made.ID, made.Secret
}

// registered is a client that registered itself, and may be forgotten.
func registered(b *bench) {
	id, secret := b.register()
	b.e.Client.ID, b.e.Secret = id, credfiles.NewSecret(secret)
}

// as picks ways by name.
func as(names ...string) func(*bench) {
	return func(b *bench) {
		b.e.Ways = nil
		if slices.Equal(names, []string{"all"}) {
			b.e.Ways = dialect.All
			return
		}
		for _, name := range names {
			d, ok := dialect.Named(name)
			if !ok {
				panic(name)
			}
			b.e.Ways = append(b.e.Ways, d)
		}
	}
}

// public makes the client one without a secret.
func public(b *bench) {
	b.s.AddClient("connector", "", b.e.Client.Redirect)
	b.e.Secret, b.e.Client.Secret = credfiles.Secret{}, false
}

// handed has a refresh token of a sign-in that was made before.
func handed(b *bench) {
	b.e.Spend = credfiles.NewSecret(b.s.Grant(authtest.GrantOptions{ClientID: "connector", Scope: "api://m/read api://m/write offline_access"}).RefreshToken)
}

// posts are the requests that presented a refresh token to the token endpoint.
func (b *bench) posts() []authtest.Entry {
	return slices.DeleteFunc(b.s.Log(), func(e authtest.Entry) bool { return e.Endpoint != authtest.Token || e.Refresh == "" })
}

func TestAHealthyEndpointHasNoFinding(t *testing.T) {
	for name, change := range map[string][]func(*bench){
		"a client with a secret": {}, "a public client": {public, as("public", "codex", "claude-code")},
		"handed":                            {handed},
		"a token that is never replaced":    {func(b *bench) { b.s.Set(func(o *authtest.Options) { o.NoRotation = true }) }},
		"handed, and it is never replaced":  {handed, func(b *bench) { b.s.Set(func(o *authtest.Options) { o.NoRotation = true }) }},
		"a sign-in that ends all before it": {func(b *bench) { b.s.Set(func(o *authtest.Options) { o.EndsOlder = true }) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := benched(t, authtest.Options{Policy: authtest.Policy{JWT: true}}, change...)
				rep := b.examine(t)
				if len(rep.Findings) > 0 || rep.Exit() != 0 {
					t.Errorf("exit %d, %+v", rep.Exit(), rep.Findings)
				}
				want := wordsFine
				if b.e.Secret.IsZero() {
					want = "Your endpoint refreshes in every way that was tried: public, codex and claude-code."
				}
				if rep.Verdict() != want {
					t.Errorf("verdict %q, want %q", rep.Verdict(), want)
				}
			})
		})
	}
}

// The request log is the witness: a refresh token goes out only where it was
// announced, each once, and each sign-in is ended.
func TestNoRefreshTokenIsSentByAStepThatDidNotSaySo(t *testing.T) {
	for name, change := range map[string][]func(*bench){
		"all ways": {as("all")}, "handed": {handed, as("all")},
		"a token that is never replaced": {func(b *bench) { b.s.Set(func(o *authtest.Options) { o.NoRotation = true }) }},
		"with a try of reuse":            {as("power-platform"), func(b *bench) { b.e.Reuse = func(string) bool { return true }; b.s.Expect(authtest.Spent, "") }},
		"offline":                        {func(b *bench) { b.e.Show = nil }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := benched(t, authtest.Options{}, change...)
				if name == "offline" {
					b.x.Via = nil
				}
				b.examine(t)
				announced := 0
				for _, h := range b.happened {
					if h.Refresh {
						announced++
					}
				}
				if posts := b.posts(); len(posts) != announced {
					t.Errorf("%d refresh tokens were sent, %d were announced", len(posts), announced)
				}
				if name == "offline" && len(b.s.Log()) > 0 {
					t.Errorf("offline %d requests were made", len(b.s.Log()))
				}
				for _, e := range b.s.Log() {
					if len(e.Strays) > 0 {
						t.Errorf("%s: a refresh token where none belongs", e)
					}
				}
				for _, g := range b.s.Grants() {
					if name != "offline" && name != "handed" && b.s.Dead(g.ID) == "" {
						t.Errorf("sign-in %s was left open", g.ID)
					}
				}
			})
		})
	}
}

func TestAHandedTokenGoesOnOnlyWhileItIsNotReplaced(t *testing.T) {
	for _, test := range []struct {
		name  string
		o     authtest.Policy
		posts int
		said  string
	}{
		{"rotation", authtest.Policy{}, 1, "not sent: there is no refresh token that may be"},
		{"no rotation", authtest.Policy{NoRotation: true}, 7, "was not replaced by another"},
		{"a refusal that may have used it up", authtest.Policy{NoRotation: true, Resource: authtest.RefusedResource}, 3, "may be spent"},
		{"a refusal that did not", authtest.Policy{NoRotation: true, ClientAuth: authtest.PostOnly}, 7, "was not replaced by another"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := benched(t, authtest.Options{Policy: test.o}, handed)
				text := b.examine(t)
				if n := len(b.posts()); n != test.posts {
					t.Errorf("%d were sent, want %d\n%s", n, test.posts, text.Text(80, nil))
				}
				if !strings.Contains(text.Text(2000, nil), test.said) {
					t.Errorf("it does not say %q:\n%s", test.said, text.Text(80, nil))
				}
			})
		})
	}
}

func TestWhatIsToldToEndSignsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := benched(t, authtest.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		b.e.Tell = func(h Happening) {
			if h.Refresh {
				cancel()
			}
		}
		if err := b.e.Examine(ctx, b.x); err != ErrInterrupted {
			t.Errorf("%v", err)
		}
		if g := b.s.Grants(); len(g) != 1 || b.s.Dead(g[0].ID) == "" {
			t.Errorf("%d sign-ins, or the one was left open", len(g))
		}
	})
}

func TestNoSecretTravelsInTheClear(t *testing.T) {
	for _, change := range []func(*Endpoint){
		func(e *Endpoint) { e.Client.TokenURL = "http://auth.example/token" },
		func(e *Endpoint) { e.Place.RevocationURL = "http://auth.example/revoke" },
		func(e *Endpoint) { e.Client.Server = "http://mcp.example/mcp" },
	} {
		b := benched(t, authtest.Options{}, handed, func(b *bench) { change(&b.e) })
		if err := b.e.Examine(t.Context(), b.x); err == nil || len(b.s.Log()) > 0 {
			t.Errorf("%v, %d requests", err, len(b.s.Log()))
		}
	}
}

func TestAWaitLiesBetweenSignInAndRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := benched(t, authtest.Options{}, as("power-platform", "basic"), func(b *bench) { b.e.Wait = 65 * time.Minute })
		b.examine(t)
		var born time.Time
		for _, e := range b.s.Log() {
			switch e.GrantType {
			case "authorization_code":
				born = e.At
			case "refresh_token":
				if waited := e.At.Sub(born); waited < 65*time.Minute {
					t.Errorf("only %v lay between them", waited)
				}
			}
		}
	})
}

func TestReuseIsTriedOnlyByConsentAndToldApart(t *testing.T) {
	for _, test := range []struct {
		name    string
		policy  authtest.Policy
		consent bool
		posts   int
		said    string
	}{
		{"no", authtest.Policy{}, false, 1, "not tried, nor whether there is a grace, as you wished"},
		{"theft", authtest.Policy{}, true, 3, "a spent refresh token is refused, and the sign-in ended, without a grace"},
		{"refused only", authtest.Policy{Reuse: authtest.RefuseOnly}, true, 3, "a spent refresh token is refused, without a grace"},
		{"grace", authtest.Policy{Reuse: authtest.Grace, Grace: time.Minute}, true, 2, "taken again a moment later: there is a grace, or nobody looks"},
		{"the one before", authtest.Policy{Reuse: authtest.PreviousUntilUsed}, true, 2, "taken again a moment later"},
		{"never replaced", authtest.Policy{NoRotation: true}, true, 1, "no refresh brought a new refresh token"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				questions := 0
				b := benched(t, authtest.Options{Policy: test.policy}, as("power-platform"), func(b *bench) {
					b.e.Reuse = func(string) bool { questions++; return test.consent }
				})
				if test.posts > 1 {
					b.s.Expect(authtest.Spent, "")
				}
				rep := b.examine(t)
				if text := rep.Text(2000, nil); !strings.Contains(text, test.said) {
					t.Errorf("it does not say %q:\n%s", test.said, text)
				}
				if n := len(b.posts()); n != test.posts {
					t.Errorf("%d refresh tokens were sent, want %d", n, test.posts)
				}
				if rotates := !test.policy.NoRotation; rotates != (questions == 1) {
					t.Errorf("%d questions were asked", questions)
				}
				if rep.Exit() != 0 {
					t.Errorf("exit %d", rep.Exit())
				}
			})
		})
	}
}

func TestTheEndOfARefreshTokenIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := benched(t, authtest.Options{Policy: authtest.Policy{AbsoluteLifetime: 24 * time.Hour}}, as("power-platform"), func(b *bench) {
			b.s.Behave(authtest.Token, authtest.Behaviour{Shape: authtest.Shape{RefreshExpiresIn: "refresh_token_expires_in"}})
		})
		if text := b.examine(t); strings.Count(text.Text(2000, nil), "the refresh token for 1 d") != 2 {
			t.Errorf("it is not told:\n%s", text.Text(80, nil))
		}
	})
}

// Entra refuses a sign-in that names the resource; the ways that name none are
// asked all the same.
func TestASignInThatMayNotNameTheResourceSpoilsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := benched(t, authtest.Options{}, as("power-platform", "with-resource", "codex", "with-scope"), func(b *bench) {
			b.e.Place.Resource = b.e.Client.Resource
			b.s.Next(authtest.Token, authtest.Behaviour{}, authtest.Behaviour{}, authtest.Behaviour{
				Answer: authtest.Refusal{Dialect: authtest.Entra, Code: "invalid_target", AADSTS: 9010010}.Answer(),
			})
		})
		rep := b.examine(t)
		if all := rep.Ranked(); len(all) != 1 || all[0].Cause != causeResourceRefused {
			t.Errorf("%+v", all)
		}
		if !strings.HasPrefix(rep.Verdict(), wordsFineBut) {
			t.Errorf("the verdict is %q", rep.Verdict())
		}
		var resources []string
		for _, e := range b.s.Log() {
			if e.GrantType == "authorization_code" {
				resources = append(resources, strings.Join(e.Resource, ","))
			}
		}
		if want := []string{"", b.e.Client.Resource, ""}; !slices.Equal(resources, want) {
			t.Errorf("the sign-ins named %q", resources)
		}
		if n := len(b.posts()); n != 2 {
			t.Errorf("%d refresh tokens were sent", n)
		}
	})
}
