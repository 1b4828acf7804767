package app

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"lamplighter/credfiles"
	"lamplighter/credfiles/clientlock"
	"lamplighter/refresher/authtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"lamplighter": func() { os.Exit(Main([]byte("[Details]\nVersion = '1.2.3'\n"), os.Args[1:])) },
	})
}

var update = flag.Bool("update", false, "write the golden parts of the scripts anew")

// Scripts run the real program in a throwaway home against real servers on
// loopback. Afterwards no secret of those servers may stand in anything that
// it printed or wrote, but for stores and journal.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: *update,
		Setup:         setupScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"run":    scriptRun,
			"server": scriptServer,
			"grant":  scriptGrant,
			"behave": scriptBehave,
			"posts":  scriptPosts,
			"await":  scriptAwait,
			"holds":  scriptHolds,
			"save":   scriptSave,
			"same":   scriptSame,
			"json":   scriptJSON,
			"lock":   scriptLock,
			"unlock": scriptUnlock,
			"many":   scriptMany,
			"settle": func(*testscript.TestScript, bool, []string) { time.Sleep(300 * time.Millisecond) },
		},
		RequireUniqueNames: true,
	})
}

// A scene is what a script's own commands share.
type scene struct {
	home    string
	work    string
	servers map[string]*authtest.Server
	grants  map[string]grantOf
	saved   map[string][]byte
	locks   map[string]func()
}

type grantOf struct {
	server *authtest.Server
	grant  authtest.Grant
}

type sceneKey struct{}

func setupScript(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, "home")
	for _, dir := range []string{".codex", ".claude"} {
		if err := os.MkdirAll(filepath.Join(home, dir), 0o755); err != nil {
			return err
		}
	}
	env.Setenv("HOME", home)
	env.Setenv("TZ", "UTC")
	for _, name := range []string{"CODEX_HOME", "CLAUDE_CONFIG_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME"} {
		env.Setenv(name, "")
	}
	sc := &scene{
		home: home, work: env.WorkDir, servers: map[string]*authtest.Server{},
		grants: map[string]grantOf{}, saved: map[string][]byte{}, locks: map[string]func(){},
	}
	env.Values[sceneKey{}] = sc
	env.Defer(func() {
		for _, unlock := range sc.locks {
			unlock()
		}
		for _, leak := range sc.leaks() {
			env.T().Log("a secret stands in " + leak)
			env.T().FailNow()
		}
		for name, s := range sc.servers {
			s.Close()
			for _, broken := range s.Check() {
				env.T().Log("server " + name + ": " + broken)
				env.T().FailNow()
			}
		}
	})
	return nil
}

func of(ts *testscript.TestScript) *scene { return ts.Value(sceneKey{}).(*scene) }

// run CODE COMMAND... runs a command that has to exit with that code and must
// not print a secret.
func scriptRun(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
	for _, name := range []string{"stdout", "stderr"} {
		if of(ts).leak(ts.ReadFile(name)) && args[2] != "token" {
			ts.Fatalf("a secret stands in %s", name)
		}
	}
}

// leak reports a secret of a server in text, as it is or as somebody could
// have written it.
func (sc *scene) leak(text string) bool {
	for _, s := range sc.servers {
		for _, secret := range s.Secrets() {
			for _, form := range []string{
				secret, url.QueryEscape(secret), hex.EncodeToString([]byte(secret)),
				base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
			} {
				if strings.Contains(text, form) {
					return true
				}
			}
		}
	}
	return false
}

// leaks lists the files that hold a secret and are neither store nor journal
// nor kept record.
func (sc *scene) leaks() []string {
	var found []string
	filepath.WalkDir(sc.work, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		dir := filepath.Base(filepath.Dir(path))
		if strings.Contains(d.Name(), ".credentials.json") || dir == "journal" || dir == "kept" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err == nil && sc.leak(string(text)) {
			found = append(found, path)
		}
		return nil
	})
	return found
}

