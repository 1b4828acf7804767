package exchange

import (
	"net/http"
	"strings"
)

// A meaning is the verdict of an error code.
type meaning struct {
	kind     Kind
	consumed bool // the refresh token may be used up all the same
}

// codes are those of the specifications.
var codes = map[string]meaning{
	// RFC 6749 section 5.2
	"invalid_grant":          {kind: Dead},
	"invalid_client":         {kind: ClientGone},
	"unauthorized_client":    {kind: ClientGone},
	"invalid_request":        {kind: Misconfigured},
	"invalid_scope":          {kind: Misconfigured},
	"unsupported_grant_type": {kind: Misconfigured},
	// RFC 6749 section 4.1.2.1, also seen from token endpoints
	"temporarily_unavailable": {kind: Later},
	"server_error":            {kind: Ambiguous},
	"access_denied":           {kind: NeedsUser},
	// RFC 8707 section 2. oidc-provider 9.13.3 rotates first (as observed).
	"invalid_target":   {kind: Misconfigured, consumed: true},
	"invalid_resource": {kind: Misconfigured, consumed: true},
	// RFC 8628 section 3.5
	"authorization_pending": {kind: Later},
	"slow_down":             {kind: Later},
	"expired_token":         {kind: NeedsUser},
	// RFC 6750 section 3.1: of an access token, so not a word on ours
	"invalid_token": {kind: NeedsUser},
	// RFC 9449: a bound token, which we cannot renew
	"invalid_dpop_proof": {kind: Misconfigured},
	"use_dpop_nonce":     {kind: Misconfigured},
	// OpenID Connect Core section 3.1.2.6
	"interaction_required":       {kind: NeedsUser},
	"login_required":             {kind: NeedsUser},
	"consent_required":           {kind: NeedsUser},
	"account_selection_required": {kind: NeedsUser},
	// Auth0
	"mfa_required": {kind: NeedsUser},
}

// providerCodes are the codes that only some servers use.
var providerCodes = map[string]meaning{
	// Slack, with HTTP 200 and "ok":false
	"invalid_refresh_token": {kind: Dead},
	"refresh_token_expired": {kind: Dead}, // OpenAI has the same word, with 401
	"token_revoked":         {kind: Dead},
	"account_inactive":      {kind: Dead},
	"token_expired":         {kind: NeedsUser}, // does not say which token
	"invalid_client_id":     {kind: ClientGone},
	"bad_client_secret":     {kind: ClientGone},
	"internal_error":        {kind: Ambiguous},
	"fatal_error":           {kind: Ambiguous},
	"ratelimited":           {kind: Later},
	"rate_limited":          {kind: Later},
	// GitHub, with HTTP 200 and 400
	"bad_refresh_token":            {kind: Dead},
	"incorrect_client_credentials": {kind: ClientGone},
	// Supabase Auth, without an "error" (supabase/auth@bc32168)
	"refresh_token_not_found":    {kind: Dead},
	"refresh_token_already_used": {kind: Dead},
	"session_not_found":          {kind: Dead},
	"session_expired":            {kind: Dead},
	"user_banned":                {kind: Dead},
	"over_request_rate_limit":    {kind: Later},
	// OpenAI, in error.code with 401 (Codex 0.169.0)
	"refresh_token_reused":      {kind: Dead},
	"refresh_token_invalidated": {kind: Dead},
	// Google
	"deleted_client": {kind: ClientGone},
}

// described are codes whose description says more than they do.
var described = []struct {
	code, words string // words in lower case, spaces for underscores
	kind        Kind
}{
	{"unauthorized_client", "refresh token is invalid", Dead}, // Atlassian (openai/codex#27165)
	{"invalid_request", "please retry", Later},                // Ory Hydra, for concurrent refreshes (ory/hydra@83127c5)
}

// policies are the suberror (Entra), the error_subtype (Google) and the bare
// presence of claims (Entra) that turn Dead into NeedsUser: the refresh token
// may live, as MSAL assumes when it keeps it.
var policies = map[string]bool{
	"basic_action": true, "additional_action": true, "message_only": true,
	"consent_required": true, "user_password_expired": true,
	"invalid_rapt": true,
	"claims":       true,
}

// entraNumbers soften what the error code says, by the AADSTS number. They
// never harden it: Microsoft does not promise the numbers, so that without
// one the code alone must do.
var entraNumbers = map[int]Kind{
	// a policy: a second factor, a compliant device, consent, a new password
	50055: NeedsUser, 50057: NeedsUser, 50074: NeedsUser, 50076: NeedsUser, 50078: NeedsUser, 50079: NeedsUser,
	50158: NeedsUser, 53000: NeedsUser, 53001: NeedsUser, 53002: NeedsUser, 53003: NeedsUser, 65001: NeedsUser,
	// the request or the registration
	9010010: Misconfigured, 901002: Misconfigured, // resource
	650053: Misconfigured, 70011: Misconfigured, 1002012: Misconfigured, 500011: Misconfigured, 90009: Misconfigured, // scope
	50105: Misconfigured, 501051: Misconfigured, // no role assigned
	90014: Misconfigured, 900144: Misconfigured, // a parameter is missing
	7000218: Misconfigured, 700025: Misconfigured, // wants a secret, wants none
	// load
	50196: Later, 90033: Later, 90055: Later,
}

// A statusRow is the verdict where no known code is.
type statusRow struct {
	from, to int
	coded    Kind // a code that we do not know
	spoke    Kind // JSON or a form, without a code
	opaque   Kind // anything else: something between us and the server may have answered
	firm     bool // whatever a cut body may have said
}

var statuses = []statusRow{
	{200, 299, Misconfigured, Ambiguous, Ambiguous, false},
	{300, 399, Later, Later, Later, true}, // a captive portal, a server that moved
	{400, 401, Misconfigured, Misconfigured, Later, false},
	{402, 402, Misconfigured, Misconfigured, Later, false},
	{403, 403, Later, Later, Later, false}, // a web application firewall
	{407, 407, Later, Later, Later, true},  // a proxy
	{408, 408, Ambiguous, Ambiguous, Ambiguous, true},
	{409, 409, Later, Later, Later, false},
	{423, 425, Later, Later, Later, true},
	{429, 429, Later, Later, Later, true},
	{404, 499, Misconfigured, Misconfigured, Misconfigured, true},
	{511, 511, Later, Later, Later, true}, // a captive portal (RFC 6585 section 6)
}

var (
	overloaded = statusRow{503, 503, Later, Later, Later, true} // says when to come back
	unclear    = statusRow{100, 999, Ambiguous, Ambiguous, Ambiguous, true}
)

func rowOf(a Answer) statusRow {
	if a.Status == http.StatusServiceUnavailable && a.Header.RetryAfter != "" {
		return overloaded
	}
	for _, row := range statuses {
		if row.from <= a.Status && a.Status <= row.to {
			return row
		}
	}
	return unclear
}

func meaningOf(code string) (meaning, bool) {
	code = strings.ToLower(code)
	m, known := codes[code]
	if !known {
		m, known = providerCodes[code]
	}
	return m, known
}
