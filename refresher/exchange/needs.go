package exchange

import (
	"errors"
	"slices"
	"strings"

	"lamplighter/credfiles"
)

// A need is what one provider wants of a refresh beyond RFC 6749 section 6,
// whatever its metadata and the client say.
type need struct {
	provider string
	hosts    []string // of the token endpoint or the issuer; ".x.com" means every host below x.com
	server   string   // or the host of the MCP server
	source   string

	auth             string                      // where there is a client secret
	json             bool                        // takes a JSON body, not a form
	refreshURL       string                      // takes refreshes at another URL than the token endpoint
	resource         string                      // where no protected-resource metadata names one
	omitResource     bool                        // refuses RFC 8707
	omitScope        bool                        // takes scopes in a form of its own, and needs none here
	scopes           func(all []string) []string // must be sent; which of those granted
	assertToEndpoint bool                        // an assertion is for the token endpoint, not for the issuer
	application      func(credfiles.Grant) error // what it wants of client_credentials; nil: nothing
	authorize        map[string]string           // parameters of a sign-in, in place of prompt
}

var needs = []need{
	{
		provider:     "Entra ID",
		hosts:        []string{"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn", "login.chinacloudapi.cn", "login.windows.net", "sts.windows.net", ".ciamlogin.com", ".b2clogin.com"},
		source:       "resource: AADSTS9010010, enforced since March 2026, before it AADSTS901002; scope: without it the token is for another audience (anthropics/claude-code#89862, #73460)",
		omitResource: true,
		scopes:       entraScopes,
		application:  entraApplication,
		// Its documentation of certificate credentials.
		assertToEndpoint: true,
		// It refuses a prompt that it does not expect (Claude Code 2.1.121, its
		// change log), and offline_access is enough.
		authorize: map[string]string{},
	},
	{
		provider:  "Slack",
		hosts:     []string{"slack.com", ".slack.com"},
		source:    "docs.slack.dev, token rotation: oauth.v2.access takes no scope; scopes there are separated by commas",
		omitScope: true,
	},
	{
		provider:  "Linear API",
		hosts:     []string{"api.linear.app"},
		source:    "scopes there are separated by commas (Linear OAuth documentation)",
		omitScope: true,
	},
	{
		provider: "GitHub",
		hosts:    []string{"github.com"},
		source:   "documentation of refreshing user access tokens: the secret is a parameter; the answer is a form without Accept: application/json, which every Post has",
		auth:     Body,
	},
	{
		provider:   "Figma",
		hosts:      []string{"api.figma.com", "www.figma.com"},
		source:     "Figma REST API documentation: a URL of its own for refreshes, HTTP Basic",
		auth:       Basic,
		refreshURL: "https://api.figma.com/v1/oauth/refresh",
	},
	{
		provider: "Salesforce",
		hosts:    []string{".salesforce.com", ".salesforce-setup.com"},
		source:   "wants client_id and client_secret in the body of a refresh (reported by Troy Taylor, 2026-03-11)",
		auth:     Body,
	},
	{
		provider:  "Google",
		hosts:     []string{"accounts.google.com", "oauth2.googleapis.com"},
		source:    "OAuth 2.0 for installed apps: the secret is a parameter, also for desktop clients; a refresh token comes for access_type=offline, and again only with consent",
		auth:      Body,
		authorize: map[string]string{"access_type": "offline", "prompt": "consent"},
	},
	{
		provider: "Notion API",
		hosts:    []string{"api.notion.com"},
		source:   "Notion API reference, refresh a token: JSON and HTTP Basic",
		auth:     Basic,
		json:     true,
	},
	{
		provider: "Asana MCP",
		server:   "mcp.asana.com",
		source:   "version 2 is bound to this resource (NangoHQ/nango@2f4c0af, its provider asana-mcp)",
		resource: "https://mcp.asana.com/v2",
	},
}

// needOf returns the need of the provider behind these URLs, a zero one where
// it is not known to have any.
func needOf(tokenURL, issuer, server string) need {
	for _, n := range needs {
		if n.serves(host(tokenURL)) || n.serves(host(issuer)) || n.server != "" && host(server) == n.server {
			return n
		}
	}
	return need{}
}

func (n need) serves(host string) bool {
	return slices.ContainsFunc(n.hosts, func(h string) bool {
		return host == h || h[0] == '.' && strings.HasSuffix(host, h)
	})
}

// entraScopes drops what Entra does not take beside a "/.default": any scope
// of a resource (AADSTS70011, github/copilot-cli#4464).
func entraScopes(all []string) []string {
	i := slices.IndexFunc(all, func(s string) bool { return strings.HasSuffix(s, "/.default") })
	if i < 0 {
		return all
	}
	kept := []string{all[i]}
	for _, s := range all {
		switch s {
		case "openid", "profile", "email", "offline_access":
			kept = append(kept, s)
		}
	}
	return kept
}

// entraApplication wants exactly one scope of client_credentials, that of all
// permissions of one resource, and no resource beside it (AADSTS1002012,
// AADSTS70011, AADSTS901002).
func entraApplication(g credfiles.Grant) error {
	switch {
	case g.Resource != "":
		return errors.New("there is no resource with Entra ID: name it in the scope, as in https://graph.microsoft.com/.default")
	case len(g.Scopes) != 1 || !strings.HasSuffix(g.Scopes[0], "/.default"):
		return errors.New("there has to be one scope for Entra ID, one that ends in /.default, such as https://graph.microsoft.com/.default")
	}
	return nil
}
