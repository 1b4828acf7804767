package doctor

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// conclude makes findings of what was seen. What the server itself says comes
// first, then what the secret shows, then what was tried.
func (v *visit) conclude(ctx context.Context) {
	v.judge(ctx)
	if v.walked {
		v.layout()
	}
	if v.skew.Abs() > time.Minute {
		v.Find(clockOff, "", fmt.Sprintf("Date: %s", v.nobody.header.Get("Date")), lasting(v.skew), behind(v.skew))
	}
	if !v.problem {
		v.fine()
	}
}

// lastWord begins the verdict with what works, where what was found is about
// something else.
func (v *visit) lastWord() {
	all := v.Report.Ranked()
	if v.problem || len(all) == 0 || !v.asked && v.nobody.works() || slices.Contains([]Cause{open, accepted, diesSoon}, all[0].Cause) {
		return
	}
	start := fmt.Sprintf("The server is there and asks for a secret (%d); but ", v.nobody.status)
	if v.asked {
		start = fmt.Sprintf("The server takes the secret (%d); but ", v.shown.status)
	}
	v.Report.Conclusion = start + lower(sentence(all[0].What(), all[0].Evidence))
}

func (v *visit) judge(ctx context.Context) {
	v.Step("shown otherwise")
	a := v.nobody
	if v.asked {
		a = v.shown
	}
	switch {
	case v.asked && a.works():
		v.worked()
	case v.nobody.works() && !v.asked:
		if !v.problem {
			v.Find(open, "", v.evidence(v.nobody))
		}
	case v.asked && v.nobody.works() && !a.temporary():
		v.blame(secretHurts, v.evidence(a)+" with it, "+fmt.Sprint(v.nobody.status)+" without")
	case v.asked && v.passed(a):
		v.Find(accepted, "", fmt.Sprintf("%s with it, %d without", v.evidence(a), v.nobody.status))
	case v.troubled(a):
	case !v.asked:
		v.asks(a)
	default:
		v.refused(ctx, a)
	}
}

// passed reports that the secret opened the door, and that what the server
// refuses is the request itself: without parameters, or by the wrong method.
func (v *visit) passed(a answer) bool {
	ours := []int{http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusConflict,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity}
	return v.nobody.status == http.StatusUnauthorized && slices.Contains(ours, a.status) && len(a.challenges) == 0 && a.reason() == ""
}

// blame is a finding that answers the question.
func (v *visit) blame(c Cause, evidence string, args ...any) {
	v.Find(c, "", evidence, args...)
	v.problem = true
}

// troubled reports what has nothing to do with the secret.
func (v *visit) troubled(a answer) bool {
	where := v.at.Path
	switch {
	case a.status == http.StatusProxyAuthRequired:
		v.blame(proxyAsks, v.evidence(a))
	case a.status == http.StatusNetworkAuthenticationRequired:
		v.blame(portal, v.evidence(a))
	case a.status == http.StatusTooManyRequests, a.reason() == isOverLimit:
		v.blame(tooMany, v.limit(a))
	case a.temporary():
		v.blame(serverDown, v.evidence(a))
	case a.status/100 == 3 && a.header.Get("Location") != "":
		to, err := v.at.Parse(a.header.Get("Location"))
		switch {
		case err != nil:
			return false
		case to.Hostname() == v.at.Hostname() && to.Scheme == v.at.Scheme:
			v.blame(moved, fmt.Sprintf("%d, Location: %s", a.status, v.Shown(to.String())), v.Shown(to.String()))
		default:
			v.blame(elsewhere, fmt.Sprintf("%d, Location: %s", a.status, v.Shown(to.String())), first(to.Hostname(), "Its target"))
		}
	case a.page() && a.header.Get("Cf-Mitigated") != "":
		v.blame(challenged, fmt.Sprintf("%d, Cf-Mitigated: %s", a.status, v.Clean(a.header.Get("Cf-Mitigated"))))
	case a.page():
		v.blame(page, v.evidence(a))
	case a.status == http.StatusMethodNotAllowed:
		v.blame(notAllowed, v.allow(a))
	case a.status == http.StatusNotFound && v.asked && v.nobody.status == http.StatusUnauthorized:
		v.blame(hidden, v.evidence(a)+" with it, 401 without")
	case a.status == http.StatusNotFound, a.status == http.StatusGone:
		v.blame(nothingThere, v.evidence(a), first(where, "/"))
	default:
		return false
	}
	return true
}

