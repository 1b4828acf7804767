package doctor

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"lamplighter/doctor/dialect"
	"lamplighter/refresher/exchange"
)

// conclude makes findings, the tables and the verdict of what was seen.
func (r *round) conclude() {
	asked := slices.DeleteFunc(slices.Clone(r.ways), func(w *way) bool { return !w.asked })
	good := slices.DeleteFunc(slices.Clone(asked), func(w *way) bool { return !w.ok() })
	switch {
	case len(asked) == 0:
	case len(good) == 0:
		r.alone(asked[0])
	default:
		r.compared(asked, good)
		r.refreshed(good)
	}
	r.facts(good)
	r.tables()
	if len(asked) == 0 && len(r.x.Report.Findings) == 0 {
		r.x.Find(causeNothingSent, r.e.Client.TokenURL, missingOf(r.ways))
	}
	r.verdict(good)
}

func missingOf(ways []*way) string {
	var all []string
	for _, w := range ways {
		if w.Missing != nil {
			if s := missingWords(w.Missing); !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	return strings.Join(all, "; ")
}

func (r *round) find(c Cause, evidence string, args ...any) {
	for _, f := range r.x.Report.Findings {
		if f.Cause == c {
			return
		}
	}
	r.x.Find(c, r.e.Client.TokenURL, evidence, args...)
}

// answer is what a way came to, in few words: "400 AADSTS90009".
func (r *round) answer(w *way) string {
	switch {
	case !w.asked:
		return "not sent"
	case w.ok():
		return fmt.Sprint(w.status)
	case w.status == 0:
		return "no answer"
	case strings.HasPrefix(w.verdict.Code, "http-"):
		return fmt.Sprint(w.status)
	}
	return fmt.Sprintf("%d %s", w.status, r.saidBy(w.verdict))
}

// evidence is the answer to a way with its name.
func (r *round) evidence(w *way) string {
	s := r.answer(w)
	if w.asked && w.status == 0 {
		s += ": " + w.verdict.Code
	}
	if w.verdict.Detail != "" && !strings.HasPrefix(w.verdict.Subtype, "AADSTS") {
		s += ": " + r.x.Clean(w.verdict.Detail)
	}
	return w.Name + ": " + s
}

// alone finds the cause where no way worked: by the answer itself.
func (r *round) alone(w *way) {
	v, said := w.verdict, r.evidence(w)
	handed := w.from != nil && w.from.handed
	text := strings.ToLower(v.Detail)
	switch {
	case v.Kind == exchange.Refreshed:
	case w.status == 0 && (v.Code == exchange.FailureCertificate || v.Code == exchange.FailureTLS):
		r.find(causeTLS, said)
	case w.status == 0 && v.Kind != exchange.Misconfigured:
		r.find(causeUnreachable, said)
	case strings.Contains(text, "subscription key"):
		r.find(causeGatewayKey, said)
	case v.Subtype == "AADSTS7000222":
		r.find(causeSecretExpired, said)
	case v.Subtype == "AADSTS7000215":
		r.find(causeSecretWrong, said)
	case v.Subtype == "AADSTS90009":
		r.find(causeForItself, said)
	case v.Subtype == "AADSTS700025":
		r.find(causeNoSecretWanted, said)
	case v.Subtype == "AADSTS9010010", v.Subtype == "AADSTS901002", v.Code == "invalid_target" && w.Post.Resource != "":
		r.find(causeResourceRefused, said)
	case v.Code == "invalid_scope" && w.Post.Scope != "":
		r.find(causeScopeRefused, said)
	case v.Code == "unsupported_grant_type", v.Code == "unauthorized_client":
		r.find(causeGrantNotServed, said)
	case v.Kind == exchange.NeedsUser:
		r.find(causePolicy, said)
	case v.Kind == exchange.Dead && handed:
		r.find(causeHandedDead, said)
	case v.Kind == exchange.Dead:
		r.find(causeTokenUnknown, said)
	case v.Kind == exchange.ClientGone && handed:
		r.find(causeClientRefused, said)
	case v.Kind == exchange.ClientGone:
		r.find(causeClientForgotten, said)
	case w.status == http.StatusNotFound, w.status == http.StatusMethodNotAllowed, w.status == http.StatusGone, w.status == http.StatusNotImplemented:
		r.find(causeNoEndpoint, said)
	case w.status/100 == 3:
		r.find(causeMoved, said)
	case w.status == http.StatusTooManyRequests, v.Kind == exchange.Later && v.RetryAfter > 0:
		r.find(causeBusy, said)
	case w.status >= 500:
		r.find(causeServerError, said)
	case v.Code == "html":
		r.find(causePage, said)
	case strings.HasPrefix(v.Code, "http-"), v.Code == "no-token", v.Code == "empty", v.Code == "cut":
		r.find(causeNotOAuth, said)
	case v.Code == "invalid_request" && w.Post.Scope == "":
		r.find(causeRequestRefused, said)
	default:
		r.find(causeRefused, said)
	}
}

// An aspect is what a request has and another has not.
type aspect int

const (
	byAuth aspect = iota
	byScope
	byResource
)

// compared finds causes by setting a refused way beside one that worked and is
// as like it as can be.
func (r *round) compared(asked, good []*way) {
	for _, w := range asked {
		switch {
		case w.ok():
			continue
		case w.Name == dialect.NoTemplate:
			r.find(causeNoTemplate, r.evidence(w))
			continue
		case !w.Program && !(w.Name == dialect.Public && r.e.Secret.IsZero()):
			continue
		}
		like, differ := nearest(w, good)
		switch what := blamed(w, differ); {
		case w.verdict.Kind == exchange.Later, w.verdict.Kind == exchange.Ambiguous, w.verdict.Kind == exchange.Dead, w.verdict.Kind == exchange.NeedsUser, len(differ) == 0:
			r.alone(w)
		case what == byAuth && like.Post.Auth == exchange.None:
			r.find(causeNoSecretWanted, r.evidence(w))
		case what == byAuth && w.Post.Auth == exchange.Body:
			r.find(causeWantsBasic, r.evidence(w), r.those(asked, byBody), like.Name)
		case what == byAuth:
			r.find(causeWantsBody, r.evidence(w), r.those(asked, byBasic), like.Name)
		case what == byScope && w.Post.Scope != "":
			r.find(causeScopeRefused, r.evidence(w))
		case what == byScope && w.verdict.Subtype == "AADSTS90009":
			r.find(causeForItself, r.evidence(w))
		case what == byScope:
			r.find(causeNeedsScope, r.evidence(w))
		case w.Post.Resource != "":
			r.find(causeResourceRefused, r.evidence(w))
		default:
			r.find(causeNeedsResource, r.evidence(w))
		}
	}
}

func byBody(w *way) bool  { return w.Post.Auth == exchange.Body }
func byBasic(w *way) bool { return w.Post.Auth == exchange.Basic }

// those are the names of the programs that were refused and have that in common.
func (r *round) those(asked []*way, have func(*way) bool) string {
	var names []string
	for _, w := range asked {
		if !w.ok() && have(w) && w.Program {
			names = append(names, w.Title)
		}
	}
	return listed(names)
}

func listed(names []string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// nearest is the way that worked and differs in the fewest aspects.
func nearest(w *way, good []*way) (like *way, differ []aspect) {
	for _, g := range good {
		var d []aspect
		if g.Post.Auth != w.Post.Auth {
			d = append(d, byAuth)
		}
		if (g.Post.Scope == "") != (w.Post.Scope == "") {
			d = append(d, byScope)
		}
		if g.Post.Resource != w.Post.Resource {
			d = append(d, byResource)
		}
		if like == nil || len(d) < len(differ) {
			like, differ = g, d
		}
	}
	return like, differ
}

// blamed is the aspect that the answer speaks of, of those in which the two
// differ.
func blamed(w *way, differ []aspect) aspect {
	v := w.verdict
	speaks := byAuth
	switch {
	case v.Subtype == "AADSTS90009", v.Code == "invalid_scope":
		speaks = byScope
	case v.Subtype == "AADSTS9010010", v.Subtype == "AADSTS901002", v.Code == "invalid_target", v.Code == "invalid_resource":
		speaks = byResource
	case v.Kind == exchange.ClientGone:
	case slices.Contains(differ, byScope):
		speaks = byScope
	case slices.Contains(differ, byResource) && !slices.Contains(differ, byAuth):
		speaks = byResource
	}
	if !slices.Contains(differ, speaks) && len(differ) > 0 {
		return differ[0]
	}
	return speaks
}

// refreshed looks at what the refreshes brought.
func (r *round) refreshed(good []*way) {
	for _, w := range good {
		if !w.Program && len(good) > 1 {
			continue
		}
		granted := w.from.verdict.Token.Scope
		lost := missingScopes(granted, w.verdict.Token.Scope)
		switch {
		case w.from.audience != "" && w.audience != "" && w.from.audience != w.audience:
			r.find(causeOtherAudience, fmt.Sprintf("%s: aud %s, at the sign-in %s", w.Name, r.x.Clean(w.audience), r.x.Clean(w.from.audience)), w.Title)
		case lost != "":
			r.find(causeScopeLost, fmt.Sprintf("%s: scope %s, at the sign-in %s", w.Name, r.x.Clean(w.verdict.Token.Scope), r.x.Clean(granted)), r.x.Clean(lost), w.Title)
		case w.resource.done && !w.resource.taken && r.first != nil && r.first.resource.done && !r.first.resource.taken:
			r.find(causeTokenRefused, "sign-in: "+r.first.resource.said, r.x.Shown(r.e.Client.Server))
		case w.resource.done && !w.resource.taken:
			r.find(causeRefreshedRefused, w.Name+": "+w.resource.said, r.x.Shown(r.e.Client.Server))
		}
		if w.verdict.Lifetime == 0 {
			r.find(causeNoLifetime, w.Name+": no expires_in")
		}
	}
	if !r.e.Secret.IsZero() {
		for _, w := range good {
			if w.Post.Auth == exchange.None {
				r.find(causeSecretNotAsked, w.Name+": "+fmt.Sprint(w.status))
			}
		}
	}
}

// missingScopes are those that are in before and not in after, where both say
// something. Some servers never repeat those of OpenID Connect and
// offline_access.
func missingScopes(before, after string) string {
	if before == "" || after == "" {
		return ""
	}
	now := strings.Fields(strings.ReplaceAll(after, ",", " "))
	var lost []string
	for _, s := range strings.Fields(strings.ReplaceAll(before, ",", " ")) {
		if !slices.Contains(now, s) && !slices.Contains([]string{"offline_access", "openid", "profile", "email"}, s) {
			lost = append(lost, s)
		}
	}
	return strings.Join(lost, " ")
}

// codeRefused is the finding where the endpoint gave no token for a code.
func (r *round) codeRefused(w *way) {
	w.Planned = Planned{Dialect: dialect.Dialect{Name: "sign-in"}}
	w.asked = true
	switch v := w.verdict; {
	case v.Kind == exchange.ClientGone, v.Subtype == exchange.ClientAuthentication:
		if strings.HasPrefix(v.Subtype, "AADSTS70002") {
			r.alone(w)
			return
		}
		r.find(causeCodeClient, r.evidence(w))
	case v.Kind == exchange.Dead:
		r.find(causeCodeRefused, r.evidence(w))
	case v.Code == "unsupported_grant_type":
		r.find(causeNoSignIn, r.evidence(w))
	default:
		r.alone(w)
	}
}

// noRefreshToken is the finding where a sign-in brought none.
func (r *round) noRefreshToken(s *signed) {
	said := "the answer to the code has no refresh_token"
	if scope := s.verdict.Token.Scope; scope != "" {
		said += ", scope " + r.x.Clean(scope)
	}
	if slices.Contains(r.e.Client.Scopes, "offline_access") || slices.Contains(r.e.Place.Scopes, "offline_access") {
		r.find(causeOfflineRefused, said)
	} else {
		r.find(causeOfflineNotAsked, said)
	}
}
