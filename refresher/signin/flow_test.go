package signin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/discovery"
	"lamplighter/refresher/exchange"
)

func TestTheBrowserBringsACodeThatBringsAToken(t *testing.T) {
	l := newLab(t, authtest.Options{})
	f := l.begin()
	status, page := browse(t, f.URL())
	if status != http.StatusOK || !strings.Contains(page, "You can close this page") {
		t.Errorf("the browser ended on %d, %s", status, page)
	}
	in, err := f.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page, in.Code.Value.Reveal()) {
		t.Error("the code is on the page")
	}
	if in.Registration.ClientID != l.c.ClientID || in.Registration.Issuer != l.c.Issuer {
		t.Errorf("registered as %q at %q", in.Registration.ClientID, in.Registration.Issuer)
	}
	answer := exchange.Redeem(t.Context(), l.finder().RoundTripper(l.c.Grant), in.Post, in.Code, in.Registration.Secret)
	v := exchange.Judge(in.Post, answer)
	if v.Kind != exchange.Refreshed || v.Token.Refresh.IsZero() {
		t.Errorf("%v: %v", answer, v)
	}
	if len(l.notices) > 0 {
		t.Errorf("said %q", l.notices)
	}
}

func TestTheURLAsksForWhatIsWantedAndGuardsTheAnswer(t *testing.T) {
	l := newLab(t, authtest.Options{Discovery: authtest.Discovery{Scopes: []string{"read", "offline_access"}, ResourceID: ""}})
	l.c.Scopes = []string{"read", "write"}
	l.o.Scopes = []string{"write", "admin"}
	f := l.begin()
	q := query(t, f)
	for name, want := range map[string]string{
		"response_type": "code", "client_id": l.c.ClientID, "code_challenge_method": "S256",
		"scope": "read write admin offline_access", "prompt": "consent", "resource": l.URL(authtest.Resource),
		"redirect_uri": f.reg.Redirect,
	} {
		if q.Get(name) != want || len(q[name]) != 1 {
			t.Errorf("%s is %q, want %q", name, q[name], want)
		}
	}
	// 128 bits are 22 characters (RFC 6749 section 10.10), a verifier has 43 at
	// least (RFC 7636 section 4.1).
	if len(q.Get("state")) < 22 || len(f.verifier.Reveal()) < 43 || len(q.Get("code_challenge")) != 43 {
		t.Errorf("state of %d, verifier of %d, challenge of %d characters", len(q.Get("state")), len(f.verifier.Reveal()), len(q.Get("code_challenge")))
	}
	if strings.Contains(f.URL(), f.verifier.Reveal()) {
		t.Error("the verifier is in the URL")
	}
	if other := query(t, l.begin()); other.Get("state") == q.Get("state") || other.Get("code_challenge") == q.Get("code_challenge") {
		t.Error("two sign-ins have the same state or verifier")
	}
}

func TestScopesAreThoseGrantedAndChallengedElseThoseOfTheServer(t *testing.T) {
	for _, test := range []struct {
		granted, required string
		listed            []string
		want              string
	}{
		{"read", "", []string{"read", "write"}, "read"},
		{"read", "admin", nil, "read admin"},
		{"", "admin", []string{"read"}, "admin"},
		{"", "", []string{"read", "write"}, "read write"},
		{"", "", nil, ""},
		{"read", "", []string{"offline_access"}, "read offline_access"},
		{"read offline_access", "", nil, "read offline_access"},
	} {
		b := beginning{place: discovery.SignIn{Challenged: strings.Fields(test.required), ResourceScopes: test.listed}}
		b.place.Scopes, b.c.Scopes = test.listed, strings.Fields(test.granted)
		if got := strings.Join(b.scopes(), " "); got != test.want {
			t.Errorf("%+v: asks for %q", test, got)
		}
	}
}

func TestWhatTheEndpointsOwnQuerySaysStays(t *testing.T) {
	b := beginning{place: discovery.SignIn{}}
	b.place.AuthorizationURL = "https://auth.example/authorize?tenant=a%20b&prompt=login"
	b.c.Scopes = []string{"offline_access"}
	u, err := url.Parse(b.ask("state", credfiles.NewSecret("verifier-EXAMPLE")))
	if err != nil {
		t.Fatal(err)
	}
	if q := u.Query(); q.Get("tenant") != "a b" || !slices.Equal(q["prompt"], []string{"login"}) || q.Get("state") != "state" {
		t.Errorf("asks %s", u)
	}
}

