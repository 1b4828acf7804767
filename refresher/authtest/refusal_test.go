package authtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestADeadGrantIsRefusedInEveryDialect(t *testing.T) {
	for _, test := range []struct {
		policy Policy
		status int
		part   string
	}{
		{Policy{}, 400, `"error":"invalid_grant"`},
		{Policy{DeadStatus: 401}, 401, `"error":"invalid_grant"`},
		{Policy{DeadStatus: 403}, 403, `"error":"invalid_grant"`},
		{Policy{DeadStatus: 200, DeadCode: "bad_refresh_token"}, 200, `"error":"bad_refresh_token"`},
		{Policy{Dialect: Slack}, 200, `{"error":"invalid_refresh_token","ok":false}`},
		{Policy{Dialect: Slack, DeadCode: "token_revoked"}, 200, `"error":"token_revoked"`},
		{Policy{Dialect: GitHub}, 200, `error=bad_refresh_token&error_description=`},
		{Policy{Dialect: Success}, 200, `{"error":"invalid_grant","msg":"Authorization required","success":false}`},
		{Policy{Dialect: Success, DeadStatus: 401}, 401, `"success":false`},
		{Policy{Dialect: GoTrue}, 400, `{"code":400,"error_code":"refresh_token_not_found","msg":`},
		{Policy{Dialect: GoTrue, DeadStatus: 401}, 401, `{"code":401,`},
		{Policy{Dialect: ErrorValue}, 400, `{"error":{"code":"invalid_grant","message":`},
		{Policy{Dialect: Entra}, 400, `"error_codes":[700082]`},
	} {
		t.Run(fmt.Sprintf("%s %d %s", test.policy.Dialect, test.policy.DeadStatus, test.policy.DeadCode), func(t *testing.T) {
			s := memory(t, test.policy)
			g := s.Grant(GrantOptions{})
			s.KillGrant(g.ID)
			r := refresh(s, g, g.RefreshToken)
			if r.status != test.status || !strings.Contains(r.body, test.part) {
				t.Errorf("status %d %s, want %d %s", r.status, r.body, test.status, test.part)
			}
			if !s.Last(g.ID).Condemned {
				t.Error("the log does not say that the refresh token is condemned")
			}
		})
	}
}

func TestWhichCodesCondemnARefreshToken(t *testing.T) {
	condemn := []string{
		"invalid_grant", "invalid_refresh_token", "refresh_token_expired", "token_revoked", "account_inactive",
		"bad_refresh_token", "refresh_token_not_found", "refresh_token_already_used", "session_not_found",
		"session_expired", "user_banned",
	}
	spare := []string{
		"interaction_required", "login_required", "consent_required", "mfa_required",
		"invalid_client", "unauthorized_client", "incorrect_client_credentials", "invalid_client_id", "deleted_client",
		"invalid_scope", "invalid_target", "unsupported_grant_type", "invalid_request", "invalid_resource",
		"slow_down", "temporarily_unavailable", "rate_limited", "server_error",
	}
	for _, d := range []Dialect{OAuth, Slack, GitHub, Success, GoTrue, ErrorValue, Entra} {
		for _, code := range slices.Concat(condemn, spare) {
			a := Refusal{Dialect: d, Code: code}.Answer()
			if want := slices.Contains(condemn, code); a.Condemns != want {
				t.Errorf("%s %s: condemns %v, want %v", d, code, a.Condemns, want)
			}
			if !strings.Contains(string(a.Body), code) {
				t.Errorf("%s %s: not in the body", d, code)
			}
		}
	}
	for _, extra := range []map[string]any{
		{"suberror": "basic_action"}, {"suberror": "consent_required"}, {"claims": `{"access_token":{}}`},
		{"error_subtype": "invalid_rapt"},
	} {
		if (Refusal{Code: "invalid_grant", Extra: extra}).Answer().Condemns {
			t.Errorf("invalid_grant with %v condemns, though the user is asked for", extra)
		}
	}
	if !(Refusal{Code: "invalid_grant", Extra: map[string]any{"suberror": "token_expired"}}).Answer().Condemns {
		t.Error("invalid_grant with suberror token_expired does not condemn")
	}
}
