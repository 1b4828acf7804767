package discovery

import (
	"encoding/json"
	"net/url"
	"slices"
	"time"
)

// Metadata is what we use of an authorization server's metadata, under the
// names of RFC 8414 section 2 and OpenID Connect Discovery section 3. Slices
// are nil where the metadata does not say.
type Metadata struct {
	Issuer           string   `json:"issuer,omitzero"`
	TokenURL         string   `json:"token_endpoint,omitzero"`
	AuthMethods      []string `json:"token_endpoint_auth_methods_supported,omitzero"`
	AuthorizationURL string   `json:"authorization_endpoint,omitzero"`
	RegistrationURL  string   `json:"registration_endpoint,omitzero"`
	RevocationURL    string   `json:"revocation_endpoint,omitzero"`
	DeviceURL        string   `json:"device_authorization_endpoint,omitzero"` // RFC 8628 section 4
	Scopes           []string `json:"scopes_supported,omitzero"`
	GrantTypes       []string `json:"grant_types_supported,omitzero"`
	ChallengeMethods []string `json:"code_challenge_methods_supported,omitzero"`
	// IssParameter: the authorization response names the issuer (RFC 9207).
	IssParameter bool `json:"authorization_response_iss_parameter_supported,omitzero"`
	// ClientIDDocuments: a URL may be a client ID (client ID metadata document).
	ClientIDDocuments bool `json:"client_id_metadata_document_supported,omitzero"`
}

// Endpoints says where a credential's refresh token goes. Every URL in it has
// passed [CheckURL]; one that did not is empty, and without a token endpoint
// there are no Endpoints. A change of Issuer or TokenURL since the last
// refresh is the caller's to notice.
type Endpoints struct {
	Metadata
	// Resource is the resource of the protected-resource metadata, verbatim
	// (RFC 9728 section 2, sent as RFC 8707 says). Empty where there is no such
	// metadata, and where the grant has a resource of its own, so that it was
	// not asked for.
	Resource string `json:"resource,omitzero"`
	// Legacy: there is no metadata at all, and TokenURL is the one that the
	// MCP specification of 2025-03-26 tells to assume. Issuer is empty.
	Legacy bool `json:"legacy,omitzero"`
	// Asked are the hosts that were asked on the way, with their port where it
	// is not the usual one.
	Asked []string `json:"asked,omitzero"`
	// Found is when the network was last asked with success.
	Found time.Time `json:"found"`

	scopes []string // scopes_supported of the protected-resource metadata
}

// Hosts are the hosts that this credential talks to when it is refreshed,
// each once and sorted: of the token endpoint and those that were asked for it.
func (e Endpoints) Hosts() []string {
	hosts := slices.Clone(e.Asked)
	if u, err := url.Parse(e.TokenURL); err == nil && u.Host != "" {
		hosts = append(hosts, u.Host)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// parseMetadata reads the metadata found at where. issuer is the one it must
// name, "" for any; server is the user's own server.
func parseMetadata(doc []byte, where, issuer, server string) (Metadata, *miss) {
	var m Metadata
	if !decode(doc, &m) {
		return m, unusable(where, "not JSON where metadata should be")
	}
	if issuer != "" && m.Issuer == "" {
		return m, unusable(where, "metadata without an issuer")
	}
	if issuer != "" && !sameIssuer(issuer, m.Issuer) {
		return m, &miss{contradicts, &IssuerError{Stored: issuer, Found: m.Issuer}}
	}
	if m.TokenURL == "" {
		return m, unusable(where, "metadata without a token endpoint")
	}
	if _, err := CheckURL(m.TokenURL, server); err != nil {
		return m, &miss{garbled, err}
	}
	for _, u := range []*string{&m.AuthorizationURL, &m.RegistrationURL, &m.RevocationURL, &m.DeviceURL} {
		if _, err := CheckURL(*u, server); err != nil {
			*u = ""
		}
	}
	return m, nil
}

func unusable(where, problem string) *miss {
	return &miss{garbled, &MisconfiguredError{URL: show(where), Problem: problem}}
}

// decode reports whether doc is a JSON object. A member of another type than
// expected is left out: an odd scopes_supported is no reason to let a
// credential die.
func decode(doc []byte, into any) bool {
	if !json.Valid(doc) || doc[0] != '{' {
		return false
	}
	_ = json.Unmarshal(doc, into) // valid: all that is left are members of odd types
	return true
}
