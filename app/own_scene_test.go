package app

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
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
		"key": scriptKey, "processes": scriptProcesses, "speaks": scriptSpeaks, "config": scriptOwnConfig, "setenv": scriptSetenv, "in": scriptIn, "alive": scriptAlive,
		"client": scriptClient, "devices": scriptDevices, "handed": scriptHanded, "signedin": scriptSignedIn, "kill": scriptKill,
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
	case "old":
		s.ExpireSecret(args[1], false)
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

// client SERVER ID: a public client.
func scriptClient(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts).servers[args[0]]
	s.AddClient(args[1], "")
	ts.Setenv("TOKEN_"+args[0], s.URL(authtest.Token))
	ts.Setenv("ISSUER_"+args[0], s.Issuer())
}

// devices SERVER N|deny: it takes device codes, which a person agrees to after
// so many polls, or never.
func scriptDevices(ts *testscript.TestScript, neg bool, args []string) {
	of(ts).servers[args[0]].Set(func(o *authtest.Options) {
		o.Devices, o.DeviceDenied = true, args[1] == "deny"
		o.DevicePolls, _ = strconv.Atoi(args[1])
	})
}

// handed SERVER ID FILE [again]: a grant of a client with a secret. FILE.secret
// has what is handed over, the secret and the refresh token; again: only that.
func scriptHanded(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts).servers[args[0]]
	again := len(args) > 3
	if !again {
		s.AddClient(args[1], "cs-"+strings.ToLower(rand.Text()))
	}
	g := s.Grant(authtest.GrantOptions{ClientID: args[1]})
	text := g.ClientSecret + "\n" + g.RefreshToken + "\n"
	if again {
		text = g.RefreshToken + "\n"
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]+".secret"), []byte(text), 0o600))
	ts.Setenv("TOKEN_"+args[0], s.URL(authtest.Token))
}

// signedin SERVER NAME: the store of own/NAME holds the newest tokens of one of
// the server's grants.
func scriptSignedIn(ts *testscript.TestScript, neg bool, args []string) {
	ts.Logf("own/%s: %v", args[1], ownGrant(ts, args[0], args[1]))
}

// kill SERVER NAME ends the grant whose tokens the store of own/NAME holds.
func scriptKill(ts *testscript.TestScript, neg bool, args []string) {
	of(ts).servers[args[0]].KillGrant(ownGrant(ts, args[0], args[1]).ID)
}

func ownGrant(ts *testscript.TestScript, server, name string) authtest.Grant {
	text := ts.ReadFile(filepath.Join(of(ts).home, ".local/state/lamplighter/own", name+".json"))
	for _, g := range of(ts).servers[server].Grants() {
		if strings.Contains(text, g.AccessToken) && g.RefreshToken != "" && strings.Contains(text, g.RefreshToken) {
			return g
		}
	}
	ts.Fatalf("own/%s holds the newest tokens of no grant", name)
	return authtest.Grant{}
}

// key SERVER ID FILE rsa|ec|ed25519: a client that signs its assertions, and its
// private key.
func scriptKey(ts *testscript.TestScript, neg bool, args []string) {
	var key crypto.Signer
	var err error
	switch args[3] {
	case "rsa":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ec":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	}
	ts.Check(err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	s := of(ts).servers[args[0]]
	s.AddKeyedApplication(args[1], key.Public(), "read")
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	ts.Check(os.WriteFile(ts.MkAbs(args[2]+".secret"), text, 0o600))
	ts.Setenv("TOKEN_"+args[0], s.URL(authtest.Token))
	ts.Setenv("ISSUER_"+args[0], s.Issuer())
}

// processes NAME: while what was started under that name runs, no process's
// arguments or environment hold a secret.
func scriptProcesses(ts *testscript.TestScript, neg bool, args []string) {
	sc := of(ts)
	cmd := sc.started[args[0]]
	looked := 0
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		for _, kind := range []string{"cmdline", "environ"} {
			names, _ := filepath.Glob("/proc/[0-9]*/" + kind)
			for _, name := range names {
				text, err := os.ReadFile(name)
				if what := sc.leak(string(text)); err == nil && what != "" {
					ts.Fatalf("%s stands in %s", what, name)
				}
				if strings.Contains(name, fmt.Sprintf("/%d/", cmd.Process.Pid)) && len(text) > 0 {
					looked++
				}
			}
		}
	}
	if looked == 0 {
		ts.Fatalf("%s was not running", args[0])
	}
}

// speaks SERVER entra: refuses in that dialect.
func scriptSpeaks(ts *testscript.TestScript, neg bool, args []string) {
	of(ts).servers[args[0]].Set(func(o *authtest.Options) {
		o.Dialect, o.RequireScope, o.Resource = authtest.Entra, true, authtest.RefusedResource
	})
}

// config FILE is config.toml from now on, with what the environment of the
// script has in the place of $NAME.
func scriptOwnConfig(ts *testscript.TestScript, neg bool, args []string) {
	folder := filepath.Join(of(ts).home, ".config/lamplighter")
	ts.Check(os.MkdirAll(folder, 0o700))
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(filepath.Join(folder, "config.toml"), []byte(text), 0o600))
}

// setenv NAME FILE puts what is in a file into the environment of what runs from
// now on.
func scriptSetenv(ts *testscript.TestScript, neg bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

// in DAYS NAME: the secret of own/NAME ends so many days from now, by the config.
func scriptIn(ts *testscript.TestScript, neg bool, args []string) {
	days, err := strconv.Atoi(args[0])
	ts.Check(err)
	name := filepath.Join(of(ts).home, ".config/lamplighter/config.toml")
	var kept []string
	for line := range strings.SplitSeq(ts.ReadFile(name), "\n") {
		if !strings.HasPrefix(line, "secret_expires") {
			kept = append(kept, line)
		}
		if line == fmt.Sprintf("name = %q", args[1]) {
			kept = append(kept, "secret_expires = "+time.Now().AddDate(0, 0, days).Format(time.DateOnly))
		}
	}
	ts.Check(os.WriteFile(name, []byte(strings.Join(kept, "\n")), 0o600))
}

// alive SERVER ID 3s: for so long, the token that own/graph's store holds has at
// least a second of life by the server's word.
func scriptAlive(ts *testscript.TestScript, neg bool, args []string) {
	span, err := time.ParseDuration(args[2])
	ts.Check(err)
	name := filepath.Join(of(ts).home, ".local/state/lamplighter/own/graph.json")
	for end := time.Now().Add(span); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		g, _ := of(ts).servers[args[0]].Applied(args[1])
		text, err := os.ReadFile(name)
		ts.Check(err)
		if strings.Contains(string(text), g.AccessToken) && time.Until(g.Expiry) < time.Second {
			ts.Fatalf("its token has %v left", time.Until(g.Expiry))
		}
	}
}
