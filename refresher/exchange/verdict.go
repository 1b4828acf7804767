package exchange

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lamplighter/credfiles"
)

// A Kind is what an answer means for the refresh token that was sent.
type Kind int

// The zero Kind is no verdict at all.
const (
	Refreshed     Kind = iota + 1 // spent if the answer carried another, else as good as before
	Dead                          // never to be sent again
	NeedsUser                     // kept: a policy wants the user to sign in
	ClientGone                    // kept: the server does not know the client any more
	Misconfigured                 // kept, and not sent until something changes
	Later                         // good: try again later
	Ambiguous                     // may have been spent, and nobody holds its successor
)

var kindNames = [...]string{"no verdict", "refreshed", "dead", "needs the user", "client gone", "misconfigured", "later", "ambiguous"}

func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return "verdict " + strconv.Itoa(int(k))
	}
	return kindNames[k]
}

// A Verdict is what an [Answer] means. Its text parts come from the server
// and are cleaned: they hold no token and no control character. It prints
// without its tokens in every verb of fmt.
type Verdict struct {
	Kind Kind

	// Token is what a Refreshed answer carried. Its Refresh is zero where the
	// answer had none, null or an empty one: then the old one stays good.
	Token credfiles.Token
	// Successor is the next refresh token where an Ambiguous answer carried it
	// whole and its access token not: the one to send next, if it differs from
	// the one that was sent.
	Successor credfiles.Secret
	// Lifetime is how long the access token was made for; zero where unknown.
	Lifetime time.Duration
	// Partial means that a part of a Refreshed answer is missing, which may
	// have told when the tokens end.
	Partial bool

	Code    string // the server's error code, else one of ours: a failure's class, "http-404", "html", "cut"
	Subtype string // what narrows Code down: "AADSTS50076", "basic_action", "invalid_rapt", ClientAuthentication
	Detail  string // the server's description, shortened and masked

	// RetryAfter is what the server asks for, between one second and six
	// hours; zero where it asks for nothing. It comes with any Kind.
	RetryAfter time.Duration
	// RepeatAtOnce means that the answer was cut or never came: an Ambiguous
	// refresh token may be sent once more in the same hold, since a server's
	// grace for a lost answer runs from the first use.
	RepeatAtOnce bool
	// Consumed means that the refresh token may have been used up although
	// nothing came of it: always with Ambiguous, and where a server looks at
	// the rest of a request only after that.
	Consumed bool
	// Skew is how far the server's clock is ahead of ours, as far as its Date
	// shows: zero where it lies between sending and answering.
	Skew time.Duration
}

// ClientAuthentication is the Subtype where the server may have refused the
// way in which we authenticate, not the client.
const ClientAuthentication = "client-authentication"

// String is the verdict for a log.
func (v Verdict) String() string {
	s := v.Kind.String()
	if v.Code != "" {
		s += " (" + strings.TrimSpace(v.Code+" "+v.Subtype) + ")"
	}
	if v.Detail != "" {
		s += ": " + v.Detail
	}
	return s
}

// Format writes String in every verb.
func (v Verdict) Format(f fmt.State, _ rune) { io.WriteString(f, v.String()) }

// Judge says what a means as the answer to p. It looks at the error code
// before the HTTP status (invalid_grant comes with 200, 400, 401 and 403) and
// has no side effects, so that recovery can judge a journaled answer again.
func Judge(p Post, a Answer) Verdict {
	v := judge(p, a)
	if p.Grant == ClientCredentials {
		v = applied(v)
	}
	v.Skew = skew(a)
	if a.Status != 0 {
		v.RetryAfter = retryAfter(a)
	}
	if !a.Written && v.Kind == Ambiguous {
		v.Kind, v.RepeatAtOnce = Later, false
	}
	v.Consumed = v.Consumed && a.Written || v.Kind == Ambiguous
	if v.Kind != Ambiguous {
		v.Successor = credfiles.Secret{}
	}
	return v
}

