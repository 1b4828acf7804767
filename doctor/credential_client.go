package doctor

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/discovery"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// madeUp is sent in the place of a refresh token. Three authorization servers
// answer it with invalid_grant where they know the client, and with
// invalid_client where they do not: oidc-provider 9.13.3, fosite 0.49.0 and
// workers-oauth-provider 1.2.3 (observed). It spends nothing, and it is plain
// to whoever reads the server's log.
const madeUp = "lamplighter-doctor-made-this-up"

// ask asks the token endpoint whether it knows the client, at most once a day:
// servers count refresh tokens that are wrong.
func (v *end) ask(ctx context.Context, found discovery.Endpoints) {
	post, err := exchange.Plan(v.row.Grant, exchange.Server{
		Issuer: found.Issuer, TokenURL: found.TokenURL, AuthMethods: found.AuthMethods, Resource: found.Resource,
	})
	r := rowFinder{v.Local, v.Recorder, v.row, credfiles.Title(v.row.Client)}
	if err != nil {
		if !v.reported("cannot-ask", "secret-unread") {
			r.cannotAsk(err.Error())
		}
		return
	}
	q := ledger.Question{Client: post.ClientID, Setup: post.Auth + " " + v.Ledger.Fingerprint(v.row.ClientSecret)}
	last, may, err := v.Ledger.Ask(post.TokenURL, q)
	host := hostOf(post.TokenURL)
	switch {
	case err != nil:
		v.Saw("client", "not asked: that it was asked could not be remembered: %v", err)
		return
	case !may && !last.Same(q):
		v.Saw("client", "not asked: %s was asked about another client %s, and is asked once a day", host, moment(last.At))
		return
	case !may && last.Kind == 0:
		v.Saw("client", "not asked: %s was asked %s, with no answer, and is asked once a day", host, moment(last.At))
		return
	case !may:
		v.Saw("client", "%s was asked with a made-up refresh token %s, and is asked once a day: %d %s", host, moment(last.At), last.Status, v.Clean(last.Code))
	default:
		if v.o.Announce != nil {
			v.o.Announce(host)
		}
		v.Step("client")
		answer := exchange.Send(ctx, v.Recorder, post, credfiles.NewSecret(madeUp), v.row.ClientSecret)
		verdict := exchange.Judge(post, answer)
		last = q
		last.Status, last.Kind, last.Code, last.Subtype, last.Detail = answer.Status, int(verdict.Kind), verdict.Code, verdict.Subtype, verdict.Detail
		if err := v.Ledger.Answered(post.TokenURL, last); err != nil {
			v.Saw("client", "the answer could not be remembered: %v", err)
		}
		v.noteClock(verdict.Skew, host)
	}
	v.answered(r, last, found.AuthMethods)
}

// answered is what the endpoint's answer says of the client.
func (v *end) answered(r rowFinder, q ledger.Question, methods []string) {
	evidence := strings.TrimSpace(fmt.Sprintf("%d %s", q.Status, v.Clean(q.Code)))
	if q.Detail != "" {
		evidence += ": " + v.Clean(q.Detail)
	}
	switch exchange.Kind(q.Kind) {
	case exchange.Dead, exchange.NeedsUser:
		v.knows = true
		v.Saw("client", "it is known: a made-up refresh token is refused as such (%s)", evidence)
	case exchange.ClientGone:
		cause, more := r.clientGone(q.Code, q.Subtype+" "+q.Detail, methods)
		if !v.reported(cause) {
			r.findClient(cause, cmp.Or(more, evidence))
		}
	case exchange.Misconfigured:
		v.misconfigured(r, q, evidence)
	case exchange.Refreshed:
		r.find("takes-anything", evidence)
	default:
		if !v.reported("unreachable", "untrusted", "proxy-refuses", "told-to-wait", "unclear") {
			r.find("no-clear-answer", evidence)
		}
	}
}

// misconfigured tells apart why an endpoint does not take the question.
func (v *end) misconfigured(r rowFinder, q ledger.Question, evidence string) {
	cause := Cause("request-refused")
	switch {
	case q.Subtype == exchange.ClientAuthentication:
		cause = "client-auth"
	case q.Code == "unsupported_grant_type":
		cause = "refresh-not-served"
	case q.Status == 404 || q.Status == 405 || q.Status == 410:
		cause = "no-endpoint"
	}
	if !v.reported(cause) {
		r.find(cause, evidence)
	}
}

// noteClock compares clocks where the resource's answer did not.
func (v *end) noteClock(skewed time.Duration, host string) {
	if skewed.Abs() > skew && !v.reported("clock", clockOff) {
		v.Find("clock", v.row.ID, strings.Replace(v.apart(skewed), "the server's", host+"'s", 1), v.Say.Span(skewed))
	}
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}
