package doctor

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/exchange"
)

// refresh sends the refresh token of s in one way, once.
func (r *round) refresh(ctx context.Context, w *way, s *signed) {
	if !r.waited(ctx, w.Name, s) {
		return
	}
	a, v := r.send(ctx, w, s.refresh)
	w.asked, w.status, w.verdict = true, a.Status, v
	w.from, w.audience = s, audienceOf(v.Token.Access)
	if v.Kind == exchange.Refreshed {
		r.succeeded(ctx, w, s)
		return
	}
	r.x.Noted("%s", failure(w))
	r.brief()
	if said := v.Code + v.Subtype + v.Detail; r.refused[said] {
		r.brief("error", "error_description", "error_codes", "suberror")
	} else {
		r.refused[said] = true
	}
	switch v.Kind {
	case exchange.Dead, exchange.Later, exchange.Ambiguous:
		s.refresh, s.unsure = credfiles.Secret{}, v.Kind == exchange.Ambiguous
	default:
		if v.Consumed {
			s.refresh, s.unsure = credfiles.Secret{}, true
		}
	}
}

// waited waits as long as was asked for, and reports false where it was told
// to end.
func (r *round) waited(ctx context.Context, name string, s *signed) bool {
	if r.e.Wait > 0 && !s.handed {
		r.e.Tell(Happening{Way: name, Waits: r.e.Wait})
		select {
		case <-time.After(r.e.Wait):
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

// send is one POST of a refresh token that is not over.
func (r *round) send(ctx context.Context, w *way, token credfiles.Secret) (exchange.Answer, exchange.Verdict) {
	if r.over[token.Reveal()] {
		panic("a spent refresh token would be sent")
	}
	return r.post(ctx, w, token)
}

// post is one POST of a refresh token, announced and written down.
func (r *round) post(ctx context.Context, w *way, token credfiles.Secret) (exchange.Answer, exchange.Verdict) {
	r.e.Tell(Happening{Way: w.Name, Refresh: true})
	r.x.Step(w.Name)
	a := exchange.Send(ctx, r.x, w.Post, token, r.e.Secret)
	v := exchange.Judge(w.Post, a)
	r.keep(v)
	next := v.Token.Refresh
	rotated := v.Kind == exchange.Refreshed && !next.IsZero() && !next.Equal(token)
	if rotated || v.Consumed || v.Kind == exchange.Dead {
		r.over[token.Reveal()] = true
	}
	return a, v
}

// forget takes the steps from mark on out of the report: they say nothing
// that does not stand there already.
func (x *Recorder) forget(mark int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.Report.Steps, x.last = x.Report.Steps[:mark], nil
}

// brief leaves out of the last request what its note says better.
func (r *round) brief(also ...string) {
	r.x.mu.Lock()
	defer r.x.mu.Unlock()
	if r.x.last == nil {
		return
	}
	q := r.x.Report.Steps[r.x.last.step].Request
	q.Answer = slices.DeleteFunc(q.Answer, func(line string) bool {
		name, _, _ := strings.Cut(line, ":")
		return line == "Content-Type: application/json" || slices.Contains([]string{"access_token", "refresh_token", "id_token", "token_type"}, name) || slices.Contains(also, name)
	})
}

// keep makes the tokens of an answer secrets of the report.
func (r *round) keep(v exchange.Verdict) {
	r.x.Keep(Secret{Name: "ACCESS_TOKEN", Value: v.Token.Access.Reveal()})
	r.x.Keep(Secret{Name: "REFRESH_TOKEN", Value: v.Token.Refresh.Reveal()})
	r.x.Keep(Secret{Name: "REFRESH_TOKEN", Value: v.Successor.Reveal()})
}

func (r *round) succeeded(ctx context.Context, w *way, s *signed) {
	next := w.verdict.Token.Refresh
	w.rotated = !next.IsZero() && !next.Equal(s.refresh)
	said := []string{"refreshed"}
	switch {
	case w.rotated:
		said = append(said, "a new refresh token")
	case next.IsZero():
		said = append(said, "no new refresh token")
	default:
		said = append(said, "the same refresh token")
	}
	said = append(said, livesOf(w.verdict)...)
	if w.audience != "" {
		said = append(said, "for "+r.x.Clean(w.audience))
	}
	if scope := w.verdict.Token.Scope; scope != "" {
		said = append(said, "scope "+r.x.Clean(scope))
	}
	r.x.Noted("%d %s: %s", w.status, http.StatusText(w.status), strings.Join(said, ", "))
	r.brief("expires_in", "scope", "Content-Type")
	if r.e.Client.Server != "" {
		w.resource = r.try(ctx, w.Name, w.verdict.Token.Access)
	}
	if !w.rotated {
		return
	}
	old := s.refresh
	s.refresh, s.newest = credfiles.Secret{}, next
	r.probe(ctx, w, s, old)
}

// probe sends the first spent refresh token once more where a person allows it,
// and looks what becomes of the newest.
func (r *round) probe(ctx context.Context, w *way, s *signed, old credfiles.Secret) {
	if r.e.Reuse == nil || r.probed || ctx.Err() != nil {
		return
	}
	if r.probed = true; !r.e.Reuse(w.Name) {
		return
	}
	_, v := r.post(ctx, w, old)
	if v.Kind == exchange.Refreshed {
		w.reuse = reuseTaken
		r.x.Noted("The spent refresh token was taken again: the server has a grace for it, or does not look.")
		if next := v.Token.Refresh; !next.IsZero() {
			s.newest = next
		}
		return
	}
	w.reuse = reuseRefused
	r.x.Noted("The spent refresh token was refused (%s).", r.saidBy(v))
	if v.Kind != exchange.Dead {
		return
	}
	a, v := r.send(ctx, w, s.newest)
	switch {
	case v.Kind == exchange.Refreshed:
		r.x.Noted("The newest refresh token still works.")
		if next := v.Token.Refresh; !next.IsZero() {
			s.newest = next
		}
	case v.Kind == exchange.Dead:
		w.reuse = reuseEnds
		r.x.Noted("The newest refresh token does not work any more: the reuse ended the sign-in (%s).", r.saidBy(v))
		s.newest = credfiles.Secret{}
	default:
		r.x.Noted("What became of the newest refresh token is not clear: %s.", a)
	}
}

// What the server does about a spent refresh token.
const (
	reuseTaken   = "taken again"
	reuseRefused = "refused"
	reuseEnds    = "refused, and the sign-in ended"
)

// lifeOf is how long the access token was made for; empty where nobody says.
func lifeOf(v exchange.Verdict) string {
	if v.Lifetime <= 0 {
		return ""
	}
	return span(v.Lifetime)
}

// livesOf says how long the tokens of an answer live, as far as it tells.
func livesOf(v exchange.Verdict) (said []string) {
	if life := lifeOf(v); life != "" {
		said = append(said, "good for "+life)
	}
	if end := v.Token.RefreshExpiry; !end.IsZero() {
		said = append(said, "the refresh token for "+span(time.Until(end).Round(time.Minute)))
	}
	return said
}

// span is a length of time in two units at most.
func span(d time.Duration) string {
	d = d.Round(time.Second)
	units := []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}
	for i, u := range units {
		if d < u.of {
			continue
		}
		s := fmt.Sprintf("%d %s", d/u.of, u.name)
		if rest := d % u.of; i+1 < len(units) && rest >= units[i+1].of {
			s += fmt.Sprintf(" %d %s", rest/units[i+1].of, units[i+1].name)
		}
		return s
	}
	return "0 s"
}

// failure says in words what a refused refresh came to. What the answer says
// itself stands below it.
func failure(w *way) string {
	v := w.verdict
	if w.status == 0 {
		return "no answer: " + v.Code
	}
	s := fmt.Sprintf("%d %s", w.status, http.StatusText(w.status))
	if v.Code != "" && !strings.HasPrefix(v.Code, "http-") {
		s += ": " + v.Code
	}
	if words := aadstsWords(v.Subtype); words != "" {
		s += ", " + v.Subtype + ": " + words
	}
	return s
}

// saidBy is the answer in few words: "400 AADSTS90009".
func (r *round) saidBy(v exchange.Verdict) string {
	if strings.HasPrefix(v.Subtype, "AADSTS") {
		return v.Subtype
	}
	return v.Code
}