// applied is a verdict where a client asked for itself: no refresh token is
// spent or dead then, and one that came all the same (RFC 6749 section 4.4.3)
// is of no use.
func applied(v Verdict) Verdict {
	v.Token.Refresh, v.Token.RefreshExpiry = credfiles.Secret{}, time.Time{}
	v.Successor, v.Consumed = credfiles.Secret{}, false
	switch {
	case v.Kind == Dead:
		v.Kind = ClientGone
	case v.Kind == Misconfigured && v.Subtype == ClientAuthentication:
		v.Kind = ClientGone // the likelier reason is a wrong secret
	}
	return v
}

func judge(p Post, a Answer) Verdict {
	if a.Status == 0 {
		return Verdict{Kind: failureKind(a), Code: a.Failure, RepeatAtOnce: a.Written}
	}
	top, whole := read(a)
	nothing := a.Open && len(a.Body) == 0 && a.Status/100 == 2 // no token endpoint means that
	cut := !whole && (a.Cut || a.Open) || nothing
	row := rowOf(a)
	if top == nil {
		if cut && !row.firm {
			return cutVerdict(a)
		}
		return Verdict{Kind: row.opaque, Code: statusCode(a), Detail: movedTo(a)}
	}

	var successor credfiles.Secret
	if a.Status/100 == 2 {
		if v, ok := success(top, whole, a.SentAt); ok {
			return v
		}
		if top.text("access_token") == "" && tokenFault(top) == "" {
			successor = credfiles.NewSecret(top.text("refresh_token"))
		}
	}
	if cut && !row.firm {
		v := cutVerdict(a)
		v.Successor = successor
		return v
	}
	secrets := top.secrets()
	v := Verdict{Successor: successor, Code: statusCode(a), Detail: clean(descriptionOf(top), secrets...)}
	if v.Detail == "" {
		v.Detail = movedTo(a)
	}
	code := codeOf(top, a.Status)
	m, known := meaningOf(code)
	switch {
	case known:
		v.Code, v.Kind, v.Consumed = strings.ToLower(code), m.kind, m.consumed
	case code != "":
		v.Code, v.Kind = cleanCode(code, secrets), row.coded
	default:
		v.Kind = row.spoke
	}
	v.Kind, v.Subtype = narrow(v.Kind, code, top)
	v.Subtype = cleanCode(v.Subtype, secrets)
	if v.Code == "invalid_client" && v.Kind == ClientGone && p.AuthBy == byDefault ||
		code == "" && a.Status == http.StatusUnauthorized && challenged(a, "basic") {
		v.Kind, v.Subtype = Misconfigured, ClientAuthentication
	}
	return v
}

// success reads a 2xx. A pair of tokens is one whatever else the answer says:
// it is the only copy. A single access token is one only if nothing says
// otherwise and nothing is missing.
func success(top *object, whole bool, sent time.Time) (Verdict, bool) {
	o := tokensIn(top, whole)
	if o == nil {
		return Verdict{}, false
	}
	if o.text("refresh_token") == "" && (codeOf(top, http.StatusOK) != "" || refused(top)) {
		return Verdict{}, false
	}
	if fault := tokenFault(o); fault != "" {
		// Sent again, it would do the same, and the server has rotated.
		return Verdict{Kind: Misconfigured, Code: fault, Consumed: true}, true
	}
	v := Verdict{Kind: Refreshed, Partial: !whole}
	v.Token, v.Lifetime = tokenOf(o, top, sent)
	return v, true
}

// cutVerdict is for an answer of which a part is missing. No code in it is
// believed: what narrows it down may come after it.
func cutVerdict(a Answer) Verdict {
	return Verdict{Kind: Ambiguous, Code: "cut", RepeatAtOnce: a.Failure != FailureTooLong}
}

// failureKind judges what never became an answer.
func failureKind(a Answer) Kind {
	switch {
	case a.Written:
		return Ambiguous
	case a.Failure == FailureRequest:
		return Misconfigured
	}
	return Later
}

func challenged(a Answer, scheme string) bool {
	for _, s := range a.Header.Challenges {
		if s == scheme {
			return true
		}
	}
	return false
}
