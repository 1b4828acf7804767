package authtest

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnEditedAnswerTellsOnlyWhatIsStillInIt(t *testing.T) {
	for _, test := range []struct {
		name string
		edit func(s *Server, grant string, a *Answer)
		told bool
	}{
		{"a byte order mark before it", func(_ *Server, _ string, a *Answer) { a.Body = append([]byte("\ufeff"), a.Body...) }, true},
		{"another refresh token in it", func(s *Server, grant string, a *Answer) {
			a.Body = bytes.ReplaceAll(a.Body, []byte(s.current(grant)), []byte("rt-EXAMPLE"))
		}, false},
		{"a web page", func(_ *Server, _ string, a *Answer) { *a = *HTML() }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := memory(t, Policy{Reuse: RefuseOnly})
			g := s.Grant(GrantOptions{})
			if test.told {
				s.Expect(Spent, g.ID)
			}
			s.Next(Token, Behaviour{Edit: func(a *Answer) { test.edit(s, g.ID, a) }})
			refresh(s, g, g.RefreshToken)
			if e := s.Last(g.ID); (e.Successor != "") != test.told || s.Current(g.ID).RefreshToken == g.RefreshToken {
				t.Errorf("told %q", e.Successor)
			}
			refresh(s, g, g.RefreshToken)
		})
	}
}

func (s *Server) current(grant string) string { return s.Current(grant).RefreshToken }

func TestAnAnswerEndsAtAnyByteAndTheLogKnowsWhatWasTold(t *testing.T) {
	s := memory(t, Policy{Reuse: Grace, Grace: time.Hour})
	size, body, end := 0, 0, 0
	measure := func(w Wired) ([]byte, Delivery) {
		size, body, end = len(w.Whole), w.Body, w.TokensEnd
		return w.Whole, Whole
	}
	g := s.Grant(GrantOptions{})
	s.Next(Token, Behaviour{Wire: measure})
	if r := refresh(s, g, g.RefreshToken); r.status != 200 || !tries(s, r.text("access_token")) {
		t.Fatalf("untouched: status %d, %v", r.status, r.err)
	}
	for n := range size {
		g := s.Grant(GrantOptions{})
		s.Next(Token, Behaviour{Wire: CutAt(n)})
		r := refresh(s, g, g.RefreshToken)
		want := CutShort
		if n >= end {
			want = TokensOnly
		}
		if r.err == nil || s.Last(g.ID).Delivery != want {
			t.Errorf("cut at %d of %d: %v, %s", n, size, r.err, s.Last(g.ID).Delivery)
		}
		if n >= body && len(r.body) != n-body {
			t.Errorf("cut at %d of %d: %d bytes of the body came", n, size, len(r.body))
		}
		both := strings.Contains(r.body, `"`+s.Current(g.ID).RefreshToken+`"`)
		if both != (want == TokensOnly) {
			t.Errorf("cut at %d of %d: the refresh token came whole: %v", n, size, both)
		}
	}
}

func TestAConnectionThatFallsSilentIsNoFlightOnceItsClientHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t, Policy{Reuse: Grace, Grace: time.Hour})
		g := s.Grant(GrantOptions{})
		s.Next(Token, Behaviour{Wire: CutAt(40), Hang: true})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		req := newPost(g.TokenURL, "grant_type=refresh_token&refresh_token="+g.RefreshToken+"&client_id="+g.ClientID)
		if _, err := s.Transport().RoundTrip(req.WithContext(ctx)); err == nil {
			t.Error("it answered")
		}
		if r := refresh(s, g, g.RefreshToken); r.status != 200 || len(s.Last(g.ID).Overlaps) > 0 {
			t.Errorf("the repeat: status %d, overlaps %v", r.status, s.Last(g.ID).Overlaps)
		}
		s.Close()
	})
}

func TestAServerClosesWhileAConnectionIsSilent(t *testing.T) {
	s := New(t, Options{})
	g := s.Grant(GrantOptions{})
	s.Next(Token, Behaviour{Wire: CutAt(0), Hang: true})
	go refresh(s, g, g.RefreshToken)
	for s.TokenPosts(g.ID) == 0 {
		time.Sleep(time.Millisecond)
	}
	s.Close()
}

func TestTheLogNamesTheProgramThatAsked(t *testing.T) {
	s := memory(t, Policy{})
	g := s.Grant(GrantOptions{})
	req := newPost(g.TokenURL, fmt.Sprintf("grant_type=refresh_token&refresh_token=%s&client_id=%s", g.RefreshToken, g.ClientID))
	req.Header.Set("User-Agent", "model/1")
	if do(s, req); s.Last(g.ID).Agent != "model/1" {
		t.Errorf("agent %q", s.Last(g.ID).Agent)
	}
}
