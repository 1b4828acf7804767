package exchange

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var (
	sent    = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	arrived = sent.Add(2 * time.Second)
	post    = Post{TokenURL: "https://as.example/token", Auth: None, AuthBy: "public", ClientID: "c1"}
)

const (
	asJSON = "application/json"
	asForm = "application/x-www-form-urlencoded"
	asHTML = "text/html; charset=utf-8"
)

// answered is an answer that came through whole.
func answered(status int, contentType, body string) Answer {
	return Answer{
		Status: status, Header: Header{ContentType: contentType}, Body: []byte(body),
		Written: true, SentAt: sent, At: arrived,
	}
}

func cut(a Answer, failure string) Answer {
	a.Cut, a.Failure = true, failure
	return a
}

func header(a Answer, change func(h *Header)) Answer {
	change(&a.Header)
	return a
}

func failed(failure string, written bool) Answer {
	a := Answer{At: arrived, Failure: failure, Written: written}
	if written {
		a.SentAt = sent
	}
	return a
}

// short is a verdict on one line: the kind, then what else there is.
func short(v Verdict) string {
	s := v.Kind.String()
	add := func(when bool, format string, args ...any) {
		if when {
			s += fmt.Sprintf(" "+format, args...)
		}
	}
	add(!v.Token.Access.IsZero(), "at=%s", v.Token.Access.Reveal())
	add(!v.Token.Refresh.IsZero(), "rt=%s", v.Token.Refresh.Reveal())
	add(!v.Successor.IsZero(), "next=%s", v.Successor.Reveal())
	add(!v.Token.Expiry.IsZero(), "in=%v", v.Token.Expiry.Sub(sent))
	add(v.Lifetime != 0 && v.Lifetime != v.Token.Expiry.Sub(sent), "life=%v", v.Lifetime)
	add(!v.Token.RefreshExpiry.IsZero(), "rt-in=%v", v.Token.RefreshExpiry.Sub(sent))
	add(v.Token.Scope != "", "scope=%q", v.Token.Scope)
	add(v.Code != "", "%s", v.Code)
	add(v.Subtype != "", "%s", v.Subtype)
	add(v.RetryAfter != 0, "after=%v", v.RetryAfter)
	add(v.RepeatAtOnce, "again")
	add(v.Consumed, "consumed")
	return s
}

type row struct {
	name   string
	answer Answer
	want   string
}

func check(t *testing.T, p Post, rows []row) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range rows {
		if seen[r.name] {
			t.Errorf("two rows are called %q", r.name)
		}
		seen[r.name] = true
		if got := short(Judge(p, r.answer)); got != r.want {
			t.Errorf("%s\n got: %s\nwant: %s", r.name, got, r.want)
		}
	}
}

// jwt is an unsigned token with these claims.
func jwt(claims string) string {
	return "eyJhbGciOiJub25lIn0." + b64(claims) + ".sig-EXAMPLE"
}