func (v *visit) limit(a answer) string {
	if wait := a.header.Get("Retry-After"); wait != "" {
		return fmt.Sprintf("%d, Retry-After: %s", a.status, v.Clean(wait))
	}
	return v.evidence(a)
}

func (v *visit) allow(a answer) string {
	if allow := a.header.Get("Allow"); allow != "" {
		return fmt.Sprintf("%d, Allow: %s", a.status, v.Clean(allow))
	}
	return fmt.Sprintf("%d to POST and to GET", a.status)
}

// asks says what a server wants of somebody who showed nothing.
func (v *visit) asks(a answer) {
	switch {
	case a.reason() == lacksGateway:
		v.blame(gatewayAsks, v.evidence(a), v.keyName(a))
	case a.status == http.StatusUnauthorized && len(a.challenges) > 0:
		// As it should: fine says so, unless there is something to say.
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden, a.reason() != "":
		v.blame(asksSomething, v.evidence(a))
	default:
		v.blame(notUnderstood, v.evidence(a))
	}
}

// worked says what is left to say when the server takes the secret.
func (v *visit) worked() {
	how := fmt.Sprintf("%d", v.shown.status)
	if v.flaw.cause != "" {
		v.shape("without that the server answers " + how)
		return
	}
	if v.nobody.works() {
		v.Find(open, "", fmt.Sprintf("%d without the secret, %d with it", v.nobody.status, v.shown.status))
		return
	}
	if v.isJWT && !v.ask.Renews && !slices.Contains(v.claims.scopes, "offline_access") && !v.claims.expiry.IsZero() {
		if left := v.claims.expiry.Sub(v.now); left < 24*time.Hour {
			v.Find(diesSoon, "", fmt.Sprintf("%s now, and exp is %s", how, v.claims.expiry.Format(time.RFC3339)), lasting(left))
		}
	}
}

func (v *visit) fine() {
	if len(v.Report.Findings) > 0 {
		return
	}
	if !v.asked {
		v.Report.Fine = fmt.Sprintf("The server is there and asks for a secret, as it should (%s).", v.evidence(v.nobody))
		return
	}
	what := "an API"
	if v.shown.isMCP() {
		what = "an MCP server"
	}
	v.Report.Fine = fmt.Sprintf("It works: %s answers %d to %s with the secret, and %d without it.", what, v.shown.status, v.shown.method, v.nobody.status)
}

