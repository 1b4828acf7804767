package settings

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/pelletier/go-toml/v2"

	"lamplighter/credfiles"
)

// ownGrants are how an own credential gets its access token, the first if
// nothing is said.
var ownGrants = []string{credfiles.ByClientCredentials, credfiles.ByRefreshToken, credfiles.ByBrowser, credfiles.ByDevice}

// ownAuthMethods are the ways in which its client may authenticate (RFC 7591
// section 2, RFC 7523 section 2.2).
var ownAuthMethods = []string{"none", "client_secret_basic", "client_secret_post", "private_key_jwt"}

var ownKeys = []key{
	{KeyDoc{"own.name", "word", "", "`[[own]]` is a credential of your own, which no client keeps: `own/NAME` is its ID; required"},
		func(d *draft, v any) string { return shortName(&d.own.Name, v) }},
	{KeyDoc{"own.grant", "`client_credentials`, `refresh_token`, `authorization_code` or `device_code`", "", "how it gets its access token; without it `client_credentials`"},
		func(d *draft, v any) string { return word(&d.own.Grant, v, ownGrants...) }},
	{KeyDoc{"own.token_endpoint", "URL", "", "where it asks for a token; it or `issuer` is required"},
		func(d *draft, v any) string { return address(&d.own.TokenURL, v) }},
	{KeyDoc{"own.issuer", "URL", "", "the authorization server, whose metadata names its endpoints"},
		func(d *draft, v any) string { return address(&d.own.Issuer, v) }},
	{KeyDoc{"own.authorization_endpoint", "URL", "", "where the browser signs in, beside `token_endpoint`"},
		func(d *draft, v any) string { return address(&d.own.AuthorizationURL, v) }},
	{KeyDoc{"own.device_endpoint", "URL", "", "where a sign-in by device code begins, beside `token_endpoint`"},
		func(d *draft, v any) string { return address(&d.own.DeviceURL, v) }},
	{KeyDoc{"own.redirect_uri", "URL", "", "the redirect URI that is registered; without it `http://127.0.0.1/callback` on any port"},
		func(d *draft, v any) string { return address(&d.own.RedirectURI, v) }},
	{KeyDoc{"own.client_id", "text", "", "the client ID; required"},
		func(d *draft, v any) string { return text(&d.own.ClientID, v) }},
	{KeyDoc{"own.auth_method", "`none`, `client_secret_basic`, `client_secret_post` or `private_key_jwt`", "", "how the client authenticates; without it as the server's metadata says"},
		func(d *draft, v any) string { return word(&d.own.AuthMethod, v, ownAuthMethods...) }},
	{KeyDoc{"own.secret_file", "path", "", "the file that holds the client secret; without it and the next two it is where `add` put it"},
		func(d *draft, v any) string { return folder(&d.own.SecretFile, v) }},
	{KeyDoc{"own.secret_env", "text", "", "the environment variable that holds it"},
		func(d *draft, v any) string { return text(&d.own.SecretEnv, v) }},
	{KeyDoc{"own.secret_command", "list of texts", "", "the command that prints it, such as `[\"pass\", \"show\", \"graph\"]`; it runs when a token is asked for, for 30 s at most"},
		func(d *draft, v any) string { return command(&d.own.SecretCommand, v) }},
	{KeyDoc{"own.secret_expires", "date", "", "when the secret ends, such as `2027-01-31`: said 30 days ahead"},
		func(d *draft, v any) string { return day(&d.own.SecretExpires, v) }},
	{KeyDoc{"own.key_file", "path", "", "the PEM file with the private key of `private_key_jwt`, and for Entra ID its certificate"},
		func(d *draft, v any) string { return folder(&d.own.KeyFile, v) }},
	{KeyDoc{"own.key_id", "text", "", "the `kid` in the assertion's header"},
		func(d *draft, v any) string { return text(&d.own.KeyID, v) }},
	{KeyDoc{"own.key_audience", "text", "", "whom the assertion is for; without it `issuer` if that is set, else the token endpoint, as always for Entra ID"},
		func(d *draft, v any) string { return text(&d.own.KeyAudience, v) }},
	{KeyDoc{"own.scope", "text", "", "the scopes to ask for, separated by spaces; for Entra ID one that ends in `/.default`"},
		func(d *draft, v any) string { return text(&d.own.Scope, v) }},
	{KeyDoc{"own.resource", "URL", "", "the `resource` to send; Entra ID takes none"},
		func(d *draft, v any) string { return resource(&d.own.Resource, v) }},
	{KeyDoc{"own.audience", "text", "", "the `audience` to send, as Auth0 wants it"},
		func(d *draft, v any) string { return text(&d.own.Audience, v) }},
	{KeyDoc{"own.parameters", "table of texts", "", "further parameters to send, such as `{ tenant = \"acme\" }`; no secrets"},
		func(d *draft, v any) string { return pairs(&d.own.Parameters, v) }},
}

