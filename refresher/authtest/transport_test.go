package authtest

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// wrote posts a refresh and tells what httptrace said of writing it: "never",
// "broken" or "written".
func wrote(t *testing.T, rt http.RoundTripper, g Grant) (string, error) {
	t.Helper()
	told := "never"
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			told = "written"
			if info.Err != nil {
				told = "broken"
			}
		},
	})
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {g.RefreshToken}, "client_id": {g.ClientID}}
	req, err := http.NewRequestWithContext(ctx, "POST", g.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := rt.RoundTrip(req)
	if err == nil {
		defer res.Body.Close()
		_, err = io.ReadAll(res.Body)
	}
	return told, err
}

func TestACallerCanTellSurelyNotSentFromMaybeConsumed(t *testing.T) {
	for _, test := range []struct {
		name      string
		reach     Reach
		behaviour Behaviour
		wrote     string
		err       error
		consumed  bool
		delivery  Delivery
	}{
		{"healthy", Reachable, Behaviour{}, "written", nil, true, Whole},
		{"refused", Refused, Behaviour{}, "never", syscall.ECONNREFUSED, false, Pending},
		// net/http calls a small request written before it is flushed
		{"broken", Broken, Behaviour{}, "written", nil, false, Pending},
		{"drop before", Reachable, Behaviour{Fault: DropBefore}, "written", io.EOF, false, Withheld},
		{"drop after", Reachable, Behaviour{Fault: DropAfter}, "written", io.EOF, true, Withheld},
		{"cut", Reachable, Behaviour{Fault: Cut}, "written", io.ErrUnexpectedEOF, true, CutShort},
		{"cut after tokens", Reachable, Behaviour{Fault: CutAfterTokens}, "written", io.ErrUnexpectedEOF, true, TokensOnly},
		{"garbled", Reachable, Behaviour{Fault: Garble}, "written", nil, true, Garbled},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := memory(t, Policy{})
			g := s.Grant(GrantOptions{})
			s.Behave(Token, test.behaviour)
			if err := s.SetReach(test.reach); err != nil {
				t.Fatal(err)
			}
			told, err := wrote(t, s.Transport(), g)
			right := errors.Is(err, test.err)
			if test.reach == Broken {
				right = err != nil // that of reading or that of writing, whichever comes first
			}
			if told != test.wrote || !right {
				t.Errorf("writing: %s, error %v; want %s, %v", told, err, test.wrote, test.err)
			}
			if consumed := s.Current(g.ID).RefreshToken != g.RefreshToken; consumed != test.consumed {
				t.Errorf("consumed: %v, want %v", consumed, test.consumed)
			}
			if d := s.Last(g.ID).Delivery; d != test.delivery {
				t.Errorf("delivery %q, want %q", d, test.delivery)
			}
		})
	}
}

func TestACutAnswerHasTheTokensWholeOrNot(t *testing.T) {
	for fault, whole := range map[Fault]bool{Cut: false, CutAfterTokens: true} {
		for _, shape := range []Shape{{}, {Nested: true}, {Form: true}} {
			s := memory(t, Policy{Reuse: PreviousUntilUsed})
			g := s.Grant(GrantOptions{})
			s.Next(Token, Behaviour{Fault: fault, Shape: shape})
			body := refresh(s, g, g.RefreshToken).body
			now := s.Current(g.ID)
			token := now.RefreshToken
			if shape.Form {
				token = url.QueryEscape(token)
			}
			if access, refresh := strings.Contains(body, now.AccessToken), strings.Contains(body, token); !access || refresh != whole {
				t.Errorf("%s %+v: access token whole: %v, refresh token whole: %v", fault, shape, access, refresh)
			}
			if strings.Contains(body, "token_type") {
				t.Errorf("%s %+v: not cut", fault, shape)
			}
		}
	}
}