// refused finds out why the server does not take the secret.
func (v *visit) refused(ctx context.Context, a answer) {
	if v.flaw.cause != "" && v.flaw.cause != secretPadded && v.flaw.cause != secretQuoted && v.flaw.cause != bearerTwice {
		v.shape("the server answers " + v.evidence(a))
		return
	}
	evidence := v.evidence(a)
	switch a.reason() {
	case lacksGateway:
		name := v.keyName(a)
		if v.ask.Gateway != "" {
			v.blame(nameOther, evidence, "the header "+v.ask.Gateway, "the header "+name)
			return
		}
		if v.ask.Place == KeyHeader || v.ask.Place == KeyQuery {
			v.misnamed(ctx, a, name)
			return
		}
		v.blame(gatewayMissing, evidence, name)
		return
	case wrongGateway:
		v.blame(gatewayWrong, evidence)
		return
	case isQuota:
		v.blame(quota, evidence)
		return
	case lacksScope:
		v.lacks(a)
		return
	}
	if v.isJWT && v.claims.ofUser {
		v.blame(idToken, "it has a nonce or an at_hash, which only ID tokens have"+v.answered())
		return
	}
	if v.schemeOther(ctx, a) || v.isJWT && (v.byClock(v.now) || v.byAudience(a)) {
		return
	}
	switch a.reason() {
	case isExpired:
		v.blame(tokenExpired, evidence, "")
		return
	case isTooEarly:
		v.blame(tooEarly, evidence, "")
		return
	case isElsewhere:
		v.blame(otherAudience, evidence, v.Shown(v.at.String()))
		return
	case isForeign:
		v.blame(otherIssuer, evidence, "another issuer")
		return
	}
	rightScheme := v.ask.Place == Bearer && a.asksFor("Bearer") || v.ask.Place == BasicPair && a.asksFor("Basic")
	if !rightScheme && (a.same(v.nobody) || a.reason() == isMissing) {
		v.misnamed(ctx, a, v.keyName(a))
		return
	}
	switch {
	case v.ask.Place == BasicPair:
		v.blame(wrongPassword, evidence)
	case v.ask.Place != Bearer:
		v.blame(keyRefused, evidence)
	case a.status == http.StatusForbidden:
		v.blame(forbidden, evidence)
	case a.reason() == isInvalid:
		v.blame(tokenRefused, evidence)
	default:
		v.blame(refusedMute, evidence)
	}
}

// lacks says which scope is missing, as far as the server tells.
func (v *visit) lacks(a answer) {
	want := first(a.param("scope"), a.text("needed"), a.header.Get("X-Accepted-OAuth-Scopes"), "more than it has")
	has := ""
	switch {
	case v.isJWT && len(v.claims.scopes)+len(v.claims.roles) > 0:
		has = "; the token has " + strings.Join(append(slices.Clone(v.claims.scopes), v.claims.roles...), " ")
	case first(a.text("provided"), a.header.Get("X-OAuth-Scopes")) != "":
		has = "; the token has " + first(a.text("provided"), a.header.Get("X-OAuth-Scopes"))
	}
	v.blame(scopeMissing, v.evidence(a)+v.Clean(has), v.Clean(want))
}

// schemeOther is for a server that asks for another scheme than the one used.
func (v *visit) schemeOther(ctx context.Context, a answer) bool {
	evidence := v.evidence(a)
	if len(a.challenges) == 0 && slices.Contains([]reason{"", isMissing, isInvalid}, a.reason()) { // only nobody is told the scheme
		a.challenges, evidence = v.nobody.challenges, v.evidence(v.nobody)+"; with the secret "+evidence
	}
	if len(a.challenges) == 0 {
		return false
	}
	used := map[Place]string{Bearer: "Bearer", BasicPair: "Basic"}[v.ask.Place]
	authorization := v.ask.Place == KeyHeader && strings.EqualFold(v.ask.Name, "Authorization")
	if authorization {
		used, _, _ = strings.Cut(v.secret, " ")
	}
	others := slices.ContainsFunc(a.schemes(), func(s string) bool {
		return slices.Contains([]string{"bearer", "basic", "digest", "negotiate", "ntlm", "dpop"}, strings.ToLower(s))
	})
	if used == "" && others && a.same(v.nobody) && v.keyName(a) == "" || used != "" && !a.asksFor(used) {
		if authorization && a.asksFor("Bearer") && !strings.Contains(v.secret, " ") {
			if b, err := v.showing(ctx, Bearer, "", v.secret); err == nil && b.works() {
				v.blame(bearerMissing, fmt.Sprintf("%s; with Bearer before it %d", evidence, b.status))
				return true
			}
		}
		if name := v.keyName(a); name != "" && used == "Bearer" {
			return false
		}
		asked := strings.Join(a.schemes(), " or ")
		if v.Challenge(strings.Join(a.header.Values("WWW-Authenticate"), ", ")) == mask {
			asked = "another scheme"
		}
		v.blame(schemeOther, evidence, shortened(asked, 80), v.how())
		return true
	}
	return false
}

