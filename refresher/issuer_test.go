package refresher_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
)

// An entry of Codex before 0.149 names no issuer. Whoever gets hold of the
// MCP server's metadata must not get the refresh token.
func TestAnUnboundGrantStaysWithTheIssuerOfItsLastRefresh(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		thief := authtest.New(t, authtest.Options{Memory: true, Origin: "https://thief.example", ResourceOrigin: "https://rs.thief.example"})
		l.over(authtest.Network(s, thief))
		g := s.Grant(due)
		g.Issuer = ""
		l.codex(map[string]authtest.Grant{"linear": g})
		if out := l.refresh(linear); out.Did != refresher.Refreshed {
			t.Fatalf("did %s, %s, %v", out.Did, out.State, out.Err)
		}
		s.Set(func(o *authtest.Options) { o.AuthorizationServers = []string{thief.Issuer()} })
		time.Sleep(48 * time.Hour) // longer than any cache
		if out := l.refresh(linear); out.Did != refresher.Refreshed {
			t.Errorf("did %s, %s, %v", out.Did, out.State, out.Err)
		}
		if n := thief.Requests(authtest.Token); n != 0 {
			t.Errorf("another issuer was sent %d token requests", n)
		}
	})
}

// breaks cuts a token answer within its access token, with the refresh token
// before it.
type breaks struct {
	http.RoundTripper
	times int
}

func (b *breaks) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(req)
	if err != nil || req.Method != http.MethodPost || b.times == 0 || res.StatusCode != 200 || !strings.Contains(req.URL.Path, "token") {
		return res, err
	}
	b.times--
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	err = json.NewDecoder(res.Body).Decode(&answer)
	res.Body.Close()
	text := `{"refresh_token":"` + answer.Refresh + `","access_token":"` + answer.Access[:3]
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader([]byte(text)), broken{}), io.NopCloser(nil)}
	return res, err
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestANextRefreshTokenThatCameWithoutItsAccessTokenIsSentInThePlaceOfTheSpentOne(t *testing.T) {
	bubble(t, authtest.Options{}, func(t *testing.T, l *lab, s *authtest.Server) {
		l.over(&breaks{s.Transport(), 1})
		g := l.one(s, due)
		if out := l.refresh(linear); out.Did != refresher.Refreshed {
			t.Fatalf("did %s, %s, %s, %v", out.Did, out.State, out.Why, out.Err)
		}
		if n := s.TokenPosts(g.ID); n != 2 {
			t.Errorf("%d POSTs, want the one that broke off and the next", n)
		}
		now := s.Current(g.ID)
		if row := l.row(linear); !row.Refresh.Equal(credfiles.NewSecret(now.RefreshToken)) || row.State != refresher.Fresh {
			t.Errorf("afterwards %s, %s", row.State, row.Why)
		}
	})
}

// Claude Code signs in at such a server by guessing its endpoints, and keeps
// the guess.
func TestAServerWithoutMetadataIsAskedAsItsClientAsksIt(t *testing.T) {
	o := authtest.Options{Discovery: authtest.Discovery{ResourceMetadata: authtest.NoResourceMetadata, ServerMetadata: authtest.NoServerMetadata}}
	// Memory's two hosts would be two origins.
	s := authtest.New(t, o)
	l := newLab(t)
	g := s.Grant(due)
	l.claude(map[string]authtest.Grant{"linear": g})
	l.write(strings.ReplaceAll(l.read(claudeStore...), `"oauthMetadataFound":true`, `"oauthMetadataFound":false`), claudeStore...)
	if out := l.refresh(linearC); out.Did != refresher.Refreshed {
		t.Errorf("did %s, %s, %s, %v", out.Did, out.State, out.Memory.Detail, out.Err)
	}
}