// The two sides of RFC 9207 section 2.4, with and without the promise.
func TestAnAnswerOfAnotherIssuerIsNotLookedAt(t *testing.T) {
	for _, test := range []struct {
		promised bool
		iss      authtest.Iss
		deny     string
		wants    string // of the error; "" for a code
	}{
		{false, authtest.NoIss, "", ""},
		{false, authtest.OwnIss, "", ""},
		{false, authtest.WrongIss, "", "from another server (https://elsewhere.example)"},
		{true, authtest.OwnIss, "", ""},
		{true, authtest.NoIss, "", "does not say who it is from"},
		{true, authtest.WrongIss, "", "from another server"},
		{true, authtest.WrongIss, "access_denied", "from another server"},
		{true, authtest.NoIss, "access_denied", "does not say who it is from"},
		{true, authtest.OwnIss, "access_denied", "did not let you in"},
		{false, authtest.NoIss, "server_error", "try again later"},
		{false, authtest.NoIss, "invalid_scope", "credential.scope"},
	} {
		l := newLab(t, authtest.Options{Authorization: authtest.Authorization{AdvertiseIss: test.promised, Iss: test.iss, Deny: test.deny}})
		f := l.begin()
		browse(t, f.URL())
		in, err := f.Wait(t.Context())
		switch {
		case test.wants == "" && (err != nil || in.Code.Value.IsZero()):
			t.Errorf("%+v: %v", test, err)
		case test.wants != "" && (err == nil || !strings.Contains(err.Error(), test.wants)):
			t.Errorf("%+v: %v", test, err)
		}
	}
}

func TestAnIssuerIsComparedLetterByLetter(t *testing.T) {
	l := newLab(t, authtest.Options{})
	f := l.begin()
	u := back(t, f)
	q := u.Query()
	q.Set("iss", l.Issuer()+"/")
	u.RawQuery = q.Encode()
	if err := f.Paste(u.String()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Wait(t.Context()); err == nil {
		t.Error("a slash more, and it is taken")
	}
}

func TestAServerThatDoesNotCheckPKCEIsRefused(t *testing.T) {
	l := newLab(t, authtest.Options{Discovery: authtest.Discovery{NoPKCE: true}})
	l.refuses("PKCE", "--anyway")
	l.o.Anyway = true
	l.begin()
	if err := guards(discovery.SignIn{Endpoints: discovery.Endpoints{Metadata: discovery.Metadata{ChallengeMethods: []string{"plain"}}}}, Options{Anyway: true}); err == nil {
		t.Error("a server that takes plain challenges only is not refused")
	}
}

func TestAServerWithoutMetadataIsSignedInToAsInMarch2025(t *testing.T) {
	l := newLab(t, authtest.Options{Discovery: authtest.Discovery{ResourceMetadata: authtest.NoResourceMetadata, ServerMetadata: authtest.NoServerMetadata}})
	f := l.begin()
	if !strings.HasPrefix(f.URL(), l.URL(authtest.Authorize)+"?") || query(t, f).Get("resource") != "" {
		t.Errorf("goes to %s", f.URL())
	}
	browse(t, f.URL())
	if in, err := f.Wait(t.Context()); err != nil || in.Post.TokenURL != l.URL(authtest.Token) {
		t.Errorf("%v, %+v", err, in.Post)
	}
}

func TestAServerThatIsDownIsTroubleForNow(t *testing.T) {
	l := newLab(t, authtest.Options{})
	l.Behave(authtest.Metadata, authtest.Behaviour{Answer: authtest.Status(503)})
	_, err := l.begins()
	if _, temporary := errors.AsType[*discovery.TemporaryError](err); !temporary {
		t.Errorf("%v", err)
	}
}

func TestNobodyIsWaitedForForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &Flow{answered: make(chan answer, 1)}
		began := time.Now()
		if _, err := f.Wait(context.Background()); err == nil || time.Since(began) != Patience {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(time.Minute, cancel)
		if _, err := f.Wait(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}