func TestWhatAProviderAnswersIsUnderstood(t *testing.T) {
	entra := func(rest string) Answer {
		return answered(400, asJSON+"; charset=utf-8", `{`+rest+`,"timestamp":"2026-11-20 12:00:00Z","trace_id":"0f1c","correlation_id":"9a7e"}`)
	}
	slack := func(code string) Answer { return answered(200, asJSON, `{"ok":false,"error":"`+code+`"}`) }
	goTrue := func(status int, code string) Answer {
		return answered(status, asJSON, fmt.Sprintf(`{"code":%d,"error_code":%q,"msg":"Invalid Refresh Token: said so"}`, status, code))
	}
	check(t, post, []row{
		// What the strict and the gracious server answered (recorded).
		{"oidc-provider 9.13.3, rotation",
			answered(200, asJSON, `{"access_token":"`+jwt(`{"aud":"x","iat":1,"exp":9}`)+`","expires_in":3600,"id_token":"x","refresh_token":"R2","scope":"mcp:read mcp:write","token_type":"Bearer"}`),
			"refreshed at=" + jwt(`{"aud":"x","iat":1,"exp":9}`) + ` rt=R2 in=1h0m0s scope="mcp:read mcp:write"`},
		{"oidc-provider, scope that was not granted",
			answered(400, asJSON, `{"error":"invalid_scope","error_description":"refresh token missing requested scope","scope":"admin"}`),
			"misconfigured invalid_scope"},
		{"oidc-provider, wrong resource burns the refresh token",
			answered(400, asJSON, `{"error":"invalid_target","error_description":"resource indicator is missing, or unknown"}`),
			"misconfigured invalid_target consumed"},
		{"oidc-provider, replay, garbage, expired, other client or revoked",
			answered(400, asJSON, `{"error":"invalid_grant","error_description":"grant request is invalid"}`),
			"dead invalid_grant"},
		{"oidc-provider, unknown client",
			answered(401, asJSON, `{"error":"invalid_client","error_description":"client authentication failed"}`),
			"client gone invalid_client"},
		{"oidc-provider, no client_id",
			answered(400, asJSON, `{"error":"invalid_request","error_description":"no client authentication mechanism provided"}`),
			"misconfigured invalid_request"},
		{"oidc-provider, public client with Basic",
			answered(400, asJSON, `{"error":"invalid_request","error_description":"client_secret must be provided in the Authorization header"}`),
			"misconfigured invalid_request"},
		{"oidc-provider, wrong secret",
			header(answered(401, asJSON, `{"error":"invalid_client","error_description":"client authentication failed"}`), func(h *Header) { h.Challenges = []string{"basic"} }),
			"client gone invalid_client"},
		{"oidc-provider, grant type not allowed",
			answered(400, asJSON, `{"error":"unsupported_grant_type","error_description":"unsupported grant_type requested"}`),
			"misconfigured unsupported_grant_type"},
		{"oidc-provider, offline_access missing: no refresh token in the answer",
			answered(200, asJSON, `{"access_token":"A2","expires_in":3600,"scope":"mcp:read","token_type":"Bearer"}`),
			`refreshed at=A2 in=1h0m0s scope="mcp:read"`},
		{"fosite 0.49.0, replay",
			answered(400, asJSON, `{"error":"invalid_grant","error_description":"The provided authorization grant is invalid. The refresh token was already used."}`),
			"dead invalid_grant"},
		{"fosite, garbage",
			answered(400, asJSON, `{"error":"invalid_grant","error_description":"The refresh token is malformed or not valid."}`),
			"dead invalid_grant"},
		{"fosite, unknown client", answered(401, asJSON, `{"error":"invalid_client"}`), "client gone invalid_client"},
		{"fosite, unsupported grant", answered(400, asJSON, `{"error":"invalid_request"}`), "misconfigured invalid_request"},
		{"workers-oauth-provider 1.2.3, rotation, echoes the resource",
			answered(200, asJSON, `{"access_token":"u:g:a","token_type":"bearer","expires_in":3600,"refresh_token":"u:g:r","scope":"","resource":"https://m.example/mcp"}`),
			"refreshed at=u:g:a rt=u:g:r in=1h0m0s"},
		{"workers-oauth-provider, superseded by a retry", answered(400, asJSON, `{"error":"invalid_grant","error_description":"Invalid refresh token"}`), "dead invalid_grant"},
		{"workers-oauth-provider, later login revoked it; Linear hosted MCP", answered(400, asJSON, `{"error":"invalid_grant","error_description":"Grant not found"}`), "dead invalid_grant"},
		{"workers-oauth-provider, format", answered(400, asJSON, `{"error":"invalid_grant","error_description":"Invalid token format"}`), "dead invalid_grant"},
		{"workers-oauth-provider, 30 days are over; Sentry MCP", answered(400, asJSON, `{"error":"invalid_grant","error_description":"Refresh token has expired"}`), "dead invalid_grant"},
		{"workers-oauth-provider, other client", answered(400, asJSON, `{"error":"invalid_grant","error_description":"Client ID mismatch"}`), "dead invalid_grant"},
		{"workers-oauth-provider, registration expired after 90 days",
			header(answered(401, asJSON, `{"error":"invalid_client","error_description":"Client not found"}`), func(h *Header) { h.Challenges = []string{"basic"} }),
			"client gone invalid_client"},
		{"workers-oauth-provider, resource not exactly the same", answered(400, asJSON, `{"error":"invalid_target","error_description":"The requested resource does not match"}`), "misconfigured invalid_target consumed"},
		{"workers-oauth-provider, scope", answered(400, asJSON, `{"error":"invalid_scope","error_description":"None of the requested scopes were granted"}`), "misconfigured invalid_scope"},
		{"workers-oauth-provider, unsupported grant", answered(400, asJSON, `{"error":"unsupported_grant_type"}`), "misconfigured unsupported_grant_type"},
		{"workers-oauth-provider, busy",
			header(answered(429, asJSON, `{"error":"temporarily_unavailable"}`), func(h *Header) { h.RetryAfter = "30" }),
			"later temporarily_unavailable after=30s"},

		// oauth.md 2.1 and users.md 1E, one by one.
		{"Linear API, 24 h", answered(200, asJSON, `{"access_token":"A2","token_type":"Bearer","expires_in":86399,"refresh_token":"R2","scope":"read,write"}`), `refreshed at=A2 rt=R2 in=23h59m59s scope="read,write"`},
		{"Notion MCP, reuse", answered(400, asJSON, `{"error":"invalid_grant","error_description":"OAuth grant revoked"}`), "dead invalid_grant"},
		{"Slack, user token at the top", answered(200, asJSON, `{"ok":true,"access_token":"xoxe.xoxp-2","expires_in":43200,"refresh_token":"xoxe-1-2","token_type":"user"}`), "refreshed at=xoxe.xoxp-2 rt=xoxe-1-2 in=12h0m0s"},
		{"Slack, nested in authed_user (claude-code#59725)",
			answered(200, asJSON, `{"ok":true,"access_token":"","authed_user":{"id":"U1","scope":"search:read,chat:write","access_token":"xoxp-2","token_type":"user","refresh_token":"xoxe-2","expires_in":43200},"team":{"id":"T1"}}`),
			`refreshed at=xoxp-2 rt=xoxe-2 in=12h0m0s scope="search:read,chat:write"`},
		{"Slack, a bot's token without rotation beside the user's pair",
			answered(200, asJSON, `{"ok":true,"access_token":"xoxb-1","token_type":"bot","authed_user":{"access_token":"xoxp-2","refresh_token":"xoxe-2","expires_in":43200}}`),
			"refreshed at=xoxp-2 rt=xoxe-2 in=12h0m0s"},
		{"Slack, nested without rotation", answered(200, asJSON, `{"ok":true,"authed_user":{"access_token":"xoxp-2"}}`), "refreshed at=xoxp-2"},
		{"Slack MCP, an hour and no refresh token (claude-code#29257)", answered(200, asJSON, `{"ok":true,"access_token":"xoxp-2","expires_in":3599}`), "refreshed at=xoxp-2 in=59m59s"},
		{"Slack invalid_refresh_token", slack("invalid_refresh_token"), "dead invalid_refresh_token"},
		{"Slack refresh_token_expired", slack("refresh_token_expired"), "dead refresh_token_expired"},
		{"Slack token_revoked", slack("token_revoked"), "dead token_revoked"},
		{"Slack account_inactive", slack("account_inactive"), "dead account_inactive"},
		{"Slack token_expired does not say which", slack("token_expired"), "needs the user token_expired"},
		{"Slack invalid_client_id", slack("invalid_client_id"), "client gone invalid_client_id"},
		{"Slack bad_client_secret", slack("bad_client_secret"), "client gone bad_client_secret"},
		{"Slack ratelimited", header(answered(429, asJSON, `{"ok":false,"error":"ratelimited"}`), func(h *Header) { h.RetryAfter = "7" }), "later ratelimited after=7s"},
		{"Slack ratelimited with 200", slack("ratelimited"), "later ratelimited"},
		{"Slack internal_error", slack("internal_error"), "ambiguous internal_error consumed"},
		{"Slack, a code that we do not know", slack("org_login_wanted"), "misconfigured org_login_wanted"},
		{"Slack, refused without a word", answered(200, asJSON, `{"ok":false}`), "ambiguous no-token consumed"},
		{"GitHub, JSON with a string for expires_in",
			answered(200, asJSON, `{"access_token":"ghu_2","expires_in":"28800","refresh_token":"ghr_2","refresh_token_expires_in":"15811200","scope":"","token_type":"bearer"}`),
			"refreshed at=ghu_2 rt=ghr_2 in=8h0m0s rt-in=4392h0m0s"},
		{"GitHub, form",
			answered(200, asForm, `access_token=ghu_2&expires_in=28800&refresh_token=ghr_2&refresh_token_expires_in=15811200&scope=&token_type=bearer`),
			"refreshed at=ghu_2 rt=ghr_2 in=8h0m0s rt-in=4392h0m0s"},
		{"GitHub bad_refresh_token, form, 200",
			answered(200, asForm+"; charset=utf-8", `error=bad_refresh_token&error_description=The+refresh+token+passed+is+incorrect+or+expired.&error_uri=https%3A%2F%2Fdocs.github.com`),
			"dead bad_refresh_token"},
		{"GitHub bad_refresh_token, JSON, 200", answered(200, asJSON, `{"error":"bad_refresh_token","error_description":"The refresh token passed is incorrect or expired."}`), "dead bad_refresh_token"},
		{"GitHub bad_refresh_token, JSON, 400", answered(400, asJSON, `{"error":"bad_refresh_token"}`), "dead bad_refresh_token"},
		{"GitHub incorrect_client_credentials", answered(200, asJSON, `{"error":"incorrect_client_credentials"}`), "client gone incorrect_client_credentials"},
		{"Auth0, 403", answered(403, asJSON, `{"error":"invalid_grant","error_description":"Unknown or invalid refresh token."}`), "dead invalid_grant"},
		{"Auth0 mfa_required", answered(403, asJSON, `{"error":"mfa_required","error_description":"Multifactor authentication required","mfa_token":"Fe26.2**EXAMPLE"}`), "needs the user mfa_required"},
		{"Okta", answered(400, asJSON, `{"error":"invalid_grant","error_description":"The refresh token is invalid or expired."}`), "dead invalid_grant"},
		{"Entra, success, an hour or so", answered(200, asJSON, `{"token_type":"Bearer","scope":"api://x/mcp","expires_in":4711,"ext_expires_in":4711,"access_token":"A2","refresh_token":"0.R2"}`), `refreshed at=A2 rt=0.R2 in=1h18m31s scope="api://x/mcp"`},
		{"Entra 700082 inactive", entra(`"error":"invalid_grant","error_description":"AADSTS700082: The refresh token has expired due to inactivity.","error_codes":[700082]`), "dead invalid_grant AADSTS700082"},
		{"Entra 70008", entra(`"error":"invalid_grant","error_description":"AADSTS70008: The provided authorization code or refresh token has expired.","error_codes":[70008],"suberror":"token_expired"`), "dead invalid_grant AADSTS70008"},
		{"Entra 700084 SPA", entra(`"error":"invalid_grant","error_description":"AADSTS700084: fixed, limited lifetime","error_codes":[700084]`), "dead invalid_grant AADSTS700084"},
		{"Entra 50173", entra(`"error":"invalid_grant","error_description":"AADSTS50173: The provided grant has expired due to it being revoked","error_codes":[50173],"suberror":"bad_token"`), "dead invalid_grant AADSTS50173"},
		{"Entra 70000", entra(`"error":"invalid_grant","error_description":"AADSTS70000: Provided grant is invalid","error_codes":[70000]`), "dead invalid_grant AADSTS70000"},
		{"Entra 50076 a second factor", entra(`"error":"invalid_grant","error_description":"AADSTS50076: you must use multi-factor authentication","error_codes":[50076],"suberror":"basic_action","claims":"{\"access_token\":{}}"`), "needs the user invalid_grant AADSTS50076"},
		{"Entra 50158 without suberror", entra(`"error":"invalid_grant","error_description":"AADSTS50158: External security challenge not satisfied.","error_codes":[50158]`), "needs the user invalid_grant AADSTS50158"},
		{"Entra 53003 in the text only", entra(`"error":"invalid_grant","error_description":"AADSTS53003: Access has been blocked by Conditional Access policies."`), "needs the user invalid_grant AADSTS53003"},
		{"Entra suberror basic_action", entra(`"error":"invalid_grant","suberror":"basic_action"`), "needs the user invalid_grant basic_action"},
		{"Entra suberror additional_action", entra(`"error":"invalid_grant","suberror":"additional_action"`), "needs the user invalid_grant additional_action"},
		{"Entra suberror message_only", entra(`"error":"invalid_grant","suberror":"message_only"`), "needs the user invalid_grant message_only"},
		{"Entra suberror consent_required", entra(`"error":"invalid_grant","suberror":"consent_required"`), "needs the user invalid_grant consent_required"},
		{"Entra suberror user_password_expired", entra(`"error":"invalid_grant","suberror":"user_password_expired"`), "needs the user invalid_grant user_password_expired"},
		{"Entra suberror that is no word", entra(`"error":"invalid_grant","suberror":"see below"`), "dead invalid_grant other"},
		{"Entra 90014 beside a policy", entra(`"error":"interaction_required","error_description":"AADSTS90014: x","error_codes":[90014]`), "needs the user interaction_required AADSTS90014"},
		{"Entra claims alone", entra(`"error":"invalid_grant","claims":"{\"access_token\":{\"capolids\":{}}}"`), "needs the user invalid_grant claims"},
		{"Entra claims as an object", entra(`"error":"invalid_grant","claims":{"access_token":{}}`), "needs the user invalid_grant claims"},
		{"Entra suberror bad_token is dead", entra(`"error":"invalid_grant","suberror":"bad_token"`), "dead invalid_grant bad_token"},
		{"Entra interaction_required", entra(`"error":"interaction_required","error_description":"AADSTS50079: enroll","error_codes":[50079]`), "needs the user interaction_required AADSTS50079"},
		{"Entra 65001 consent", entra(`"error":"invalid_grant","error_description":"AADSTS65001: The user or administrator has not consented","error_codes":[65001]`), "needs the user invalid_grant AADSTS65001"},
		{"Entra 9010010 resource", entra(`"error":"invalid_target","error_description":"AADSTS9010010: The resource parameter does not match the requested scopes.","error_codes":[9010010]`), "misconfigured invalid_target AADSTS9010010 consumed"},
		{"Entra 901002 resource", entra(`"error":"invalid_request","error_description":"AADSTS901002: The 'resource' request parameter isn't supported.","error_codes":[901002]`), "misconfigured invalid_request AADSTS901002"},
		{"Entra 650053 scope lost", entra(`"error":"invalid_client","error_description":"AADSTS650053: asked for scope 'mcp' that doesn't exist on the resource '00000003-0000-0000-c000-000000000000'.","error_codes":[650053]`), "misconfigured invalid_client AADSTS650053"},
		{"Entra 70011", entra(`"error":"invalid_scope","error_description":"AADSTS70011: The provided value for scope is not valid.","error_codes":[70011]`), "misconfigured invalid_scope AADSTS70011"},
		{"Entra 1002012", entra(`"error":"invalid_scope","error_description":"AADSTS1002012: must end in /.default","error_codes":[1002012]`), "misconfigured invalid_scope AADSTS1002012"},
		{"Entra 500011", entra(`"error":"invalid_resource","error_description":"AADSTS500011: The resource principal was not found","error_codes":[500011]`), "misconfigured invalid_resource AADSTS500011 consumed"},
		{"Entra 50105 as a grant error", entra(`"error":"invalid_grant","error_description":"AADSTS50105: not assigned to a role","error_codes":[50105]`), "misconfigured invalid_grant AADSTS50105"},
		{"Entra 90009 (users.md 4.3, D1)", entra(`"error":"invalid_request","error_description":"AADSTS90009: Application is requesting a token for itself.","error_codes":[90009]`), "misconfigured invalid_request AADSTS90009"},
		{"Entra 900144", entra(`"error":"invalid_request","error_description":"AADSTS900144: The request body must contain the following parameter: 'scope'.","error_codes":[900144]`), "misconfigured invalid_request AADSTS900144"},
		{"Entra 90014", entra(`"error":"invalid_request","error_description":"AADSTS90014: The required field is missing","error_codes":[90014]`), "misconfigured invalid_request AADSTS90014"},
		{"Entra 7000218 wants a secret", entra(`"error":"invalid_client","error_description":"AADSTS7000218: The request body must contain client_assertion or client_secret","error_codes":[7000218]`), "misconfigured invalid_client AADSTS7000218"},
		{"Entra 700025 wants no secret", entra(`"error":"invalid_client","error_description":"AADSTS700025: Client is public","error_codes":[700025]`), "misconfigured invalid_client AADSTS700025"},
		{"Entra 7000222 secret expired (users.md 4.4)", entra(`"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys are expired.","error_codes":[7000222]`), "client gone invalid_client AADSTS7000222"},
		{"Entra 7000215 wrong secret (users.md 4.4)", entra(`"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.","error_codes":[7000215]`), "client gone invalid_client AADSTS7000215"},
		{"Entra 700016 no such app", entra(`"error":"unauthorized_client","error_description":"AADSTS700016: Application was not found in the directory","error_codes":[700016]`), "client gone unauthorized_client AADSTS700016"},
		{"Entra 90002 no such tenant", entra(`"error":"invalid_request","error_description":"AADSTS90002: Tenant not found","error_codes":[90002]`), "misconfigured invalid_request AADSTS90002"},
		{"Entra 50196 loop", entra(`"error":"invalid_grant","error_description":"AADSTS50196: The server terminated an operation because it encountered a client request loop.","error_codes":[50196]`), "later invalid_grant AADSTS50196"},
		{"Entra 90033 transient", entra(`"error":"temporarily_unavailable","error_description":"AADSTS90033: A transient error has occurred.","error_codes":[90033]`), "later temporarily_unavailable AADSTS90033"},
		{"Entra 90055 busy", entra(`"error":"invalid_request","error_description":"AADSTS90055: too many requests","error_codes":[90055]`), "later invalid_request AADSTS90055"},
		{"Google, no refresh token in the answer", answered(200, asJSON, `{"access_token":"ya29.2","expires_in":3599,"scope":"openid email","token_type":"Bearer"}`), `refreshed at=ya29.2 in=59m59s scope="openid email"`},
		{"Google, time-limited grant", answered(200, asJSON, `{"access_token":"ya29.2","expires_in":3599,"refresh_token_expires_in":604799}`), "refreshed at=ya29.2 in=59m59s rt-in=167h59m59s"},
		{"Google, revoked", answered(400, asJSON, `{"error":"invalid_grant","error_description":"Token has been expired or revoked."}`), "dead invalid_grant"},
		{"Google invalid_rapt", answered(400, asJSON, `{"error":"invalid_grant","error_description":"reauth related error (invalid_rapt)","error_subtype":"invalid_rapt","error_uri":"https://support.google.com"}`), "needs the user invalid_grant invalid_rapt"},
		{"Google deleted_client", answered(401, asJSON, `{"error":"deleted_client","error_description":"The OAuth client was deleted."}`), "client gone deleted_client"},
		{"Keycloak, success", answered(200, asJSON, `{"access_token":"A2","expires_in":300,"refresh_expires_in":1800,"refresh_token":"R2","token_type":"Bearer","not-before-policy":0,"session_state":"s","scope":"openid"}`), `refreshed at=A2 rt=R2 in=5m0s rt-in=30m0s scope="openid"`},
		{"Keycloak, offline token never ends", answered(200, asJSON, `{"access_token":"A2","expires_in":300,"refresh_expires_in":0,"refresh_token":"R2"}`), "refreshed at=A2 rt=R2 in=5m0s"},
		{"Keycloak, reuse", answered(400, asJSON, `{"error":"invalid_grant","error_description":"Maximum allowed refresh token reuse exceeded"}`), "dead invalid_grant"},
		{"Keycloak, not active", answered(400, asJSON, `{"error":"invalid_grant","error_description":"Token is not active"}`), "dead invalid_grant"},
		{"Keycloak, stale", answered(400, asJSON, `{"error":"invalid_grant","error_description":"Stale token"}`), "dead invalid_grant"},
		{"Keycloak, session", answered(400, asJSON, `{"error":"invalid_grant","error_description":"Session not active"}`), "dead invalid_grant"},
		{"Atlassian, 403", answered(403, asJSON, `{"error":"invalid_grant","error_description":"Unknown or invalid refresh token."}`), "dead invalid_grant"},
		{"Atlassian, unauthorized_client (openai/codex#27165)", answered(403, asJSON, `{"error":"unauthorized_client","error_description":"refresh_token is invalid"}`), "dead unauthorized_client"},
		{"Atlassian, already used (openai/codex#12755)", answered(400, asJSON, `{"error":"invalid_grant","error_description":"The refresh token was already used"}`), "dead invalid_grant"},
		{"Figma", answered(200, asJSON, `{"access_token":"figu_2","expires_in":7776000}`), "refreshed at=figu_2 in=2160h0m0s"},
		{"Supabase refresh_token_already_used", goTrue(400, "refresh_token_already_used"), "dead refresh_token_already_used"},
		{"Supabase refresh_token_not_found", goTrue(400, "refresh_token_not_found"), "dead refresh_token_not_found"},
		{"Supabase session_not_found", goTrue(403, "session_not_found"), "dead session_not_found"},
		{"Supabase session_expired", goTrue(401, "session_expired"), "dead session_expired"},
		{"Supabase user_banned", goTrue(403, "user_banned"), "dead user_banned"},
		{"Supabase, newer shape", answered(400, asJSON, `{"code":"refresh_token_not_found","message":"Invalid Refresh Token: Refresh Token Not Found"}`), "dead refresh_token_not_found"},
		{"Supabase, rate", goTrue(429, "over_request_rate_limit"), "later over_request_rate_limit"},
		{"Supabase, 201", answered(201, asJSON, `{"access_token":"A2","expires_in":3600,"refresh_token":"R2"}`), "refreshed at=A2 rt=R2 in=1h0m0s"},
		{"Stytch, extra members", answered(400, asJSON, `{"status_code":400,"request_id":"request-id-live-1","error":"invalid_grant","error_description":"expired"}`), "dead invalid_grant"},
		{"Hydra, reuse", answered(400, asJSON, `{"error":"invalid_grant","error_description":"The refresh token was already used."}`), "dead invalid_grant"},
		{"Hydra, concurrent", answered(400, asJSON, `{"error":"invalid_request","error_description":"Failed to refresh token because of multiple concurrent requests using the same token. Please retry the request."}`), "later invalid_request"},
		{"Intuit, x_refresh_token_expires_in", answered(200, asJSON, `{"x_refresh_token_expires_in":8726400,"refresh_token":"R2","access_token":"A2","token_type":"bearer","expires_in":3600}`), "refreshed at=A2 rt=R2 in=1h0m0s rt-in=2424h0m0s"},
		{"PayPal, a string for expires_in", answered(200, asJSON, `{"access_token":"A2","expires_in":"28800"}`), "refreshed at=A2 in=8h0m0s"},
		{"Claude login, 8 h", answered(200, asJSON, `{"token_type":"Bearer","access_token":"A2","expires_in":28800,"refresh_token":"R2","scope":"user:inference user:profile","refresh_token_expires_in":2592000}`), `refreshed at=A2 rt=R2 in=8h0m0s rt-in=720h0m0s scope="user:inference user:profile"`},
		{"Claude login, busy", answered(429, asJSON, `{"type":"error","error":{"type":"rate_limit_error","message":"Rate limited."}}`), "later rate_limit_error"},
		{"Claude login, blocked", answered(403, asJSON, `{"type":"error","error":{"type":"forbidden","message":"Request not allowed"}}`), "later forbidden"},
		{"Codex login refresh_token_expired", answered(401, asJSON, `{"error":{"message":"expired","type":"invalid_request_error","param":null,"code":"refresh_token_expired"}}`), "dead refresh_token_expired"},
		{"Codex login refresh_token_reused", answered(401, asJSON, `{"error":{"message":"used","type":"invalid_request_error","code":"refresh_token_reused"}}`), "dead refresh_token_reused"},
		{"Codex login refresh_token_invalidated", answered(401, asJSON, `{"error":{"message":"revoked","code":"refresh_token_invalidated"}}`), "dead refresh_token_invalidated"},
		{"Miro MCP, 6 h", answered(400, asJSON, `{"error":"invalid_grant"}`), "dead invalid_grant"},
		{"ODC, 5 min", answered(200, asJSON, `{"access_token":"A2","expires_in":300,"refresh_token":"R2"}`), "refreshed at=A2 rt=R2 in=5m0s"},
		{"Salesforce, no expires_in at all", answered(200, asJSON, `{"access_token":"00D!A2","signature":"x","scope":"refresh_token api","instance_url":"https://x.my.salesforce.com","id":"https://login.salesforce.com/id/1","token_type":"Bearer","issued_at":"1795176000000"}`), `refreshed at=00D!A2 scope="refresh_token api"`},
		{"Salesforce, secret missing", answered(400, asJSON, `{"error":"invalid_client","error_description":"invalid client credentials"}`), "client gone invalid_client"},
		{"users.md 1A, codex#17265: FastMCP", answered(401, asJSON, `{"error":"invalid_grant","error_description":"refresh token does not exist"}`), "dead invalid_grant"},
		{"users.md 1A, codex#45944: stampede", answered(429, "text/plain", `Too Many Requests`), "later http-429"},
		{"users.md 1A, codex#17265: the seed, 200", answered(200, asJSON, `{"success": false,"error":"invalid_grant","msg":"Authorization required"}`), "dead invalid_grant"},
		{"users.md 1A, codex#17265: the seed, 401", answered(401, asJSON, `{"success": false,"error":"invalid_grant","msg":"Authorization required"}`), "dead invalid_grant"},
		{"users.md 1B, claude-code#85236: Linear", answered(401, asJSON, `{"error":"invalid_grant","error_description":"Grant not found"}`), "dead invalid_grant"},
		{"users.md 1B, claude-code#95113: expires_in 0", answered(200, asJSON, `{"access_token":"A2","expires_in":0}`), "refreshed at=A2"},
		{"users.md 1C, claude-code#28827: 403 from Cloudflare", answered(403, asHTML, `<!DOCTYPE html><title>Just a moment...</title>`), "later http-403"},
		{"users.md 1C, claude-code#90688: a bare 400", answered(400, asHTML, `<h1>Bad Request</h1>`), "later http-400"},
		{"users.md 1D, gemini-cli#20052: expiry from the JWT, not one hour",
			answered(200, asJSON, `{"access_token":"`+jwt(fmt.Sprintf(`{"iat":%d,"exp":%d}`, sent.Unix()-60, sent.Unix()+48*3600))+`"}`),
			"refreshed at=" + jwt(fmt.Sprintf(`{"iat":%d,"exp":%d}`, sent.Unix()-60, sent.Unix()+48*3600)) + " in=48h0m0s life=48h1m0s"},
		{"users.md 1D, mcp-remote#318", answered(400, asJSON, `{"error":"temporarily_unavailable"}`), "later temporarily_unavailable"},
		{"users.md 1D, copilot-cli#3583: v1 resource", entra(`"error":"invalid_request","error_description":"AADSTS901002: resource","error_codes":[901002]`), "misconfigured invalid_request AADSTS901002"},
		{"users.md 1D, copilot-cli#4464: .default replayed", entra(`"error":"invalid_scope","error_description":"AADSTS70011: .default","error_codes":[70011]`), "misconfigured invalid_scope AADSTS70011"},
		{"users.md 1D, local-operator#185: the guessed /token", answered(404, asHTML, `<html>not found</html>`), "misconfigured http-404"},
		{"users.md 1D, Holded: a year and no refresh token", answered(200, asJSON, `{"access_token":"A2","expires_in":31536000}`), "refreshed at=A2 in=8760h0m0s"},
		{"users.md 4.3, APIM without a subscription key", answered(401, asJSON, `{"statusCode":401,"message":"Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API."}`), "misconfigured http-401"},
		{"users.md 4.3, APIM lost its cached client", answered(401, asJSON, `{"error":"invalid_client","error_description":"client not found"}`), "client gone invalid_client"},
	})
}

