package authtest

import (
	"net/http"
	"net/url"
	"strings"
)

// Discovery is how a client finds the authorization server (RFC 9728,
// RFC 8414).
type Discovery struct {
	ResourceMetadata ResourcePlace
	ServerMetadata   ServerPlace
	NoChallenge      bool // a 401 does not say where the resource metadata is

	// What the metadata says in place of the truth. Issuer "-" leaves it out.
	Issuer               string
	ResourceID           string // what the resource metadata says in resource
	AuthorizationServers []string
	TokenURL             string
	NoAuthMethods        bool     // token_endpoint_auth_methods_supported is left out
	NoPKCE               bool     // code_challenge_methods_supported is left out
	Scopes               []string // scopes_supported of both; nil leaves it out
}

// ResourcePlace is where protected-resource metadata is.
type ResourcePlace string

// The places for an MCP server at /mcp.
const (
	ResourceInserted   ResourcePlace = ""         // /.well-known/oauth-protected-resource/mcp
	ResourceAtRoot     ResourcePlace = "root"     // /.well-known/oauth-protected-resource
	ResourceAppended   ResourcePlace = "appended" // /mcp/.well-known/oauth-protected-resource (Notion)
	ResourceInHeader   ResourcePlace = "header"   // a path that only the 401 tells
	NoResourceMetadata ResourcePlace = "none"     // as before the 2025-06-18 revision of MCP
)

// ServerPlace is where authorization server metadata is.
type ServerPlace string

// The places for an issuer with path /tenant.
const (
	ServerInserted ServerPlace = ""              // /.well-known/oauth-authorization-server/tenant
	OIDCInserted   ServerPlace = "oidc inserted" // /.well-known/openid-configuration/tenant
	OIDCAppended   ServerPlace = "oidc appended" // /tenant/.well-known/openid-configuration
	ServerAtRoot   ServerPlace = "root"          // /.well-known/oauth-authorization-server whatever the path
	// NoServerMetadata is the 2025-03-26 revision of MCP at its barest:
	// /authorize, /token and /register at the origin of the issuer.
	NoServerMetadata ServerPlace = "none"
)

const (
	oauthWellKnown    = "/.well-known/oauth-authorization-server"
	oidcWellKnown     = "/.well-known/openid-configuration"
	resourceWellKnown = "/.well-known/oauth-protected-resource"
)

// Issuer is the true issuer, whatever the metadata says.
func (s *Server) Issuer() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issuer()
}

// URL is where an endpoint is; empty where the server has none.
func (s *Server) URL(e Endpoint) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endpointURL(e)
}

func (s *Server) issuer() string { return s.origin + s.options.IssuerPath }

func (s *Server) resourceURL() string { return s.resource + s.options.ResourcePath }

// resourceID is what the resource metadata calls the MCP server.
func (s *Server) resourceID() string { return or(s.options.ResourceID, s.resourceURL()) }

func (s *Server) endpointURL(e Endpoint) string {
	prefix := s.issuer() + "/oauth/"
	if s.options.ServerMetadata == NoServerMetadata {
		prefix = s.origin + "/"
	}
	switch e {
	case Token, Authorize, Revoke:
		return prefix + string(e)
	case Device:
		if !s.options.Devices {
			return ""
		}
		return prefix + string(e)
	case Register:
		if s.options.NoRegistration {
			return ""
		}
		return prefix + string(e)
	case Metadata:
		return s.metadataURL()
	case ResourceMetadata:
		return s.resourceMetadataURL()
	case Resource:
		return s.resourceURL()
	}
	return ""
}

func (s *Server) metadataURL() string {
	path := s.options.IssuerPath
	switch s.options.ServerMetadata {
	case OIDCInserted:
		return s.origin + oidcWellKnown + path
	case OIDCAppended:
		return s.origin + path + oidcWellKnown
	case ServerAtRoot:
		return s.origin + oauthWellKnown
	case NoServerMetadata:
		return ""
	}
	return s.origin + oauthWellKnown + path
}

func (s *Server) resourceMetadataURL() string {
	path := s.options.ResourcePath
	switch s.options.ResourceMetadata {
	case ResourceAtRoot:
		return s.resource + resourceWellKnown
	case ResourceAppended:
		return s.resource + path + resourceWellKnown
	case ResourceInHeader:
		return s.resource + "/about/resource.json"
	case NoResourceMetadata:
		return ""
	}
	return s.resource + resourceWellKnown + path
}

// endpoint finds out where a request went, and what is wrong with going there.
func (s *Server) endpoint(r *http.Request) (e Endpoint, unexpected string) {
	for _, e := range []Endpoint{Token, Authorize, Device, Register, Revoke, Metadata, ResourceMetadata, Resource} {
		u, _ := url.Parse(s.endpointURL(e))
		if u.Host != "" && u.Host == r.Host && u.Path == r.URL.Path {
			return e, ""
		}
	}
	ours := func(origin string) bool {
		_, host, _ := strings.Cut(origin, "://")
		return host == r.Host
	}
	switch {
	case !ours(s.origin) && !ours(s.resource):
		return Unknown, "not a host of ours"
	case r.Method == http.MethodGet && (strings.Contains(r.URL.Path, "/.well-known/") || r.URL.Path == "/favicon.ico"):
		return Unknown, "" // looking for metadata is how discovery works
	}
	return Unknown, "nothing is served there"
}

// metadata describes the authorization server (RFC 8414 section 2).
func (s *Server) metadata() Answer {
	d := s.options.Discovery
	m := map[string]any{
		"authorization_endpoint":   s.endpointURL(Authorize),
		"token_endpoint":           or(d.TokenURL, s.endpointURL(Token)),
		"revocation_endpoint":      s.endpointURL(Revoke),
		"response_types_supported": []string{"code"},
		"grant_types_supported":    []string{"authorization_code", "refresh_token"},
	}
	if d.Issuer != Absent {
		m["issuer"] = or(d.Issuer, s.issuer())
	}
	if u := s.endpointURL(Register); u != "" {
		m["registration_endpoint"] = u
	}
	if u := s.endpointURL(Device); u != "" {
		m["device_authorization_endpoint"] = u
	}
	if !d.NoAuthMethods {
		methods := []string{"none", "client_secret_basic", "client_secret_post"}
		if s.options.ClientAuth != AnyAuth {
			methods = []string{string(s.options.ClientAuth)}
		}
		m["token_endpoint_auth_methods_supported"] = methods
	}
	if !d.NoPKCE {
		m["code_challenge_methods_supported"] = []string{"S256"}
	}
	if d.Scopes != nil {
		m["scopes_supported"] = d.Scopes
	}
	if s.options.ClientIDMetadata {
		m["client_id_metadata_document_supported"] = true
	}
	if s.options.AdvertiseIss {
		m["authorization_response_iss_parameter_supported"] = true
	}
	return jsonAnswer(http.StatusOK, m)
}

// resourceMetadata describes the MCP server (RFC 9728 section 2).
func (s *Server) resourceMetadata() Answer {
	d := s.options.Discovery
	servers := d.AuthorizationServers
	if servers == nil {
		servers = []string{s.issuer()}
	}
	m := map[string]any{
		"resource":                 s.resourceID(),
		"authorization_servers":    servers,
		"bearer_methods_supported": []string{"header"},
	}
	if d.Scopes != nil {
		m["scopes_supported"] = d.Scopes
	}
	return jsonAnswer(http.StatusOK, m)
}
