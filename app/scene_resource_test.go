package app

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"lamplighter/refresher/authtest"
)

const apiKey = "k-0123456789abcdef-EXAMPLE"

// apis are what the maker of a connector meets.
var apis = map[string]authtest.Options{
	"open":     {Open: true, API: true},
	"token":    {API: true},
	"mcp":      {ResourcePath: "/mcp"},
	"gateway":  {API: true, Guard: authtest.APIManagement(apiKey)},
	"key":      {Open: true, API: true, Guard: authtest.KeyIn("X-Api-Key", apiKey)},
	"query":    {Open: true, API: true, Guard: authtest.KeyInQuery("api_key", apiKey)},
	"basic":    {Open: true, API: true, Guard: authtest.UserAndPassword("reader", apiKey)},
	"scope":    {API: true, RequiredScope: "orders.write"},
	"expired":  {API: true, Policy: authtest.Policy{JWT: true, Claims: map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}}},
	"audience": {API: true, Policy: authtest.Policy{JWT: true, Claims: map[string]any{"aud": "https://graph.microsoft.com"}}},
	"short":    {API: true, Policy: authtest.Policy{JWT: true}},
	"busy":     {Open: true, API: true, Guard: func(*http.Request) *authtest.Answer { return authtest.RetryAfter(503, "60") }},
}

// resource NAME KIND starts an API, whose URL is API_NAME. NAME/token holds a token
// for it, NAME/key the key of whatever stands before it.
func scriptResource(ts *testscript.TestScript, neg bool, args []string) {
	sc := of(ts)
	o, ok := apis[args[1]]
	if !ok {
		ts.Fatalf("resource: no kind %s", args[1])
	}
	if o.ResourcePath == "" {
		o.ResourcePath = "/orders"
	}
	s, err := authtest.Start(o)
	ts.Check(err)
	sc.servers[args[0]] = s
	g := s.Grant(authtest.GrantOptions{Scope: "orders.read"})
	switch args[1] {
	case "expired":
		s.ExpireAccess(g.ID)
	case "audience":
		s.RevokeAccess(g.ID)
	}
	ts.Setenv("API_"+args[0], s.URL(authtest.Resource))
	ts.Setenv("HOST_"+args[0], strings.TrimPrefix(s.Issuer(), "http://"))
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	for name, text := range map[string]string{
		"token": g.AccessToken + "\n", "key": apiKey + "\n", "pair": "reader:" + apiKey + "\n",
		"quoted.secret": `"` + g.AccessToken + `"` + "\n", "twice.secret": "Bearer " + g.AccessToken + "\n",
	} {
		ts.Check(os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
}
