package signin

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lamplighter/credfiles"
	"lamplighter/refresher/authtest"
)

// said checks that a notice has these words.
func (l *lab) said(words string) {
	l.t.Helper()
	if !strings.Contains(strings.Join(l.notices, "\n"), words) {
		l.t.Errorf("said %q, not %q", l.notices, words)
	}
}

func TestTheEntrysClientSignsInWhereItWasRegisteredToComeBack(t *testing.T) {
	l := newLab(t, authtest.Options{Registration: authtest.Registration{ExactRedirect: true}})
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	l.AddClient("by-hand", "", "http://"+free.Addr().String()+"/back")
	l.c.ClientID, l.c.RedirectURI = "by-hand", "http://"+free.Addr().String()+"/back"
	f := l.begin()
	if got := query(t, f).Get("redirect_uri"); got != l.c.RedirectURI {
		t.Errorf("comes back to %s", got)
	}
	if l.Requests(authtest.Register) != 0 || len(l.notices) > 0 {
		t.Errorf("registered %d, said %q", l.Requests(authtest.Register), l.notices)
	}
	if status, _ := browse(t, f.URL()); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
}

func TestAPortThatIsTakenGivesWayWhereTheServerLetsIt(t *testing.T) {
	for _, exact := range []bool{false, true} {
		l := newLab(t, authtest.Options{Registration: authtest.Registration{ExactRedirect: exact}})
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		was := "http://" + taken.Addr().String() + "/callback"
		l.AddClient("old", "", was)
		l.c.ClientID, l.c.RedirectURI = "old", was
		q := query(t, l.begin())
		if q.Get("redirect_uri") == was {
			t.Error("the taken one is used")
		}
		if kept := q.Get("client_id") == "old"; kept == exact {
			t.Errorf("exact %v: signs in as %s", exact, q.Get("client_id"))
		}
		if exact {
			l.said("redirect address; a new client is registered")
		}
	}
}

// Codex does not store the address that it registered.
func TestAClientComesBackToThePathThatItsProgramRegisters(t *testing.T) {
	for _, named := range []bool{false, true} {
		l := newLab(t, authtest.Options{Authorization: authtest.Authorization{AdvertiseIss: named}})
		l.c.RedirectURI, l.c.Callback, l.c.CallbackUnnamed = "", "http://127.0.0.1/callback", "http://127.0.0.1/callback/x"
		u, err := url.Parse(query(t, l.begin()).Get("redirect_uri"))
		if err != nil || strings.HasSuffix(u.Path, "/x") == named || u.Hostname() != "127.0.0.1" {
			t.Errorf("promises iss %v: comes back to %s", named, u)
		}
	}
}

func TestAClientThatStoresNoAddressIsAskedForUnderEach(t *testing.T) {
	for _, registered := range []string{"http://127.0.0.1:1/callback", "http://127.0.0.1:1/callback/x", "http://127.0.0.1:1/other"} {
		l := newLab(t, authtest.Options{})
		l.AddClient("old", "", registered)
		l.c.ClientID, l.c.RedirectURI, l.c.Callback, l.c.CallbackUnnamed = "old", "", "http://127.0.0.1/callback", "http://127.0.0.1/callback/x"
		q := query(t, l.begin())
		if kept := q.Get("client_id") == "old"; kept != (registered != "http://127.0.0.1:1/other") {
			t.Errorf("registered for %s: signs in as %s, comes back to %s", registered, q.Get("client_id"), q.Get("redirect_uri"))
		}
	}
}

// Slack takes nothing but the address that a person registered.
func TestThePortOfAClientRegisteredByHandIsNotChanged(t *testing.T) {
	l := newLab(t, authtest.Options{})
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	l.c.Preset, l.c.RedirectURI = true, "http://"+taken.Addr().String()+"/callback"
	l.refuses("address already in use", "--no-browser")
	l.o.PasteOnly = true
	if f := l.begin(); f.Listens() || query(t, f).Get("redirect_uri") != l.c.RedirectURI {
		t.Errorf("comes back to %s", query(t, f).Get("redirect_uri"))
	}
}

