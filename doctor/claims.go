package doctor

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// claims are what a token that is a JWT says of itself (RFC 7519, RFC 9068;
// tid, scp and roles are Entra ID's). Nobody here checks its signature.
type claims struct {
	issuer    string
	audience  []string
	tenant    string
	client    string
	scopes    []string
	roles     []string
	ofUser    bool      // it is an ID token (OpenID Connect Core section 3.1.3.6)
	issued    time.Time // zero where it does not say
	notBefore time.Time
	expiry    time.Time
}

// claimsOf decodes a token; ok is false for what is no signed JWT.
func claimsOf(token string) (c claims, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, false
	}
	decode := func(part string) (m map[string]any) {
		b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(part, "="))
		if err != nil || json.Unmarshal(b, &m) != nil {
			return nil
		}
		return m
	}
	m := decode(parts[1])
	if m == nil || decode(parts[0]) == nil {
		return c, false
	}
	text := func(name string) string { s, _ := m[name].(string); return s }
	at := func(name string) time.Time {
		n, isNumber := m[name].(float64)
		if !isNumber || n <= 0 || n > 1e12 {
			return time.Time{}
		}
		return time.Unix(int64(n), 0).UTC()
	}
	c = claims{
		issuer: text("iss"), audience: list(m["aud"]), tenant: text("tid"), client: first(text("client_id"), text("azp"), text("appid")),
		scopes: append(list(m["scope"]), list(m["scp"])...), roles: list(m["roles"]),
		ofUser: m["nonce"] != nil || m["at_hash"] != nil || m["c_hash"] != nil,
		issued: at("iat"), notBefore: at("nbf"), expiry: at("exp"),
	}
	return c, true
}

// list is a string split at spaces, or an array of strings.
func list(v any) []string {
	switch v := v.(type) {
	case string:
		return strings.Fields(v)
	case []any:
		var all []string
		for _, of := range v {
			if s, ok := of.(string); ok {
				all = append(all, s)
			}
		}
		return all
	}
	return nil
}

func first(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

// String is what the claims say, on one line.
func (c claims) String() string {
	parts := []string{"a JWT"}
	add := func(name string, values ...string) {
		if s := strings.Join(values, " "); s != "" {
			parts = append(parts, name+" "+s)
		}
	}
	add("iss", c.issuer)
	add("aud", c.audience...)
	add("tid", c.tenant)
	add("scope", c.scopes...)
	add("roles", c.roles...)
	for _, t := range []struct {
		name string
		at   time.Time
	}{{"nbf", c.notBefore}, {"exp", c.expiry}} {
		if !t.at.IsZero() {
			add(t.name, t.at.Format(time.RFC3339))
		}
	}
	return strings.Join(parts, ", ")
}

// lasting is a time span in words, to the minute.
func lasting(d time.Duration) string {
	d = d.Abs()
	if d >= time.Minute {
		d = d.Round(time.Minute)
	}
	switch hours, minutes := int(d.Hours()), int(d.Minutes())%60; {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", minutes)
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", hours/24)
	case minutes == 0:
		return fmt.Sprintf("%d h", hours)
	default:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	}
}