func TestWhatIsNoClearAnswerNeverCondemnsARefreshToken(t *testing.T) {
	retry := func(a Answer, after string) Answer { return header(a, func(h *Header) { h.RetryAfter = after }) }
	open := func(a Answer) Answer { a.Open = true; return a }
	whole := `{"access_token":"A2","expires_in":3600,"refresh_token":"R2","scope":"a"}`
	check(t, post, []row{
		// Nothing left this computer.
		{"dns", failed(FailureDNS, false), "later dns"},
		{"refused", failed(FailureConnect, false), "later connect"},
		{"tls", failed(FailureTLS, false), "later tls"},
		{"certificate for another name: a captive portal", failed(FailureCertificate, false), "later certificate"},
		{"proxy", failed(FailureProxy, false), "later proxy"},
		{"no connection in time", failed(FailureTimeout, false), "later timeout"},
		{"cancelled", failed(FailureCancelled, false), "later cancelled"},
		{"a used connection", failed(FailureReused, false), "later reused"},
		{"cannot be sent", failed(FailureRequest, false), "misconfigured request"},
		{"answered before the body left", Answer{Status: 500, At: arrived}, "later http-500"},
		// It left, and no answer came.
		{"reset", failed(FailureReset, true), "ambiguous reset again consumed"},
		{"eof", failed(FailureEOF, true), "ambiguous eof again consumed"},
		{"no answer in time", failed(FailureTimeout, true), "ambiguous timeout again consumed"},
		{"tls alert after the body", failed(FailureTLS, true), "ambiguous tls again consumed"},
		{"a header, and the connection ended", open(answered(200, asJSON, "")), "ambiguous cut again consumed"},
		// Statuses.
		{"500", answered(500, asHTML, `<h1>oops</h1>`), "ambiguous http-500 consumed"},
		{"500 with server_error", answered(500, asJSON, `{"error":"server_error"}`), "ambiguous server_error consumed"},
		{"500 with a code that we do not know", answered(500, asJSON, `{"error":"database_down"}`), "ambiguous database_down consumed"},
		{"500 and invalid_grant", answered(500, asJSON, `{"error":"invalid_grant"}`), "dead invalid_grant"},
		{"502", answered(502, asHTML, `<h1>Bad gateway</h1>`), "ambiguous http-502 consumed"},
		{"503", answered(503, asHTML, ``), "ambiguous http-503 consumed"},
		{"503 with Retry-After", retry(answered(503, asHTML, ``), "120"), "later http-503 after=2m0s"},
		{"504 with Retry-After", retry(answered(504, asHTML, ``), "120"), "ambiguous http-504 after=2m0s consumed"},
		{"520 of Cloudflare", answered(520, asHTML, `x`), "ambiguous http-520 consumed"},
		{"500, cut", cut(answered(500, asJSON, `{"error":"serv`), FailureEOF), "ambiguous http-500 consumed"},
		{"429", retry(answered(429, asHTML, `x`), "3600"), "later http-429 after=1h0m0s"},
		{"429, cut", cut(answered(429, asJSON, `{"err`), FailureEOF), "later http-429"},
		{"408", answered(408, asHTML, ``), "ambiguous http-408 consumed"},
		{"409", answered(409, asJSON, `{"message":"conflict"}`), "later http-409"},
		{"407", answered(407, asHTML, `proxy`), "later http-407"},
		{"425", answered(425, asHTML, ``), "later http-425"},
		{"511", answered(511, asHTML, `portal`), "later http-511"},
		{"302 of a captive portal", answered(302, asHTML, ``), "later http-302"},
		{"302 with a code that we do not know", answered(302, asJSON, `{"error":"moved"}`), "later moved"},
		{"307", answered(307, asHTML, ``), "later http-307"},
		{"404", answered(404, asJSON, `{"message":"no route"}`), "misconfigured http-404"},
		{"405", answered(405, asHTML, ``), "misconfigured http-405"},
		{"410", answered(410, asHTML, ``), "misconfigured http-410"},
		{"415 wants JSON", answered(415, asJSON, `{"message":"Unsupported Media Type"}`), "misconfigured http-415"},
		{"400 JSON without a code", answered(400, asJSON, `{"message":"bad"}`), "misconfigured http-400"},
		{"401 HTML", answered(401, asHTML, `sign in to the network`), "later http-401"},
		{"401 that wants Basic", header(answered(401, asJSON, `{"message":"no"}`), func(h *Header) { h.Challenges = []string{"basic"} }), "misconfigured http-401 client-authentication"},
		{"403 JSON with a code that we do not know", answered(403, asJSON, `{"error":"waf_block"}`), "later waf_block"},
		{"403 empty", answered(403, "", ``), "later http-403"},
		{"101", answered(101, "", ``), "ambiguous http-101 consumed"},
		{"999", answered(999, "", ``), "ambiguous http-999 consumed"},
		// A 2xx that says nothing.
		{"200 HTML over good TLS", answered(200, asHTML, `<html>Welcome</html>`), "ambiguous html consumed"},
		{"200 empty", answered(200, asJSON, ``), "ambiguous empty consumed"},
		{"204", answered(204, "", ``), "ambiguous empty consumed"},
		{"200 {}", answered(200, asJSON, `{}`), "ambiguous no-token consumed"},
		{"200 null", answered(200, asJSON, `null`), "ambiguous no-token consumed"},
		{"200 a list", answered(200, asJSON, `[{"access_token":"A2"}]`), "ambiguous no-token consumed"},
		{"200 a string", answered(200, asJSON, `"invalid_grant"`), "ambiguous no-token consumed"},
		{"200 only a refresh token", answered(200, asJSON, `{"refresh_token":"R2"}`), "ambiguous next=R2 no-token consumed"},
		{"200 empty access token", answered(200, asJSON, `{"access_token":"","refresh_token":"R2"}`), "ambiguous next=R2 no-token consumed"},
		{"200 echo of the request", answered(200, asJSON, `{"grant_type":"refresh_token","refresh_token":"R1","client_id":"c1"}`), "ambiguous next=R1 no-token consumed"},
		{"200 other case", answered(200, asJSON, `{"Access_Token":"A2","Refresh_Token":"R2"}`), "ambiguous no-token consumed"},
		{"200 form in HTML", answered(200, asHTML, `access_token=A2&refresh_token=R2`), "ambiguous html consumed"},
		// Cut: both tokens or nothing.
		{"cut after both tokens", cut(answered(200, asJSON, `{"access_token":"A2","expires_in":3600,"refresh_token":"R2","sco`), FailureEOF), "refreshed at=A2 rt=R2 in=1h0m0s"},
		{"cut right after the closing quote", cut(answered(200, asJSON, `{"access_token":"A2","refresh_token":"R2"`), FailureEOF), "refreshed at=A2 rt=R2"},
		{"cut inside expires_in: it may lack digits", cut(answered(200, asJSON, `{"access_token":"A2","refresh_token":"R2","expires_in":36`), FailureEOF), "refreshed at=A2 rt=R2"},
		{"cut with the refresh token first", cut(answered(200, asJSON, `{"refresh_token":"R2","access_token":"A2","expires_in":3600`), FailureReset), "refreshed at=A2 rt=R2"},
		{"cut only by Content-Length", cut(answered(200, asJSON, whole), FailureEOF), `refreshed at=A2 rt=R2 in=1h0m0s scope="a"`},
		{"cut inside authed_user after both", cut(answered(200, asJSON, `{"ok":true,"authed_user":{"access_token":"A2","refresh_token":"R2","expi`), FailureEOF), "refreshed at=A2 rt=R2"},
		{"cut before the last quote", cut(answered(200, asJSON, `{"access_token":"A2","refresh_token":"R2`), FailureEOF), "ambiguous cut again consumed"},
		{"cut after an escape", cut(answered(200, asJSON, `{"access_token":"A2","refresh_token":"R2\`), FailureEOF), "ambiguous cut again consumed"},
		{"cut after an escaped quote", cut(answered(200, asJSON, `{"access_token":"A2","refresh_token":"R2\"`), FailureEOF), "ambiguous cut again consumed"},
		{"cut after the access token", cut(answered(200, asJSON, `{"access_token":"A2","expires_in":3600,"refre`), FailureEOF), "ambiguous cut again consumed"},
		{"cut inside the access token", cut(answered(200, asJSON, `{"access_token":"A`), FailureEOF), "ambiguous cut again consumed"},
		{"cut inside the access token, the successor in front", cut(answered(200, asJSON, `{"refresh_token":"R2","access_token":"A`), FailureEOF), "ambiguous next=R2 cut again consumed"},
		{"cut inside the access token, the successor in front, and not a 2xx", cut(answered(400, asJSON, `{"refresh_token":"R2","access_token":"A`), FailureEOF), "ambiguous cut again consumed"},
		{"cut after refresh_token null: another may follow", cut(answered(200, asJSON, `{"access_token":"A2","refresh_token":null,"sc`), FailureEOF), "ambiguous cut again consumed"},
		{"cut inside a duplicate", cut(answered(200, asJSON, `{"access_token":"A2","refresh_token":"R2","refresh_token":"R`), FailureEOF), "ambiguous cut again consumed"},
		{"cut before a duplicate's value", cut(answered(200, asJSON, `{"access_token":"A2","refresh_token":"R2","refresh_token":`), FailureEOF), "ambiguous cut again consumed"},
		{"cut with the tokens in a text", cut(answered(200, asJSON, `{"note":"{\"access_token\":\"A2\",\"refresh_token\":\"R2\"}","access_to`), FailureEOF), "ambiguous cut again consumed"},
		{"cut with the tokens nested somewhere", cut(answered(200, asJSON, `{"previous":{"access_token":"A0","refresh_token":"R0"},"access_to`), FailureEOF), "ambiguous cut again consumed"},
		{"cut with the tokens in a list", cut(answered(200, asJSON, `{"l":["access_token","A2","refresh_token","R2"],"access_to`), FailureEOF), "ambiguous cut again consumed"},
		{"cut, and not a 2xx", cut(answered(400, asJSON, `{"access_token":"A2","refresh_token":"R2","sco`), FailureEOF), "ambiguous cut again consumed"},
		{"cut error: a suberror may follow", cut(answered(400, asJSON, `{"error":"invalid_grant","error_desc`), FailureEOF), "ambiguous cut again consumed"},
		{"cut in HTML", cut(answered(200, asHTML, `<html><bo`), FailureEOF), "ambiguous cut again consumed"},
		{"cut 404", cut(answered(404, asHTML, `<html><bo`), FailureEOF), "misconfigured http-404"},
		{"cut after the head", cut(answered(200, asJSON, ``), FailureReset), "ambiguous cut again consumed"},
		{"longer than we read, tokens in front", cut(answered(200, asJSON, `{"access_token":"A2","refresh_token":"R2","pad":"`+strings.Repeat("x", 1000)), FailureTooLong), "refreshed at=A2 rt=R2"},
		{"longer than we read, nothing in front", cut(answered(200, asHTML, strings.Repeat("x", 1000)), FailureTooLong), "ambiguous cut consumed"},
		{"HTTP/1.0 that closed early", open(answered(200, asJSON, `{"access_token":"A2","expires_in":3600,"refre`)), "ambiguous cut again consumed"},
		{"HTTP/1.0, whole", open(answered(200, asJSON, whole)), `refreshed at=A2 rt=R2 in=1h0m0s scope="a"`},
		{"HTTP/1.0 form does not show its end", open(answered(200, asForm, `access_token=A2&refresh_token=R`)), "ambiguous cut again consumed"},
		{"HTTP/1.0 form with both before its end", open(answered(200, asForm, `access_token=A2&refresh_token=R2&scope=a`)), "refreshed at=A2 rt=R2"},
		{"form, cut inside the refresh token", cut(answered(200, asForm, `access_token=A2&refresh_token=R`), FailureEOF), "ambiguous cut again consumed"},
		{"form, broken escape in the refresh token", answered(200, asForm, `access_token=A2&refresh_token=%zz`), "ambiguous no-token consumed"},
		// Garbled by the server.
		{"garbled after both tokens", answered(200, asJSON, `{"access_token":"A2","refresh_token":"R2","expires_in":,}`), "refreshed at=A2 rt=R2"},
		{"garbled before the refresh token", answered(200, asJSON, `{"access_token":"A2","expires_in":,"refresh_token":"R2"}`), "ambiguous no-token consumed"},
		{"garbled: a quote inside the access token", answered(200, asJSON, `{"access_token":"A"2","refresh_token":"R2"}`), "ambiguous no-token consumed"},
		{"garbled: a quote inside the refresh token", answered(200, asJSON, `{"access_token":"A2","refresh_token":"R"2"}`), "ambiguous no-token consumed"},
		{"garbled: another bracket follows the refresh token", answered(200, asJSON, `{"access_token":"A2","refresh_token":"R2"]`), "ambiguous no-token consumed"},
		{"garbled error text", answered(400, asJSON, `{"error":"invalid_grant","error_description":"token "x" is gone"}`), "dead invalid_grant"},
		{"not JSON at all", answered(400, asJSON, `{error}`), "later http-400"},
		{"deep", answered(200, asJSON, `{"access_token":"A2","x":`+strings.Repeat("[", 5000)), "ambiguous no-token consumed"},
		{"deep before both", answered(200, asJSON, `{"x":`+strings.Repeat("[", 9000)+strings.Repeat("]", 9000)+`,"y":{"z":[{"access_token":"A0"}]},"":[1],"access_token":"A2","refresh_token":"R2"}`), "refreshed at=A2 rt=R2"},
		{"deep after both", answered(200, asJSON, `{"access_token":"A2","refresh_token":"R2","x":`+strings.Repeat("[", 5000)), "refreshed at=A2 rt=R2"},
		// Compressed although we asked for none.
		{"gzip", answered(200, asJSON, zipped(whole)), `refreshed at=A2 rt=R2 in=1h0m0s scope="a"`},
		{"looks like gzip and is not", answered(200, asJSON, "\x1f\x8b"), "ambiguous no-token consumed"},
		{"gzip, cut", cut(answered(200, asJSON, zipped(whole)[:30]), FailureEOF), "ambiguous cut again consumed"},
		{"gzip bomb", answered(200, asJSON, zipped(strings.Repeat(" ", 2<<20)+whole)), "ambiguous no-token consumed"},
	})
}

func TestASuccessIsFoundInEveryFormSeen(t *testing.T) {
	with := func(rest string) Answer {
		return answered(200, asJSON, `{"access_token":"A2"`+rest+`}`)
	}
	unix := func(d time.Duration) int64 { return sent.Add(d).Unix() }
	check(t, post, []row{
		// oauth.md 2 and 3.3: expires_in.
		{"a string", with(`,"expires_in":"3600"`), "refreshed at=A2 in=1h0m0s"},
		{"a string with space", with(`,"expires_in":" 3600 "`), "refreshed at=A2 in=1h0m0s"},
		{"3600.0", with(`,"expires_in":3600.0`), "refreshed at=A2 in=1h0m0s"},
		{"3600.5", with(`,"expires_in":3600.5`), "refreshed at=A2 in=1h0m0s"},
		{"3.6e3", with(`,"expires_in":3.6e3`), "refreshed at=A2 in=1h0m0s"},
		{"null", with(`,"expires_in":null`), "refreshed at=A2"},
		{"an empty string", with(`,"expires_in":""`), "refreshed at=A2"},
		{"zero", with(`,"expires_in":0`), "refreshed at=A2"},
		{"negative", with(`,"expires_in":-1`), "refreshed at=A2"},
		{"a word", with(`,"expires_in":"never"`), "refreshed at=A2"},
		{"NaN", with(`,"expires_in":"NaN"`), "refreshed at=A2"},
		{"an object", with(`,"expires_in":{"seconds":3600}`), "refreshed at=A2"},
		{"true", with(`,"expires_in":true`), "refreshed at=A2"},
		{"more than any clock holds", with(`,"expires_in":1e300`), "refreshed at=A2 in=876000h0m0s"},
		{"beyond a float", with(`,"expires_in":1e999`), "refreshed at=A2"},
		{"a point in time", with(fmt.Sprintf(`,"expires_in":%d`, unix(time.Hour))), "refreshed at=A2 in=1h0m0s"},
		{"a point in time in milliseconds", with(fmt.Sprintf(`,"expires_in":%d`, unix(time.Hour)*1000)), "refreshed at=A2 in=1h0m0s"},
		{"a point in time that is past", with(fmt.Sprintf(`,"expires_in":%d`, unix(-time.Hour))), "refreshed at=A2"},
		{"a past one in milliseconds", with(fmt.Sprintf(`,"expires_in":%d`, unix(-time.Hour)*1000)), "refreshed at=A2"},
		// The access token itself.
		{"JWT with exp only", answered(200, asJSON, `{"access_token":"`+jwt(fmt.Sprintf(`{"exp":%d}`, unix(time.Hour)))+`"}`),
			"refreshed at=" + jwt(fmt.Sprintf(`{"exp":%d}`, unix(time.Hour))) + " in=1h0m0s"},
		{"expires_in counts before the JWT", answered(200, asJSON, `{"expires_in":60,"access_token":"`+jwt(fmt.Sprintf(`{"exp":%d}`, unix(time.Hour)))+`"}`),
			"refreshed at=" + jwt(fmt.Sprintf(`{"exp":%d}`, unix(time.Hour))) + " in=1m0s"},
		// refresh_token.
		{"no refresh token: null", with(`,"refresh_token":null`), "refreshed at=A2"},
		{"no refresh token: empty", with(`,"refresh_token":""`), "refreshed at=A2"},
		{"no refresh token: false", with(`,"refresh_token":false`), "refreshed at=A2"},
		{"a number is no refresh token and not none", with(`,"refresh_token":12345`), "misconfigured bad-refresh-token-type consumed"},
		{"an object is no refresh token and not none", with(`,"refresh_token":{"value":"R2"}`), "misconfigured bad-refresh-token-type consumed"},
		{"a list is no refresh token and not none", with(`,"refresh_token":["R2"]`), "misconfigured bad-refresh-token-type consumed"},
		{"an empty list is no refresh token and not none", with(`,"refresh_token":[]`), "misconfigured bad-refresh-token-type consumed"},
		{"a nested object is no refresh token and not none", answered(200, asJSON, `{"authed_user":{"access_token":"A2","refresh_token":{"value":"R2"}}}`), "misconfigured bad-refresh-token-type consumed"},
		{"a control character in the refresh token", with(`,"refresh_token":"R\u00002"`), "misconfigured bad-refresh-token-characters consumed"},
		{"a line break in the access token", answered(200, asJSON, `{"access_token":"A\n2","refresh_token":"R2"}`), "misconfigured bad-access-token-characters consumed"},
		{"no UTF-8 in the access token", answered(200, asJSON, "{\"access_token\":\"A\xff2\",\"refresh_token\":\"R2\"}"), "misconfigured bad-access-token-characters consumed"},
		{"an absurdly long refresh token", with(`,"refresh_token":"` + strings.Repeat("x", maxToken+1) + `"`), "misconfigured bad-refresh-token-size consumed"},
		// Around it.
		{"BOM", answered(200, asJSON, "\ufeff"+`{"access_token":"A2"}`), "refreshed at=A2"},
		{"space around it", answered(200, asJSON, "\r\n "+`{"access_token":"A2"}`+" \n"), "refreshed at=A2"},
		{"something after it", answered(200, asJSON, `{"access_token":"A2"}<!-- served by x -->`), "refreshed at=A2"},
		{"no Content-Type", answered(200, "", `{"access_token":"A2"}`), "refreshed at=A2"},
		{"text/json", answered(200, "text/json", `{"access_token":"A2"}`), "refreshed at=A2"},
		{"JSON called HTML", answered(200, asHTML, `{"access_token":"A2"}`), "refreshed at=A2"},
		{"JSON called a form", answered(200, asForm, `{"access_token":"A2"}`), "refreshed at=A2"},
		{"a form called text", answered(200, "text/plain; charset=utf-8", `access_token=A2&refresh_token=R%2B2`), "refreshed at=A2 rt=R+2"},
		{"a form without Content-Type", answered(200, "", `access_token=A2&refresh_token=R2`), "refreshed at=A2 rt=R2"},
		{"no token_type", with(``), "refreshed at=A2"},
		{"202", answered(202, asJSON, `{"access_token":"A2"}`), "refreshed at=A2"},
		{"an empty error", with(`,"error":""`), "refreshed at=A2"},
		{"error null", with(`,"error":null`), "refreshed at=A2"},
		{"error_code 0", with(`,"error_code":0`), "refreshed at=A2"},
		{"errorCode \"0\"", with(`,"errorCode":"0"`), "refreshed at=A2"},
		{"code ok", with(`,"code":"ok","success":true`), "refreshed at=A2"},
		{"an error beside a single access token", with(`,"error":"invalid_grant"`), "dead invalid_grant"},
		{"a refusal beside a single access token", with(`,"success":"false"`), "ambiguous no-token consumed"},
		{"a pair is the only copy, whatever else is said", with(`,"refresh_token":"R2","error":"partial_failure"`), "refreshed at=A2 rt=R2"},
		{"duplicates: the last, as every client reads them", answered(200, asJSON, `{"access_token":"A1","access_token":"A2","refresh_token":"R1","refresh_token":"R2"}`), "refreshed at=A2 rt=R2"},
		{"a nest that we do not know, with a pair", answered(200, asJSON, `{"code":0,"data":{"access_token":"A2","refresh_token":"R2","expires_in":60}}`), "refreshed at=A2 rt=R2 in=1m0s"},
		{"a nest that we do not know, without a pair", answered(200, asJSON, `{"data":{"access_token":"A2"}}`), "ambiguous no-token consumed"},
		{"two nests", answered(200, asJSON, `{"a":{"access_token":"A2","refresh_token":"R2"},"b":{"access_token":"A3","refresh_token":"R3"}}`), "ambiguous no-token consumed"},
		{"scope as a list", with(`,"scope":["a","b"]`), `refreshed at=A2 scope="a b"`},
		{"scope with a control character", with(`,"scope":"a\u0007b"`), "refreshed at=A2"},
	})
}

func TestAnErrorCodeIsFoundInEveryFormSeen(t *testing.T) {
	check(t, post, []row{
		{"error.code", answered(400, asJSON, `{"error":{"code":"invalid_grant","message":"x"}}`), "dead invalid_grant"},
		{"error.code with 200", answered(200, asJSON, `{"error":{"code":"invalid_grant"}}`), "dead invalid_grant"},
		{"error.type", answered(400, asJSON, `{"error":{"type":"invalid_grant"}}`), "dead invalid_grant"},
		{"error with a number for a code", answered(400, asJSON, `{"error":{"code":400,"message":"Bad","status":"INVALID_ARGUMENT"}}`), "misconfigured http-400"},
		{"error_code", answered(400, asJSON, `{"error_code":"invalid_grant"}`), "dead invalid_grant"},
		{"errorCode", answered(400, asJSON, `{"errorCode":"invalid_grant"}`), "dead invalid_grant"},
		{"Okta's own errorCode", answered(400, asJSON, `{"errorCode":"E0000011","errorSummary":"Invalid token provided"}`), "misconfigured E0000011"},
		{"the status text in error, the code elsewhere", answered(400, asJSON, `{"statusCode":400,"error":"Bad Request","error_code":"refresh_token_not_found"}`), "dead refresh_token_not_found"},
		{"upper case", answered(400, asJSON, `{"error":"INVALID_GRANT"}`), "dead invalid_grant"},
		{"space", answered(400, asJSON, `{"error":" invalid_grant "}`), "dead invalid_grant"},
		{"prose", answered(400, asJSON, `{"error":"Invalid refresh token"}`), "misconfigured other"},
		{"BOM", answered(400, asJSON, "\ufeff"+`{"error":"invalid_grant"}`), "dead invalid_grant"},
		{"form, 400", answered(400, asForm, `error=invalid_grant&error_description=gone`), "dead invalid_grant"},
		{"form called text", answered(400, "text/plain", `error=invalid_grant`), "dead invalid_grant"},
		{"a text that is no form", answered(400, "text/plain", `an error occurred`), "later http-400"},
		{"not our name", answered(400, asJSON, `{"Error":"invalid_grant"}`), "misconfigured http-400"},
		{"unauthorized_client", answered(400, asJSON, `{"error":"unauthorized_client"}`), "client gone unauthorized_client"},
		{"login_required", answered(400, asJSON, `{"error":"login_required"}`), "needs the user login_required"},
		{"consent_required", answered(400, asJSON, `{"error":"consent_required"}`), "needs the user consent_required"},
		{"slow_down", answered(400, asJSON, `{"error":"slow_down"}`), "later slow_down"},
		{"rate_limited", answered(403, asJSON, `{"error":"rate_limited"}`), "later rate_limited"},
		{"invalid_token", answered(401, asJSON, `{"error":"invalid_token"}`), "needs the user invalid_token"},
		{"use_dpop_nonce", answered(400, asJSON, `{"error":"use_dpop_nonce"}`), "misconfigured use_dpop_nonce"},
		{"a code of 70 characters", answered(400, asJSON, `{"error":"`+strings.Repeat("too_long__", 7)+`"}`), "misconfigured other"},
		{"a token for a code", answered(400, asJSON, `{"error":"`+jwt(`{}`)+`"}`), "misconfigured other"},
	})
}

func TestAGuessedAuthenticationIsRuledOutBeforeTheClientIsGone(t *testing.T) {
	a := answered(401, asJSON, `{"error":"invalid_client"}`)
	for _, by := range []string{"configured", "public", "provider", "client", "metadata"} {
		if got := short(Judge(Post{Auth: Basic, AuthBy: by}, a)); got != "client gone invalid_client" {
			t.Errorf("decided by %s: %s", by, got)
		}
	}
	if got := short(Judge(Post{Auth: Basic, AuthBy: byDefault}, a)); got != "misconfigured invalid_client client-authentication" {
		t.Errorf("decided by nobody: %s", got)
	}
}

func TestRetryAfterIsMeasuredByTheServersOwnClock(t *testing.T) {
	for _, c := range []struct {
		after, date string
		want        time.Duration
	}{
		{"", "", 0},
		{"30", "", 30 * time.Second},
		{"1.5", "", 1500 * time.Millisecond},
		{"0", "", time.Second},
		{"-5", "", time.Second},
		{"999999999999999999999", "", 6 * time.Hour},
		{"soon", "", 0},
		{"Fri, 20 Nov 2026 15:10:00 GMT", "Fri, 20 Nov 2026 15:00:00 GMT", 10 * time.Minute},
		{"Fri, 20 Nov 2026 15:00:00 GMT", "Fri, 20 Nov 2026 15:10:00 GMT", time.Second},
		{"Fri, 20 Nov 2026 12:01:02 GMT", "", time.Minute},
		{"Sat, 20 Nov 2027 12:00:00 GMT", "", 6 * time.Hour},
	} {
		a := header(answered(429, "", ""), func(h *Header) { h.RetryAfter, h.Date = c.after, c.date })
		if got := Judge(post, a).RetryAfter; got != c.want {
			t.Errorf("Retry-After %q at %q: %v, want %v", c.after, c.date, got, c.want)
		}
	}
}

func TestSkewIsWhatTheRoundTripCannotExplain(t *testing.T) {
	for date, want := range map[string]time.Duration{
		"":                              0,
		"noon":                          0,
		"Fri, 20 Nov 2026 12:00:00 GMT": 0,
		"Fri, 20 Nov 2026 11:59:59 GMT": 0, // the Date of 11:59:59.9 and a request of 12:00:00
		"Fri, 20 Nov 2026 12:00:02 GMT": 0,
		"Fri, 20 Nov 2026 12:05:02 GMT": 5 * time.Minute,
		"Fri, 20 Nov 2026 11:49:59 GMT": -10 * time.Minute,
	} {
		a := header(answered(200, "", ""), func(h *Header) { h.Date = date })
		if got := Judge(post, a).Skew; got != want {
			t.Errorf("Date %q: %v, want %v", date, got, want)
		}
	}
}

func TestTheTablesDoNotContradictEachOther(t *testing.T) {
	for code := range providerCodes {
		if _, ok := codes[code]; ok {
			t.Errorf("%s has two verdicts", code)
		}
	}
	for n, kind := range entraNumbers {
		if kind != NeedsUser && kind != Misconfigured && kind != Later {
			t.Errorf("AADSTS%d hardens a verdict to %v", n, kind)
		}
	}
	for _, d := range described {
		if _, known := meaningOf(d.code); !known {
			t.Errorf("%s is described and has no verdict", d.code)
		}
		if d.words != strings.ToLower(d.words) || strings.Contains(d.words, "_") {
			t.Errorf("%q would match nothing", d.words)
		}
	}
	for status := range 1000 {
		row := rowOf(Answer{Status: status})
		for _, kind := range []Kind{row.coded, row.spoke, row.opaque} {
			if kind != Misconfigured && kind != Later && kind != Ambiguous {
				t.Errorf("status %d alone means %v", status, kind)
			}
		}
	}
}
