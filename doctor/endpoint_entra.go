package doctor

import "strings"

// entraWords are Entra's numbers in plain words. Microsoft does not promise
// the numbers: they explain, and decide nothing.
var entraWords = map[string]string{
	"70008":   "the refresh token has expired from disuse",
	"700082":  "the refresh token has expired from disuse",
	"700084":  "the refresh token of a single-page app has reached its fixed end",
	"50173":   "the grant was revoked, as by a changed password",
	"70000":   "the grant is not valid",
	"70043":   "the sign-in frequency of a policy has run out",
	"50076":   "a second factor is asked for",
	"50079":   "a second factor has to be set up",
	"50158":   "a condition outside Entra is not met",
	"65001":   "nobody has consented to this application",
	"7000215": "the client secret is not the right one (often its ID instead of its value)",
	"7000222": "the client secret has expired",
	"700016":  "the application is not known in this tenant",
	"7000218": "the request has to carry a client secret",
	"700025":  "the client is a public one, so that no secret may be sent",
	"90002":   "the tenant is not known",
	"9010010": "the resource does not go with the scopes; Entra v2 wants scope alone",
	"901002":  "Entra v2 takes no resource, only scope",
	"650053":  "a scope is not one of the resource",
	"70011":   "a scope is not valid, or .default stands beside another",
	"1002012": "the scope has to end in /.default",
	"500011":  "the resource is not known in this tenant",
	"50105":   "the user has no role in the application",
	"90009":   "the application asks for a token for itself",
	"90014":   "a parameter is missing",
	"900144":  "a parameter is missing",
	"50196":   "the client asks again and again",
	"50011":   "the redirect URI is not registered",
}

// aadstsWords are the words for "AADSTS90009"; empty for what is not known.
func aadstsWords(subtype string) string {
	n, ok := strings.CutPrefix(subtype, "AADSTS")
	if !ok {
		return ""
	}
	return entraWords[n]
}
