package doctor

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/authtest"
)

// endpointWith examines an endpoint with that policy, changed as told.
func endpointWith(p authtest.Policy, change ...func(*bench)) func(t *testing.T) *Report {
	return endpointAt(authtest.Options{Policy: p}, change...)
}

func endpointAt(o authtest.Options, change ...func(*bench)) func(t *testing.T) *Report {
	return func(t *testing.T) (r *Report) {
		synctest.Test(t, func(t *testing.T) {
			b := benched(t, o, change...)
			b.examine(t)
			shows(t, b.x.Report, b.s)
			r = b.x.Report
		})
		return r
	}
}

// everyRefresh gives every refresh this answer.
func everyRefresh(a *authtest.Answer) authtest.Policy { return authtest.Policy{RefreshAnswer: a} }

func body(status int, kind, text string) *authtest.Answer {
	return &authtest.Answer{Status: status, Header: http.Header{"Content-Type": {kind}}, Body: []byte(text)}
}

func entraSays(code string, number int, extra map[string]any) *authtest.Answer {
	return authtest.Refusal{Dialect: authtest.Entra, Code: code, AADSTS: number, Extra: extra}.Answer()
}

// codeAnswer is what the exchange of the code gets.
func codeAnswer(a *authtest.Answer) func(*bench) {
	return func(b *bench) { b.s.Next(authtest.Token, authtest.Behaviour{Answer: a}) }
}

// located asks the metadata first.
func located(issuer string) func(*bench) {
	return func(b *bench) { b.issuer = issuer }
}

