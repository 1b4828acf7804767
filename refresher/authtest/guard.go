package authtest

import (
	"crypto/sha256"
	"net/http"
	"strings"
)

// A Guard stands before the resource, as a gateway does, or in the place of
// its own look at access tokens. It returns how a request is refused, or nil.
type Guard func(r *http.Request) *Answer

// Refusing is a JSON answer that refuses, with header lines "Name: value".
func Refusing(status int, body map[string]any, header ...string) *Answer {
	a := jsonAnswer(status, body)
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		a.Header.Add(name, value)
	}
	return &a
}

// APIManagement is Azure API Management before an API whose product needs a
// subscription (Microsoft's KB 4464930 has both bodies).
func APIManagement(key string) Guard {
	const challenge = `WWW-Authenticate: AzureApiManagementKey realm="https://gateway.example/orders",name="Ocp-Apim-Subscription-Key",type="header"`
	return func(r *http.Request) *Answer {
		switch r.Header.Get("Ocp-Apim-Subscription-Key") {
		case key:
			return nil
		case "":
			return Refusing(401, map[string]any{"statusCode": 401, "message": "Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API."}, challenge)
		}
		return Refusing(401, map[string]any{"statusCode": 401, "message": "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription."}, challenge)
	}
}

// KeyIn is an API with a key in a header, which does not say where it looks
// (Kong's key-auth, as recorded in tencentcloud.com/document/product/1290/79446).
func KeyIn(header, key string) Guard {
	return func(r *http.Request) *Answer {
		switch r.Header.Get(header) {
		case key:
			return nil
		case "":
			return Refusing(401, map[string]any{"message": "No API key found in request"}, `WWW-Authenticate: Key realm="kong"`)
		}
		return Refusing(401, map[string]any{"message": "Unauthorized"}, `WWW-Authenticate: Key realm="kong"`)
	}
}

// KeyInQuery is an API with a key in a parameter of the URL.
func KeyInQuery(name, key string) Guard {
	return func(r *http.Request) *Answer {
		switch r.URL.Query().Get(name) {
		case key:
			return nil
		case "":
			return Refusing(401, map[string]any{"message": "api key is missing"})
		}
		return Refusing(401, map[string]any{"message": "api key is invalid"})
	}
}

// UserAndPassword is an API with HTTP Basic (RFC 7617).
func UserAndPassword(user, password string) Guard {
	return func(r *http.Request) *Answer {
		u, p, ok := r.BasicAuth()
		if ok && u == user && sha256.Sum256([]byte(p)) == sha256.Sum256([]byte(password)) {
			return nil
		}
		return Refusing(401, map[string]any{}, `WWW-Authenticate: Basic realm="api"`)
	}
}

// SlackAPI is a method of Slack's Web API, which refuses with 200 (docs.slack.dev,
// "Using the Slack Web API"). tokens are the error that each gets; "" is none.
func SlackAPI(tokens map[string]string) Guard {
	return func(r *http.Request) *Answer {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		code, known := tokens[token]
		switch {
		case token == "":
			code = "not_authed"
		case !known:
			code = "invalid_auth"
		}
		body := map[string]any{"ok": false, "error": code}
		switch code {
		case "":
			return nil
		case "missing_scope":
			body["needed"], body["provided"] = "channels:history", "chat:write"
		}
		return Refusing(200, body)
	}
}

// GitHubAPI is GitHub's REST API (docs.github.com, "Authenticating to the REST
// API"; "Troubleshooting the REST API"). tokens are what each lacks; "" is
// nothing.
func GitHubAPI(tokens map[string]string) Guard {
	const about = "https://docs.github.com/rest"
	return func(r *http.Request) *Answer {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		lacks, known := tokens[token]
		switch {
		case scheme == "":
			return Refusing(401, map[string]any{"message": "Requires authentication", "documentation_url": about, "status": "401"})
		case !known:
			return Refusing(401, map[string]any{"message": "Bad credentials", "documentation_url": about, "status": "401"})
		case lacks == "":
			return nil
		}
		return Refusing(403, map[string]any{"message": "Resource not accessible by personal access token", "documentation_url": about, "status": "403"},
			"X-Accepted-OAuth-Scopes: "+lacks, "X-OAuth-Scopes: gist")
	}
}