func TestASilentServerLastsAsLongAsTheCaller(t *testing.T) {
	for _, test := range []struct {
		name      string
		reach     Reach
		behaviour Behaviour
		consumed  bool
		delivery  Delivery
	}{
		{"never connected", Silent, Behaviour{}, false, Pending},
		{"never handled", Reachable, Behaviour{Delay: Forever}, false, Withheld},
		{"never answered", Reachable, Behaviour{DelayAfter: Forever}, true, Withheld},
		{"stopped within the tokens", Reachable, Behaviour{Fault: Cut, Hang: true}, true, CutShort},
		{"stopped behind the tokens", Reachable, Behaviour{Fault: CutAfterTokens, Hang: true}, true, TokensOnly},
		{"handled after the caller left", Reachable, Behaviour{Delay: time.Hour}, true, Withheld},
		{"answered after the caller left", Reachable, Behaviour{DelayAfter: time.Hour}, true, Withheld},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := memory(t, Policy{})
				g := s.Grant(GrantOptions{})
				s.Behave(Token, test.behaviour)
				s.SetReach(test.reach)
				start := time.Now()
				client := http.Client{Transport: s.Transport(), Timeout: 45 * time.Second}
				res, err := client.PostForm(g.TokenURL, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {g.RefreshToken}, "client_id": {g.ClientID}})
				if err == nil {
					_, err = io.ReadAll(res.Body)
					res.Body.Close()
				}
				if err == nil || time.Since(start) != 45*time.Second {
					t.Errorf("error %v after %v, want one after 45s", err, time.Since(start))
				}
				time.Sleep(2 * time.Hour)
				if consumed := s.Current(g.ID).RefreshToken != g.RefreshToken; consumed != test.consumed {
					t.Errorf("consumed: %v, want %v", consumed, test.consumed)
				}
				if d := s.Last(g.ID).Delivery; d != test.delivery {
					t.Errorf("delivery %q, want %q", d, test.delivery)
				}
			})
		})
	}
}

func TestClosingEndsWhatHangs(t *testing.T) {
	s := memory(t, Policy{})
	g := s.Grant(GrantOptions{})
	s.Behave(Token, Behaviour{DelayAfter: Forever, BeforeAnswer: func() { go s.Close() }})
	if r := refresh(s, g, g.RefreshToken); r.err == nil {
		t.Errorf("status %d from a server that closed, want an error", r.status)
	}
	if _, err := s.Dial(t.Context(), "tcp", "auth.example:443"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a closed server: %v, want connection refused", err)
	}
}

func TestSeveralServersAreReachedByTheirHosts(t *testing.T) {
	one := New(t, Options{Memory: true, Origin: "https://one.example:8443", ResourceOrigin: "http://127.0.0.1:8080"})
	two := New(t, Options{Memory: true, Origin: "https://two.example", ResourceOrigin: "http://mcp.two.example"})
	client := http.Client{Transport: Network(one, two)}
	for _, s := range []*Server{one, two} {
		for _, e := range []Endpoint{Metadata, ResourceMetadata} {
			res, err := client.Get(s.URL(e))
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if s.Requests(e) != 1 {
				t.Errorf("%s did not arrive", s.URL(e))
			}
		}
	}
	one.Expect(Misdirected, "")
	if res, err := client.Get("https://three.example/.well-known/openid-configuration"); err == nil {
		res.Body.Close()
	}
}

func TestOnANetworkItIsTheSameServer(t *testing.T) {
	s := New(t, Options{})
	g := s.Grant(GrantOptions{})
	tr := &http.Transport{DisableKeepAlives: true}
	s.Next(Token, Behaviour{Fault: DropBefore}, Behaviour{Fault: Cut, Answer: Status(500)})
	if told, err := wrote(t, tr, g); told != "written" || err == nil {
		t.Errorf("dropped: %s, %v", told, err)
	}
	if told, err := wrote(t, tr, g); told != "written" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut: %s, %v", told, err)
	}
	if err := s.SetReach(Refused); err != nil {
		t.Fatal(err)
	}
	var op *net.OpError
	if told, err := wrote(t, tr, g); told != "never" || !errors.As(err, &op) || op.Op != "dial" {
		t.Errorf("refused: %s, %v", told, err)
	}
	if err := s.SetReach(Reachable); err != nil {
		t.Fatal(err)
	}
	if told, err := wrote(t, tr, g); told != "written" || err != nil {
		t.Errorf("reachable again: %s, %v", told, err)
	}
	if n := s.TokenPosts(g.ID); n != 3 {
		t.Errorf("%d posts arrived, want 3", n)
	}
	if now := s.Current(g.ID); now.RefreshToken == g.RefreshToken || !tries(s, now.AccessToken) {
		t.Error("the last refresh did not count")
	}
}

func TestItListensWhereItIsTold(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := StartOn(l, Options{IssuerPath: "/tenant"})
	defer s.Close()
	if want := "http://" + l.Addr().String() + "/tenant"; s.Issuer() != want {
		t.Errorf("issuer %s, want %s", s.Issuer(), want)
	}
	if other, err := Start(Options{Addr: l.Addr().String()}); err == nil {
		other.Close()
		t.Error("two servers on one address")
	}
}