// server NAME [strict|previous|30s ...] starts an authorization server.
func scriptServer(ts *testscript.TestScript, neg bool, args []string) {
	sc := of(ts)
	s, err := authtest.Start(authtest.Options{})
	ts.Check(err)
	sc.servers[args[0]] = s
	ts.Setenv("SERVER_"+args[0], s.URL(authtest.Resource))
	for _, option := range args[1:] {
		s.Set(func(o *authtest.Options) {
			if life, err := time.ParseDuration(option); err == nil {
				o.AccessLifetime = life
			} else if option == "previous" {
				o.Reuse = authtest.PreviousUntilUsed
			} else {
				ts.Fatalf("server: no option %s", option)
			}
		})
	}
}

// grant CLIENT NAME SERVER LEFT [dead|wiped|norefresh|noissuer|home=DIR] signs in at a server and puts
// the entry into a client's store.
func scriptGrant(ts *testscript.TestScript, neg bool, args []string) {
	sc := of(ts)
	client, name, s := args[0], args[1], sc.servers[args[2]]
	left, err := time.ParseDuration(args[3])
	ts.Check(err)
	o := authtest.GrantOptions{AccessLeft: left}
	has := map[string]bool{}
	home := filepath.Join(sc.home, "."+client)
	for _, option := range args[4:] {
		if dir, ok := strings.CutPrefix(option, "home="); ok {
			home = ts.MkAbs(dir)
		}
		has[option] = true
	}
	o.NoRefreshToken = has["norefresh"]
	g := s.Grant(o)
	sc.grants[client+"/"+name] = grantOf{s, g}
	if has["dead"] {
		s.KillGrant(g.ID)
	}
	ts.Check(os.MkdirAll(home, 0o755))
	file := filepath.Join(home, ".credentials.json")
	doc := map[string]any{}
	if text, err := os.ReadFile(file); err == nil {
		ts.Check(json.Unmarshal(text, &doc))
	}
	key := credfiles.EntryKey(name, g.ServerURL)
	switch client {
	case "codex":
		e := map[string]any{
			"server_name": name, "server_url": g.ServerURL, "issuer": g.Issuer, "client_id": g.ClientID,
			"access_token": g.AccessToken, "expires_at": g.Expiry.UnixMilli(), "refresh_token": g.RefreshToken,
			"scopes": strings.Fields(g.Scope),
		}
		if has["noissuer"] {
			delete(e, "issuer")
		}
		if g.RefreshToken == "" {
			e["refresh_token"] = nil
		}
		doc[key] = e
	case "claude":
		e := map[string]any{
			"serverName": name, "serverUrl": g.ServerURL, "clientId": g.ClientID, "issuer": g.Issuer,
			"accessToken": g.AccessToken, "expiresAt": g.Expiry.UnixMilli(), "refreshToken": g.RefreshToken, "scope": g.Scope,
		}
		if has["wiped"] {
			e["accessToken"], e["expiresAt"] = "", 0
			delete(e, "refreshToken")
		}
		all, _ := doc["mcpOAuth"].(map[string]any)
		if all == nil {
			all = map[string]any{}
		}
		all[key] = e
		doc["mcpOAuth"] = all
	}
	text, err := json.Marshal(doc)
	ts.Check(err)
	ts.Check(os.WriteFile(file, text, 0o600))
}

// behave SERVER STATUS|ok|drop|refuse sets how the token endpoint answers.
func scriptBehave(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts).servers[args[0]]
	switch args[1] {
	case "ok":
		s.Behave(authtest.Token, authtest.Behaviour{})
		ts.Check(s.SetReach(authtest.Reachable))
	case "drop":
		s.Behave(authtest.Token, authtest.Behaviour{Fault: authtest.DropBefore})
	case "refuse":
		ts.Check(s.SetReach(authtest.Refused))
	case "slow":
		s.Behave(authtest.Token, authtest.Behaviour{Delay: time.Second})
	default:
		code, err := strconv.Atoi(args[1])
		ts.Check(err)
		s.Behave(authtest.Token, authtest.Behaviour{Answer: authtest.Status(code)})
	}
}

// posts CLIENT/NAME N: so many refreshes of that grant were asked for.
func scriptPosts(ts *testscript.TestScript, neg bool, args []string) {
	g := of(ts).grants[args[0]]
	if n := strconv.Itoa(g.server.TokenPosts(g.grant.ID)); (n == args[1]) == neg {
		ts.Fatalf("%s: %s POSTs, want %s", args[0], n, args[1])
	}
}

