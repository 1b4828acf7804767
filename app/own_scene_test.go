package app

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"lamplighter/refresher/authtest"
)

// own WHAT ARGUMENT... is what scripts on own credentials need.
func scriptOwn(ts *testscript.TestScript, neg bool, args []string) {
	map[string]func(*testscript.TestScript, bool, []string){
		"application": scriptApplication, "secret": scriptSecret, "asked": scriptAsked, "applied": scriptApplied, "ended": scriptEnded,
	}[args[0]](ts, neg, args[1:])
}

// application SERVER ID SCOPE: a client that may ask for itself. Its secret is
// in the file ID.secret, the server's addresses are in TOKEN_SERVER and
// ISSUER_SERVER.
func scriptApplication(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts).servers[args[0]]
	secret := "cs-" + strings.ToLower(rand.Text())
	s.AddApplication(args[1], secret, args[2])
	ts.Check(os.WriteFile(ts.MkAbs(args[1]+".secret"), []byte(secret+"\n"), 0o600))
	ts.Setenv("TOKEN_"+args[0], s.URL(authtest.Token))
	ts.Setenv("ISSUER_"+args[0], s.Issuer())
}

// secret SERVER ID new|old|ended|wrong FILE: what becomes of a client's secret.
func scriptSecret(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts).servers[args[0]]
	switch args[2] {
	case "new":
		secret := "cs-" + strings.ToLower(rand.Text())
		s.SetSecret(args[1], secret)
		s.ExpireSecret(args[1], false)
		ts.Check(os.WriteFile(ts.MkAbs(args[3]), []byte(secret+"\n"), 0o600))
	case "ended":
		s.ExpireSecret(args[1], true)
	default:
		ts.Fatalf("secret: no %s", args[2])
	}
}

// asked SERVER ID N: a client asked for itself so many times.
func scriptAsked(ts *testscript.TestScript, neg bool, args []string) {
	if n := strconv.Itoa(of(ts).servers[args[0]].Asked(args[1])); (n == args[2]) == neg {
		ts.Fatalf("%s asked %s times, want %s", args[1], n, args[2])
	}
}

// applied SERVER ID FILE: the file holds what a client got for itself last.
func scriptApplied(ts *testscript.TestScript, neg bool, args []string) {
	g, ok := of(ts).servers[args[0]].Applied(args[1])
	if has := ok && strings.Contains(ts.ReadFile(args[2]), g.AccessToken); has == neg {
		ts.Fatalf("%s holds what %s got last: %v", args[2], args[1], has)
	}
}

// ended SERVER ID: what stands in the store of own/NAME says that it ended,
// and the server thinks so too.
func scriptEnded(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts).servers[args[0]]
	g, _ := s.Applied(args[1])
	s.ExpireAccess(g.ID)
	folder := filepath.Join(of(ts).home, ".local/state/lamplighter/own")
	files, err := os.ReadDir(folder)
	ts.Check(err)
	for _, f := range files {
		name := filepath.Join(folder, f.Name())
		text, err := os.ReadFile(name)
		ts.Check(err)
		if !strings.Contains(string(text), g.AccessToken) {
			continue
		}
		text = expiries.ReplaceAll(text, []byte(fmt.Sprintf(`${1}%d`, time.Now().Add(-time.Second).UnixMilli())))
		ts.Check(os.WriteFile(name, text, 0o600))
	}
}

var expiries = regexp.MustCompile(`(expires_at\\?":)\d+`)