var endpointSetups = []setup{
	{"Entra, client and API are one registration", "CyberDrain/CIPP#537", causeForItself,
		endpointWith(authtest.Policy{Dialect: authtest.Entra, RequireScope: true, JWT: true})},
	{"the same, only Claude Code", "modelcontextprotocol/typescript-sdk#2718", causeForItself,
		endpointWith(authtest.Policy{Dialect: authtest.Entra, RequireScope: true}, as("claude-code"))},
	{"scope has to be repeated", "", causeNeedsScope, endpointWith(authtest.Policy{RequireScope: true})},
	{"Entra takes no resource", "modelcontextprotocol/csharp-sdk#1587", causeResourceRefused,
		endpointWith(authtest.Policy{Dialect: authtest.Entra, Resource: authtest.RefusedResource})},
	{".default beside other scopes", "github/copilot-cli#4464", causeScopeRefused,
		endpointWith(everyRefresh(entraSays("invalid_scope", 70011, nil)), as("codex"))},
	{"resource has to be named", "", causeNeedsResource, endpointWith(authtest.Policy{Resource: authtest.RequiredResource})},
	{"API Management forgets the client after an hour", "Azure-Samples/remote-mcp-apim-functions-python#8", causeClientForgotten,
		endpointAt(authtest.Options{Registration: authtest.Registration{ClientLifetime: time.Hour, RegistrationSecret: true}}, registered, as("power-platform"), func(b *bench) { b.e.Wait = 65 * time.Minute })},
	{"Salesforce, a connector without a template", "T. Taylor, 2026-03-11", causeNoTemplate,
		endpointWith(authtest.Policy{ClientAuth: authtest.PostOnly}, as("power-platform", "no-template"))},
	{"the secret only in the body", "", causeWantsBody, endpointWith(authtest.Policy{ClientAuth: authtest.PostOnly})},
	{"the secret only by HTTP Basic", "", causeWantsBasic,
		endpointWith(authtest.Policy{ClientAuth: authtest.BasicOnly}, func(b *bench) { b.e.Auth = "client_secret_basic" })},
	{"no secret wanted", "", causeNoSecretWanted, endpointWith(everyRefresh(entraSays("invalid_client", 700025, nil)), as("power-platform"))},
	{"a gateway that adds the secret", "", causeSecretNotAsked,
		endpointWith(everyRefresh(body(200, "application/json", `{"access_token":"at-EXAMPLE","token_type":"Bearer","expires_in":3600}`)), func(b *bench) { b.e.Client.Server = "" })},
	{"scopes lost at a refresh", "", causeScopeLost, endpointWith(authtest.Policy{ScopeUnasked: "api://m/read"})},
	{"a token for Graph", "anthropics/claude-code#89862", causeOtherAudience,
		endpointWith(authtest.Policy{JWT: true, AudienceUnasked: "00000003-0000-0000-c000-000000000000"})},
	{"a refreshed token that is no use", "", causeRefreshedRefused, endpointWith(authtest.Policy{WrongAudience: true})},
	{"no token is of use", "", causeTokenRefused, endpointAt(authtest.Options{RequiredScope: "api://m/admin"})},
	{"offline_access withheld", "", causeOfflineRefused, endpointAt(authtest.Options{Authorization: authtest.Authorization{OfflineOnly: true, Withholds: "offline_access"}})},
	{"offline_access not asked for", "geekfujiwara/CodeAppsDevelopmentStandard#432", causeOfflineNotAsked,
		endpointAt(authtest.Options{Authorization: authtest.Authorization{OfflineOnly: true}}, func(b *bench) { b.e.Client.Scopes = []string{"api://m/read"} })},
	{"no refresh grant", "", causeGrantNotServed, endpointWith(everyRefresh(authtest.Refusal{Code: "unsupported_grant_type"}.Answer()))},
	{"a gateway's own key", "", causeGatewayKey, endpointWith(everyRefresh(body(401, "application/json",
		`{"statusCode":401,"message":"Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API."}`)))},
	{"a gateway's own error", "", causeServerError, endpointWith(everyRefresh(body(500, "application/json",
		`{"statusCode":500,"message":"Internal server error","activityId":"00000000-0000-0000-0000-000000000000"}`)))},
	{"JSON that is not OAuth", "", causeNotOAuth, endpointWith(everyRefresh(body(400, "application/json", `{"message":"The request could not be processed."}`)))},
	{"a portal", "", causePage, endpointWith(everyRefresh(authtest.HTML()))},
	{"success false", "openai/codex#17265", causeTokenUnknown, endpointWith(everyRefresh(authtest.Refusal{Dialect: authtest.Success, Code: "invalid_grant", Status: 401}.Answer()))},
	{"no route", "", causeNoEndpoint, endpointWith(everyRefresh(authtest.Status(404)))},
	{"a redirect", "", causeMoved, endpointWith(everyRefresh(authtest.Redirect(307, "https://elsewhere.example/token")))},
	{"a certificate of nobody's", "", causeTLS, func(t *testing.T) *Report {
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		defer s.Close()
		b := benched(t, authtest.Options{}, handed, as("power-platform"), func(b *bench) { b.e.Client.TokenURL = s.URL + "/token" })
		b.x = NewRecorder(b.e.Client.TokenURL, Transport(b.e.Client.TokenURL, nil, false))
		b.examine(t)
		return b.x.Report
	}},
	{"too many requests", "", causeBusy, endpointWith(everyRefresh(authtest.RetryAfter(429, "30")))},
	{"no connection", "", causeUnreachable, func(t *testing.T) *Report {
		return endpointWith(authtest.Policy{}, handed, func(b *bench) { b.s.SetReach(authtest.Refused) })(t)
	}},
	{"consent is missing", "PrefectHQ/fastmcp#2468", causePolicy, endpointWith(everyRefresh(entraSays("invalid_grant", 65001, map[string]any{"suberror": "consent_required"})))},
	{"an incomplete request", "", causeRequestRefused, endpointWith(everyRefresh(authtest.Refusal{Code: "invalid_request"}.Answer()), as("power-platform"))},
	{"a code that nobody knows", "", causeRefused, endpointWith(everyRefresh(authtest.Refusal{Code: "not_today"}.Answer()), as("power-platform"))},
	{"a redirect URI that is not registered", "github/copilot-cli#1965", causeRedirect, endpointWith(authtest.Policy{}, func(b *bench) { b.e.Client.Redirect = "https://other.example/cb" })},
	{"an unknown client", "", causeUnknownClient, endpointWith(authtest.Policy{}, func(b *bench) { b.e.Client.ID = "nobody" })},
	{"a wrong secret", "", causeCodeClient, endpointWith(authtest.Policy{}, func(b *bench) { b.e.Secret = credfiles.NewSecret("other-secret-EXAMPLE") })},
	{"a secret's ID in place of its value", "", causeSecretWrong, endpointWith(authtest.Policy{}, codeAnswer(entraSays("invalid_client", 7000215, nil)))},
	{"an expired secret", "", causeSecretExpired, endpointWith(authtest.Policy{}, codeAnswer(entraSays("invalid_client", 7000222, nil)))},
	{"a code that is not taken", "", causeCodeRefused, endpointWith(authtest.Policy{}, codeAnswer(authtest.Refusal{Code: "invalid_grant"}.Answer()))},
	{"a person who says no", "", causeNoSignIn, endpointAt(authtest.Options{Authorization: authtest.Authorization{Deny: "access_denied"}})},
	{"a dead token handed over", "", causeHandedDead, endpointWith(authtest.Policy{}, handed, func(b *bench) { b.s.KillGrant("g1") })},
	{"the same at GitHub", "docs.github.com, refreshing user access tokens", causeHandedDead, endpointWith(authtest.Policy{Dialect: authtest.GitHub}, handed, func(b *bench) { b.s.KillGrant("g1") })},
	{"the same at Slack", "docs.slack.dev, token rotation", causeHandedDead, endpointWith(authtest.Policy{Dialect: authtest.Slack}, handed, func(b *bench) { b.s.KillGrant("g1") })},
	{"a handed token of a client that is gone", "", causeClientRefused, endpointWith(authtest.Policy{}, handed, func(b *bench) { b.s.ExpireClient("connector") })},
	{"no lifetime", "", causeNoLifetime, endpointWith(authtest.Policy{}, func(b *bench) {
		b.s.Behave(authtest.Token, authtest.Behaviour{Shape: authtest.Shape{ExpiresIn: authtest.Absent}})
	})},
	{"nothing to ask with", "", causeNothingSent, endpointWith(authtest.Policy{}, as("codex"), func(b *bench) { b.e.Client.Server, b.e.Client.Resource = "", "" })},
	{"no metadata", "", causeNoPlace, endpointAt(authtest.Options{Discovery: authtest.Discovery{ServerMetadata: authtest.NoServerMetadata}}, located("https://auth.example"))},
	{"metadata of another endpoint", "", causeOtherEndpoint, endpointAt(authtest.Options{Discovery: authtest.Discovery{TokenURL: "https://auth.example/other"}}, located("https://auth.example"))},
}

func init() { setups = append(setups, endpointSetups...) }

func TestEachCauseOfAnEndpointHasASetup(t *testing.T) {
	met := map[Cause]bool{}
	for _, s := range endpointSetups {
		met[s.want] = true
	}
	for c := range endpointCauses() {
		if !met[c] {
			t.Errorf("nothing shows %s", c)
		}
	}
}