// checkOwn checks what the single keys of an own credential cannot tell.
func (d *draft) checkOwn(at string) {
	o := d.own
	o.Grant = Filled(o).Grant
	sources := 0
	for _, there := range []bool{o.SecretFile != "", o.SecretEnv != "", len(o.SecretCommand) > 0, o.KeyFile != ""} {
		if there {
			sources++
		}
	}
	signs := o.Grant == credfiles.ByBrowser || o.Grant == credfiles.ByDevice
	before := len(d.faults)
	for _, wrong := range []struct {
		is        bool
		key, what string
	}{
		{slices.ContainsFunc(d.Own, func(other credfiles.Own) bool { return other.Name == o.Name }), "name", "has an [[own]] already"},
		{o.TokenURL == "" && o.Issuer == "", "", "one of issuer and token_endpoint is missing"},
		{sources > 1, "", "secret_file, secret_env, secret_command and key_file: only one of them has a meaning"},
		{o.KeyFile != "" && o.AuthMethod != "" && o.AuthMethod != "private_key_jwt", "key_file", "is for auth_method private_key_jwt"},
		{o.KeyFile == "" && o.AuthMethod == "private_key_jwt", "auth_method", "private_key_jwt needs key_file"},
		{o.KeyFile == "" && o.KeyID+o.KeyAudience != "", "", "key_id and key_audience need key_file"},
		{sources > 0 && o.AuthMethod == "none", "auth_method", `"none" needs no secret`},
		{o.Grant == credfiles.ByClientCredentials && o.AuthMethod == "none", "auth_method", `"none" gives nobody a token by client_credentials`},
		{o.Grant == credfiles.ByBrowser && o.Issuer == "" && o.AuthorizationURL == "", "", "one of issuer and authorization_endpoint is missing"},
		{o.Grant == credfiles.ByDevice && o.Issuer == "" && o.DeviceURL == "", "", "one of issuer and device_endpoint is missing"},
		{!signs && o.RedirectURI+o.AuthorizationURL+o.DeviceURL != "", "grant", "needs no redirect_uri, authorization_endpoint or device_endpoint"},
	} {
		if wrong.is {
			where := at
			if wrong.key != "" {
				where = join(at, wrong.key)
			}
			d.fault(where, wrong.what)
		}
	}
	if len(d.faults) == before {
		d.Own = append(d.Own, Filled(o))
	}
}

// Filled is an own credential with what is meant where nothing is said.
func Filled(o credfiles.Own) credfiles.Own {
	if o.Grant == "" {
		o.Grant = credfiles.ByClientCredentials
	}
	if o.KeyFile != "" {
		o.AuthMethod = "private_key_jwt"
	}
	return o
}

// day takes a date, or a date and time with its offset, without quotes or with
// them.
func day(to *time.Time, v any) string {
	switch v := v.(type) {
	case toml.LocalDate:
		*to = v.AsTime(time.Local)
		return ""
	case time.Time:
		*to = v
		return ""
	case string:
		for _, form := range []string{time.DateOnly, time.RFC3339} {
			if t, err := time.ParseInLocation(form, v, time.Local); err == nil {
				*to = t
				return ""
			}
		}
	}
	return "must be a date, such as 2027-01-31"
}

// spoken are the parameters that have keys or a meaning of their own.
var spoken = []string{
	"grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type", "refresh_token", "code", "code_verifier",
	"redirect_uri", "device_code", "scope", "resource", "audience", "username", "password", "assertion",
}

// pairs takes a table of texts.
func pairs(to *map[string]string, v any) string {
	table, ok := v.(map[string]any)
	all := map[string]string{}
	for name, value := range table {
		s, isText := value.(string)
		if !isText || s == "" || name == "" || strings.ContainsFunc(name+s, unicode.IsControl) {
			return `must be a table of texts, such as { tenant = "acme" }`
		}
		if slices.Contains(spoken, name) {
			return fmt.Sprintf("must not hold %s, which has a key of its own or is no parameter to be chosen", name)
		}
		all[name] = s
	}
	if !ok || len(all) == 0 {
		return `must be a table of texts, such as { tenant = "acme" }`
	}
	*to = all
	return ""
}
