package app

import (
	"regexp"
	"strconv"
)

// entraWords are what the numbers of Microsoft Entra ID mean and what to do
// about them; an empty do is a sign-in (reference-error-codes of its
// documentation; those of seven digits and 90009 from reports). They are words
// only: Microsoft promises no number, so that no verdict may hang on one.
var entraWords = map[int]struct{ what, do string }{
	// the secret, or what stands for it
	7000222: {"the client secret has ended", "make a new secret in the app registration, and put it in the old one's place"},
	7000215: {"the client secret is wrong", "take the secret's value, not its ID"},
	7000218: {"the server wants a client secret or a signed assertion", "give it one, or allow public client flows in the app registration"},
	700025:  {"the app is a public client, which has no secret", `leave the secret out (auth_method = "none"), or register the app as a web app`},
	700027:  {"the server does not know the certificate that signed the assertion", "upload the certificate to the app registration"},
	700024:  {"the assertion is too old or not valid yet", "set the clock"},

	// the application
	700016:  {"there is no such application in this tenant", "check the client ID, and the tenant in the token endpoint"},
	7000112: {"the application is disabled in this tenant", "have an administrator enable it"},
	90002:   {"there is no such tenant", "check the tenant in the token endpoint"},
	50105:   {"nobody gave the app a role there", "have an administrator assign it"},
	501051:  {"nobody gave the app a role there", "have an administrator assign it"},
	65001:   {"nobody has agreed to these permissions", "have an administrator grant consent to the app's permissions, or sign in and agree"},

	// the scope
	70011:   {"the scope is not valid", "for client_credentials it is one resource with /.default, such as https://graph.microsoft.com/.default"},
	1002012: {"the scope is not one for client_credentials", "write one resource with /.default, such as https://graph.microsoft.com/.default"},
	90009:   {"the app asks for a token for itself by another name than its GUID", "write the scope as GUID/.default, or use two app registrations"},
	500011:  {"the resource of the scope is not in this tenant", "check the scope, and the tenant in the token endpoint"},
	650053:  {"the resource does not know this scope", "check the scope"},
	9010010: {"the resource does not fit the scope", "leave the resource out: the scope says it"},
	901002:  {"the server takes no resource", "leave the resource out: the scope says it"},

	// the person
	50055: {"the password has ended", ""},
	50057: {"the account is disabled", "have an administrator enable it"},
	50074: {"the server wants a second factor", ""},
	50076: {"the server wants a second factor", ""},
	50078: {"the server wants the second factor again", ""},
	50079: {"the server wants a second factor to be set up", ""},
	50158: {"a policy wants more than the refresh token", ""},
	53000: {"a policy wants a device that is managed", "sign in on one that your organisation manages"},
	53001: {"a policy wants a device that is joined to the domain", "sign in on one that your organisation manages"},
	53003: {"a policy does not allow it from here", "sign in from where your organisation allows it"},

	// the refresh token
	50173:  {"the password was changed, or the sign-in revoked", ""},
	70043:  {"a policy limits how long a sign-in lasts", ""},
	700082: {"the refresh token was not used for too long", ""},
	700084: {"the sign-in of a single-page app ends after a day", ""},
}

var entraNumber = regexp.MustCompile(`\bAADSTS(\d+)`)

// entra is what a server's description means that has such a number; empty: none
// that is known.
func entra(detail string) (what, do string) {
	m := entraNumber.FindStringSubmatch(detail)
	if m == nil {
		return "", ""
	}
	n, _ := strconv.Atoi(m[1])
	w := entraWords[n]
	if w.what == "" {
		return "", ""
	}
	return w.what + " (" + m[0] + ")", w.do
}