func TestAClientThatIsGoneIsRegisteredAnew(t *testing.T) {
	for _, known := range []bool{false, true} { // by a refresh before
		l := newLab(t, authtest.Options{})
		old := l.c.ClientID
		l.ExpireClient(old)
		l.o.ClientGone = known
		f := l.begin()
		if got := query(t, f).Get("client_id"); got == old {
			t.Error("the old one signs in")
		}
		l.said("a new client is registered")
		if asked := l.Requests(authtest.Authorize); known && asked > 0 {
			t.Errorf("the server was asked %d times about a client that it does not know", asked)
		}
		browse(t, f.URL())
		if in, err := f.Wait(t.Context()); err != nil || in.Registration.ClientID == old || in.Registration.Redirect != query(t, f).Get("redirect_uri") {
			t.Errorf("%v, %+v", err, in.Registration)
		}
	}
}

func TestARegistrationAsksForWhatItNeeds(t *testing.T) {
	l := newLab(t, authtest.Options{})
	l.c.ClientID = ""
	f := l.begin()
	var body map[string]any
	for i, r := range l.requests {
		if r.URL.String() == l.URL(authtest.Register) {
			if err := json.Unmarshal([]byte(l.bodies[i]), &body); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := map[string]any{
		"redirect_uris": []any{f.reg.Redirect}, "grant_types": []any{"authorization_code", "refresh_token"},
		"response_types": []any{"code"}, "token_endpoint_auth_method": "none", "application_type": "native",
		"client_name": "Lamplighter for Claude Code", "scope": "read write offline_access",
	}
	got, _ := json.Marshal(body)
	if text, _ := json.Marshal(want); string(text) != string(got) {
		t.Errorf("asks for %s\nwant %s", got, text)
	}
}

func TestAClientThatWasNotRegisteredByItselfIsNeverReplaced(t *testing.T) {
	for what, change := range map[string]func(l *lab){
		"gone": func(l *lab) { l.ExpireClient(l.c.ClientID) },
		"of another issuer": func(l *lab) {
			l.c.Issuer = "https://before.example"
		},
	} {
		l := newLab(t, authtest.Options{})
		change(l)
		l.c.Preset = true
		l.refuses("a person registered that client")
		if l.Requests(authtest.Register) != 0 {
			t.Errorf("%s: a new one was registered", what)
		}
	}
	l := newLab(t, authtest.Options{})
	l.c.ClientID = "https://client.example/metadata.json" // which this server does not take
	l.refuses("described by its makers")
	if l.Requests(authtest.Register) != 0 {
		t.Error("a new one was registered")
	}
}

func TestACredentialOfAnotherIssuerIsNotShownToThisOne(t *testing.T) {
	l := newLab(t, authtest.Options{})
	old := l.c.ClientID
	l.c.Issuer, l.c.ClientSecret = "https://before.example", credfiles.NewSecret("cs-EXAMPLE")
	f := l.begin()
	l.said("no longer at https://before.example; a new client is registered")
	for i, r := range l.requests {
		if strings.Contains(r.URL.String()+l.bodies[i], old) || strings.Contains(l.bodies[i], "cs-EXAMPLE") {
			t.Errorf("%s %s has the old client in it", r.Method, r.URL.Path)
		}
	}
	if f.reg.Issuer != l.Issuer() || !f.reg.Secret.IsZero() {
		t.Errorf("registered at %s", f.reg.Issuer)
	}
}

func TestTheClientsOwnDocumentComesBeforeARegistration(t *testing.T) {
	l := newLab(t, authtest.Options{Registration: authtest.Registration{ClientIDMetadata: true}})
	l.ExpireClient(l.c.ClientID)
	l.c.Document = "https://client.example/metadata.json"
	if got := query(t, l.begin()).Get("client_id"); got != l.c.Document {
		t.Errorf("signs in as %s", got)
	}
	if l.Requests(authtest.Register) != 0 {
		t.Error("a client was registered")
	}
	// It belongs to no issuer, so that it moves with the server.
	l.c.ClientID, l.c.Issuer = l.c.Document, "https://before.example"
	if got := query(t, l.begin()).Get("client_id"); got != l.c.Document {
		t.Errorf("signs in as %s", got)
	}
}

func TestARegistrationThatItsStoreCannotKeepIsNotMade(t *testing.T) {
	l := newLab(t, authtest.Options{})
	l.ExpireClient(l.c.ClientID)
	l.c.TakesClient = false
	l.refuses("keeps no other one", "sign in with Claude Code itself")
	if l.Requests(authtest.Register) != 0 {
		t.Error("a client was registered")
	}
	l = newLab(t, authtest.Options{Registration: authtest.Registration{RegistrationSecret: true}})
	l.ExpireClient(l.c.ClientID)
	l.c.TakesSecret = false
	l.refuses("no place to keep it")
}

func TestAClientWithASecretShowsItAtTheExchange(t *testing.T) {
	for _, style := range []authtest.ClientAuth{authtest.BasicOnly, authtest.PostOnly} {
		l := newLab(t, authtest.Options{
			Registration: authtest.Registration{RegistrationSecret: true}, Policy: authtest.Policy{ClientAuth: style},
		})
		l.c.ClientID = ""
		f := l.begin()
		if f.reg.Secret.IsZero() || f.post.Auth != string(style) {
			t.Errorf("%s: authenticates by %s", style, f.post.Auth)
		}
	}
}

func TestAServerThatRegistersNobodySaysWhatToDo(t *testing.T) {
	l := newLab(t, authtest.Options{Registration: authtest.Registration{NoRegistration: true}})
	l.c.ClientID = ""
	l.refuses("registers no clients by itself", "Claude Code")
	l = newLab(t, authtest.Options{})
	l.c.ClientID = ""
	l.Behave(authtest.Register, authtest.Behaviour{Answer: authtest.Status(403)})
	l.refuses("did not register a new client (status 403", "sign in with Claude Code itself")
}

func TestAWallForRobotsIsNoRefusal(t *testing.T) {
	for _, a := range []*authtest.Answer{
		authtest.Status(403), authtest.Status(429), authtest.Status(503), authtest.Status(404),
	} {
		l := newLab(t, authtest.Options{})
		l.Next(authtest.Authorize, authtest.Behaviour{Answer: a})
		if got := query(t, l.begin()).Get("client_id"); got != l.c.ClientID {
			t.Errorf("status %d: another client signs in", a.Status)
		}
	}
	l := newLab(t, authtest.Options{})
	l.Behave(authtest.Authorize, authtest.Behaviour{Fault: authtest.DropBefore})
	l.begin()
	l.said("could not be asked before")
}

// What the check sends must be of no use to anybody: its answer would be a code
// that nobody waits for.
func TestTheCheckHasAStateAndAChallengeOfItsOwn(t *testing.T) {
	l := newLab(t, authtest.Options{})
	f := l.begin()
	checks := 0
	for _, r := range l.requests {
		if strings.HasPrefix(r.URL.String(), l.URL(authtest.Authorize)) {
			checks++
			q, own := r.URL.Query(), query(t, f)
			if q.Get("state") == own.Get("state") || q.Get("code_challenge") == own.Get("code_challenge") || r.Header.Get("Cookie") != "" {
				t.Error("it has those of the sign-in")
			}
		}
	}
	if checks != 1 {
		t.Errorf("%d checks, want 1", checks)
	}
	if u, err := url.Parse(f.reg.Redirect); err != nil || u.Port() == "" {
		t.Errorf("comes back to %q", f.reg.Redirect)
	}
}

func TestRefusalsAreToldByTheirWords(t *testing.T) {
	for text, want := range map[string]string{
		`{"error":"invalid_client"}`:                                           "client any more",
		`<h1>invalid_redirect_uri</h1>`:                                        "redirect address",
		`Invalid client. The clientId provided does not match to this client.`: "client any more",
		`The requested redirect_uri is not registered`:                         "redirect address",
		`unknown client`: "client any more",
		`Please enable JavaScript to use our client`:                             "",
		`<title>Sign in</title>`:                                                 "",
		`Cannot open /authorize?client_id=c&redirect_uri=http%3A%2F%2F127.0.0.1`: "",
		`{"error":"invalid_request","error_description":"Invalid redirect URI"}`: "redirect address",
		`Client abc-123 not found`:                                               "client any more",
	} {
		got := ""
		for _, s := range refusals() {
			if got == "" && s.words.MatchString(text) {
				got = s.what
			}
		}
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