// how is the way in which the secret was shown, for people.
func (v *visit) how() string {
	switch v.ask.Place {
	case Bearer:
		return "Authorization: Bearer"
	case BasicPair:
		return "Authorization: Basic"
	case KeyQuery:
		return "the parameter " + v.ask.Name
	}
	return "the header " + v.ask.Name
}

// byClock judges a token by its times, by the server's clock.
func (v *visit) byClock(now time.Time) bool {
	c := v.claims
	switch {
	case !c.expiry.IsZero() && !now.Before(c.expiry):
		v.blame(tokenExpired, fmt.Sprintf("exp is %s, %s ago%s", c.expiry.Format(time.RFC3339), lasting(now.Sub(c.expiry)), v.answered()), "")
	case !c.notBefore.IsZero() && now.Add(time.Second).Before(c.notBefore):
		v.blame(tooEarly, fmt.Sprintf("nbf is %s, in %s%s", c.notBefore.Format(time.RFC3339), lasting(c.notBefore.Sub(now)), v.answered()), "")
	default:
		return false
	}
	return true
}

func (v *visit) answered() string {
	if !v.asked {
		return ""
	}
	return "; " + v.evidence(v.shown)
}

// byAudience judges a token by whom it names, where the server's metadata, or
// its name, says who it is.
func (v *visit) byAudience(a answer) bool {
	c := v.claims
	want := first(v.meta.Resource, v.at.String())
	if len(c.audience) > 0 && !slices.ContainsFunc(c.audience, func(aud string) bool { return covers(aud, want) || covers(want, aud) }) {
		strange := slices.ContainsFunc(c.audience, isAddress) || slices.Contains(c.audience, graphID)
		if strange || a.reason() == isElsewhere {
			aud := strings.Join(c.audience, " ")
			if aud == graphID {
				aud += " (Microsoft Graph)"
			}
			v.blame(otherAudience, "aud is "+v.Clean(aud)+v.answered(), v.Shown(want))
			return true
		}
	}
	if tenant := v.tenantOf(a); tenant != "" && c.tenant != "" && !strings.EqualFold(tenant, c.tenant) {
		v.blame(otherTenant, "tid is "+v.Clean(c.tenant)+v.answered(), v.Clean(tenant))
		return true
	}
	if iss := v.meta.Issuer; iss != "" && c.issuer != "" && c.issuer != iss && strings.TrimSuffix(c.issuer, "/") != strings.TrimSuffix(iss, "/") && v.tenantOf(a) == "" {
		v.blame(otherIssuer, "iss is "+v.Clean(c.issuer)+v.answered(), v.Clean(iss))
		return true
	}
	return false
}

// graphID is Microsoft Graph's, as the audience of a token that was asked for
// without a scope of the API's.
const graphID = "00000003-0000-0000-c000-000000000000"

func isAddress(s string) bool {
	return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}

// covers reports whether b is a, or below it.
func covers(a, b string) bool {
	if a == b {
		return true
	}
	ua, err := url.Parse(a)
	ub, err2 := url.Parse(b)
	return err == nil && err2 == nil && ua.Host != "" && Origin(ua) == Origin(ub) &&
		strings.HasPrefix(strings.TrimSuffix(ub.Path, "/")+"/", strings.TrimSuffix(ua.Path, "/")+"/")
}

var tenantIn = expr(`(?i)(?:login\.microsoftonline\.com|sts\.windows\.net|login\.windows\.net|login\.microsoftonline\.us)/([0-9a-f]{8}-[0-9a-f-]{27})`)

// tenantOf is the Entra tenant that the server sends clients to.
func (v *visit) tenantOf(a answer) string {
	for _, s := range []string{a.param("authorization_uri"), a.param("authorization"), v.nobody.param("authorization_uri"), v.meta.Issuer} {
		if m := tenantIn().FindStringSubmatch(s); m != nil {
			return m[1]
		}
	}
	return ""
}
