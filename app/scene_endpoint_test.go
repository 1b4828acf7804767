package app

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"

	"github.com/rogpeppe/go-internal/testscript"

	"lamplighter/refresher/authtest"
)

// endpoints are the servers of an endpoint's owner: good ones, and those with a
// fault that somebody reported.
var endpoints = map[string]func(*authtest.Options){
	"good":       func(*authtest.Options) {},
	"jwt":        func(o *authtest.Options) { o.JWT = true },
	"entra":      func(o *authtest.Options) { o.Dialect, o.RequireScope, o.JWT = authtest.Entra, true, true },
	"body":       func(o *authtest.Options) { o.ClientAuth = authtest.PostOnly },
	"no-offline": func(o *authtest.Options) { o.Withholds, o.OfflineOnly = "offline_access", true },
	"lasting":    func(o *authtest.Options) { o.NoRotation = true },
	"gateway": func(o *authtest.Options) {
		o.RefreshAnswer = &authtest.Answer{
			Status: http.StatusUnauthorized, Header: http.Header{"Content-Type": {"application/json"}},
			Body: []byte(`{"statusCode":401,"message":"Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API."}`),
		}
	},
}

// endpoint NAME KIND starts a server with a client "connector" whose secret
// stands in NAME/token. The variables TOKEN, AUTHORIZE, ISSUER and REVOKE with
// _NAME are its URLs.
func scriptEndpoint(ts *testscript.TestScript, neg bool, args []string) {
	sc := of(ts)
	s, err := authtest.Start(authtest.Options{Discovery: authtest.Discovery{Scopes: []string{"read", "offline_access"}}, Registration: authtest.Registration{ExactRedirect: args[1] == "strict"}})
	ts.Check(err)
	if change := endpoints[args[1]]; change != nil {
		s.Set(change)
	} else if args[1] != "strict" {
		ts.Fatalf("endpoint: no kind %s", args[1])
	}
	const secret = "client-secret-EXAMPLE"
	s.AddClient("connector", secret, "http://127.0.0.1/callback", "https://connector.example/redirect")
	sc.servers[args[0]] = s
	for name, e := range map[string]authtest.Endpoint{"TOKEN": authtest.Token, "AUTHORIZE": authtest.Authorize, "REVOKE": authtest.Revoke, "SERVER": authtest.Resource} {
		ts.Setenv(name+"_"+args[0], s.URL(e))
	}
	ts.Setenv("ISSUER_"+args[0], s.Issuer())
	ts.Check(os.MkdirAll(ts.MkAbs(args[0]), 0o755))
	ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(args[0]), "token"), []byte(secret+"\n"), 0o600))
}

// hand NAME puts a refresh token of a new sign-in behind the secret.
func scriptHand(ts *testscript.TestScript, neg bool, args []string) {
	g := of(ts).servers[args[0]].Grant(authtest.GrantOptions{ClientID: "connector", Scope: "read offline_access"})
	file := filepath.Join(ts.MkAbs(args[0]), "token")
	ts.Check(os.WriteFile(file, []byte(g.ClientSecret+"\n"+g.RefreshToken+"\n"), 0o600))
}

// spent NAME: at that server a refresh token was sent again that was spent or
// dead, as was asked for.
func scriptSpent(ts *testscript.TestScript, neg bool, args []string) {
	of(ts).servers[args[0]].Expect(authtest.Spent, "")
}

// feed NAME FILE types a file into what was started.
func scriptFeed(ts *testscript.TestScript, neg bool, args []string) {
	_, err := io.WriteString(of(ts).typed[args[0]], ts.ReadFile(args[1]))
	ts.Check(err)
}

// paste NAME goes to the newest address that was shown, as a browser does, and
// types the address on which that ends.
func scriptPaste(ts *testscript.TestScript, neg bool, args []string) {
	all := regexp.MustCompile("(?m)^http.*$").FindAllString(ts.ReadFile(args[0]+".txt"), -1)
	if len(all) == 0 {
		ts.Fatalf("%s shows no address", args[0])
	}
	stop := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := stop.Get(all[len(all)-1])
	ts.Check(err)
	r.Body.Close()
	_, err = io.WriteString(of(ts).typed[args[0]], r.Header.Get("Location")+"\n")
	ts.Check(err)
}