// await CLIENT/NAME N waits until so many refreshes were asked for; with
// "holds" and a file in place of N until the file holds the newest tokens.
func scriptAwait(ts *testscript.TestScript, neg bool, args []string) {
	g := of(ts).grants[args[0]]
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if args[1] != "holds" {
			if strconv.Itoa(g.server.TokenPosts(g.grant.ID)) == args[1] {
				return
			}
			continue
		}
		now := g.server.Current(g.grant.ID)
		text, _ := os.ReadFile(ts.MkAbs(args[2]))
		if strings.Contains(string(text), now.AccessToken) && now.AccessToken != g.grant.AccessToken {
			return
		}
	}
	ts.Fatalf("%s: waited in vain for %s", args[0], strings.Join(args[1:], " "))
}

// holds FILE CLIENT/NAME: the file holds the newest tokens of that grant.
func scriptHolds(ts *testscript.TestScript, neg bool, args []string) {
	g := of(ts).grants[args[1]]
	now := g.server.Current(g.grant.ID)
	text := ts.ReadFile(args[0])
	has := strings.Contains(text, now.AccessToken) && strings.Contains(text, now.RefreshToken)
	if has == neg {
		ts.Fatalf("%s holds the newest tokens of %s: %v", args[0], args[1], has)
	}
}

// save FILE and same FILE: not a byte changed in between.
func scriptSave(ts *testscript.TestScript, neg bool, args []string) {
	of(ts).saved[args[0]] = []byte(ts.ReadFile(args[0]))
}

func scriptSame(ts *testscript.TestScript, neg bool, args []string) {
	if same := string(of(ts).saved[args[0]]) == ts.ReadFile(args[0]); same == neg {
		ts.Fatalf("%s is the same: %v", args[0], same)
	}
}

// json FILE PATH WANT: a value in JSON, by names and indexes with dots.
func scriptJSON(ts *testscript.TestScript, neg bool, args []string) {
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &v))
	for _, step := range strings.Split(args[1], ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			if step == "len" {
				v = len(at)
				break
			}
			i, err := strconv.Atoi(step)
			ts.Check(err)
			v = at[i]
		default:
			ts.Fatalf("%s: nothing at %s", args[1], step)
		}
	}
	if got := fmt.Sprint(v); (got == args[2]) == neg {
		ts.Fatalf("%s is %s, want %s", args[1], got, args[2])
	}
}

// lock and unlock NAME take a client's own lock, as the client would.
func scriptLock(ts *testscript.TestScript, neg bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	lock, err := clientlock.File(ctx, ts.MkAbs(args[0]), clientlock.FileOptions{Mode: 0o644, FolderMode: 0o755, Retry: time.Millisecond})
	ts.Check(err)
	of(ts).locks[args[0]] = func() { lock.Release() }
}

func scriptUnlock(ts *testscript.TestScript, neg bool, args []string) {
	sc := of(ts)
	sc.locks[args[0]]()
	delete(sc.locks, args[0])
}

// many N COMMAND... runs that many at once; all must succeed.
func scriptMany(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	exe := args[1]
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(dir, args[1])); err == nil {
			exe = filepath.Join(dir, args[1])
			break
		}
	}
	var group sync.WaitGroup
	failed := make(chan string, n)
	for range n {
		group.Go(func() {
			cmd := exec.Command(exe, args[2:]...)
			cmd.Dir = ts.MkAbs(".")
			cmd.Env = append(os.Environ(), "HOME="+ts.Getenv("HOME"), "CODEX_HOME=", "CLAUDE_CONFIG_DIR=", "XDG_CONFIG_HOME=", "XDG_STATE_HOME=")
			if out, err := cmd.CombinedOutput(); err != nil {
				failed <- fmt.Sprintf("%v: %s", err, out)
			}
		})
	}
	group.Wait()
	close(failed)
	for text := range failed {
		ts.Fatalf("one of %d: %s", n, text)
	}
}
