package app

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"lamplighter/credfiles"
	"lamplighter/refresher"
)

// api CLIENT/NAME starts a server that wants this grant's newest access token,
// and names it in $API; its certificate is in api.pem.
func scriptAPI(ts *testscript.TestScript, neg bool, args []string) {
	g := of(ts).grants[args[0]]
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := g.server.Current(g.grant.ID)
		if r.Header.Get("Authorization") != "Bearer "+now.AccessToken {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Success"}`))
	}))
	ts.Defer(s.Close)
	ts.Setenv("API", s.URL)
	ts.Check(os.WriteFile(ts.MkAbs("api.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600))
}

func TestATokenThatWouldEndTheLineIsNoHeader(t *testing.T) {
	for _, value := range []string{"a\nb", "a\r"} {
		row := refresher.Row{Credential: credfiles.Credential{ID: "own/odd", Token: credfiles.Token{Access: credfiles.NewSecret(value)}}}
		for name, as := range map[string]func(refresher.Row, asking) (string, error){
			"header": formats["header"], "env": formats["env"], "git-credential": asGitCredential,
			"headers": func(row refresher.Row, _ asking) (string, error) { return inHeaders(row) },
		} {
			if text, err := as(row, asking{}); err == nil || text != "" && strings.Contains(text, value) || strings.Contains(err.Error(), value) {
				t.Errorf("%s of %q: %q, %v", name, value, text, err)
			}
		}
	}
}

func TestGitGetsATokenForWhatOthersCannotRead(t *testing.T) {
	for text, want := range map[string]bool{
		"protocol=https\nhost=git.example.com\n\n":                true,
		"protocol=https\nhost=git.example.com:8443\n":             true,
		"protocol=http\nhost=localhost:3000\n":                    true,
		"protocol=http\nhost=127.0.0.1\n":                         true,
		"protocol=http\nhost=[::1]:80\n":                          true,
		"protocol=http\nhost=git.example.com\n":                   false,
		"protocol=http\nhost=localhost.example.com\n":             false,
		"protocol=http\nhost=git.example.com\n\nprotocol=https\n": false,
		"": false,
	} {
		if got := gitAsks(strings.NewReader(text)).safe(); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
