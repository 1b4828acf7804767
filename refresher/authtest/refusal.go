package authtest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// A Dialect is a way to write a refusal.
type Dialect string

// The dialects, with the status they come with.
const (
	OAuth      Dialect = ""            // 400 (RFC 6749 section 5.2)
	Slack      Dialect = "slack"       // 200 {"ok":false,"error":"invalid_refresh_token"}
	GitHub     Dialect = "github"      // 200, form-encoded, bad_refresh_token
	Success    Dialect = "success"     // 200 {"success":false,"error":…,"msg":"Authorization required"}
	GoTrue     Dialect = "gotrue"      // 400 {"code":400,"error_code":…,"msg":…}, no error
	ErrorValue Dialect = "error value" // 400 {"error":{"code":…,"message":…}}
	Entra      Dialect = "entra"       // 400 with AADSTS, error_codes, trace_id
)

// A Refusal is an error answer of a token endpoint.
type Refusal struct {
	Dialect     Dialect
	Status      int            // zero is the dialect's, for invalid_client 401 where that is 400
	Code        string         // empty is the dialect's word for a dead refresh token
	Description string         // empty is a plain sentence
	Extra       map[string]any // more members, such as suberror, claims, error_codes
	AADSTS      int            // Entra's number; zero is 700082, an inactive refresh token
}

// dead are the codes after which a refresh token must not come again
// (RFC 6749 section 5.2; Slack, GitHub and GoTrue by their documents).
var dead = []string{
	"invalid_grant",
	"invalid_refresh_token", "refresh_token_expired", "token_revoked", "account_inactive",
	"bad_refresh_token",
	"refresh_token_not_found", "refresh_token_already_used", "session_not_found", "session_expired", "user_banned",
}

// policySuberrors are Entra's words for "the user must do something first":
// an invalid_grant that may leave the refresh token good.
var policySuberrors = []any{"basic_action", "additional_action", "message_only", "consent_required", "user_password_expired"}

func (r Refusal) condemns() bool {
	needsUser := slices.Contains(policySuberrors, r.Extra["suberror"]) ||
		r.Extra["claims"] != nil || r.Extra["error_subtype"] == "invalid_rapt"
	return slices.Contains(dead, r.Code) && !needsUser
}

// deadCode is a dialect's word for a refresh token that does not work.
func (d Dialect) deadCode() string {
	switch d {
	case Slack:
		return "invalid_refresh_token"
	case GitHub:
		return "bad_refresh_token"
	case GoTrue:
		return "refresh_token_not_found"
	}
	return "invalid_grant"
}

// clientCode is a dialect's word for a client that it does not know.
func (d Dialect) clientCode() string {
	switch d {
	case Slack:
		return "invalid_client_id"
	case GitHub:
		return "incorrect_client_credentials"
	}
	return "invalid_client"
}

// Answer writes the refusal down. It condemns the refresh token if its code
// is one of those that mean a dead one, unless Extra says that the user is
// needed.
func (r Refusal) Answer() *Answer {
	if r.Code == "" {
		r.Code = r.Dialect.deadCode()
	}
	if r.Description == "" {
		r.Description = "The request was refused."
	}
	if r.Status == 0 {
		r.Status = r.status()
	}
	var a Answer
	if r.Dialect == GitHub {
		form := url.Values{"error": {r.Code}, "error_description": {r.Description}}
		a = *text(r.Status, "application/x-www-form-urlencoded; charset=utf-8", form.Encode())
	} else {
		members := r.members()
		maps.Copy(members, r.Extra)
		a = jsonAnswer(r.Status, members)
	}
	a.Condemns = r.condemns()
	return &a
}

func (r Refusal) status() int {
	switch r.Dialect {
	case Slack, GitHub, Success:
		return http.StatusOK
	case OAuth, Entra:
		if r.Code == "invalid_client" {
			return http.StatusUnauthorized
		}
	}
	return http.StatusBadRequest
}

func (r Refusal) members() map[string]any {
	switch r.Dialect {
	case Slack:
		return map[string]any{"ok": false, "error": r.Code}
	case Success:
		return map[string]any{"success": false, "error": r.Code, "msg": "Authorization required"}
	case GoTrue:
		return map[string]any{"code": r.Status, "error_code": r.Code, "msg": r.Description}
	case ErrorValue:
		return map[string]any{"error": map[string]any{"code": r.Code, "message": r.Description}}
	case Entra:
		n := cmp.Or(r.AADSTS, 700082)
		return map[string]any{
			"error": r.Code, "error_description": fmt.Sprintf("AADSTS%d: %s", n, r.Description), "error_codes": []int{n},
			"trace_id": "00000000-0000-0000-0000-000000000000", "correlation_id": "00000000-0000-0000-0000-000000000000",
		}
	}
	return map[string]any{"error": r.Code, "error_description": r.Description}
}
