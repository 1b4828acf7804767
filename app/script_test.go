package app

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"lamplighter/lab/security"
)

func TestMain(m *testing.M) {
	security.Run()
	flag.Set("test.parallel", "16") // scripts wait more than they compute
	testscript.Main(m, map[string]func(){
		"lamplighter": func() { os.Exit(Main([]byte("[Details]\nVersion = '1.2.3'\n"), os.Args[1:])) },
		"browser":     browse,
	})
}

// Scripts run the real program in a throwaway home against real servers on
// loopback. Afterwards no secret of those servers may stand in anything that
// it printed or wrote, but for stores and journal.
func TestScripts(t *testing.T) {
	// Where the tests run under nohup the programs would inherit that hanging
	// up is ignored, and keep to it. What is caught here is theirs to catch.
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	t.Cleanup(func() { signal.Stop(hangUp) }) // after the scripts, which run side by side
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: *update,
		Setup:         setupScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"run":      scriptRun,
			"api":      scriptAPI,
			"server":   scriptServer,
			"grant":    scriptGrant,
			"behave":   scriptBehave,
			"posts":    scriptPosts,
			"await":    scriptAwait,
			"holds":    scriptHolds,
			"save":     scriptSave,
			"same":     scriptSame,
			"restore":  scriptRestore,
			"json":     scriptJSON,
			"lock":     scriptLock,
			"unlock":   scriptUnlock,
			"many":     scriptMany,
			"hold":     scriptHold,
			"none":     scriptNone,
			"clean":    scriptClean,
			"start":    scriptStart,
			"until":    scriptUntil,
			"end":      scriptEnd,
			"entry":    scriptEntry,
			"endpoint": scriptEndpoint,
			"resource": scriptResource,
			"hand":     scriptHand,
			"spent":    scriptSpent,
			"feed":     scriptFeed,
			"paste":    scriptPaste,
			"expire":   scriptExpire,
			"type":     scriptType,
			"set":      scriptSet,
			"signed":   scriptSigned,
			"own":      scriptOwn,
			"erased":   scriptErased,
			"settle":   func(*testscript.TestScript, bool, []string) { time.Sleep(600 * time.Millisecond) },
		},
		RequireUniqueNames: true,
	})
}

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
		if what := of(ts).leak(ts.ReadFile(name)); what != "" && args[2] != "token" && args[2] != "headers" {
			ts.Fatalf("%s stands in %s", what, name)
		}
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

// restore FILE writes back what was saved.
func scriptRestore(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), of(ts).saved[args[0]], 0o600))
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

// many N [CODE] COMMAND... runs that many at once; all must end with that code,
// or succeed.
func scriptMany(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	want, err := strconv.Atoi(args[1])
	if err == nil {
		args = args[1:]
	}
	var group sync.WaitGroup
	failed := make(chan string, n)
	for range n {
		cmd := prepared(ts, args[1:])
		group.Go(func() {
			if out, err := cmd.CombinedOutput(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != want {
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

// prepared is a command as the script itself would run it.
func prepared(ts *testscript.TestScript, args []string) *exec.Cmd {
	exe := args[0]
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(dir, exe)); err == nil {
			exe = filepath.Join(dir, exe)
			break
		}
	}
	cmd := exec.Command(exe, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = os.Environ()
	for _, name := range []string{"HOME", "TZ", "TMPDIR", "GOTRACEBACK", "CODEX_HOME", "CLAUDE_CONFIG_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "BROWSER", "PATH"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	return cmd
}

// start NAME COMMAND... runs a command beside the script. What it puts out is
// in NAME.txt.
func scriptStart(ts *testscript.TestScript, neg bool, args []string) {
	out, err := os.Create(ts.MkAbs(args[0] + ".txt"))
	ts.Check(err)
	defer out.Close()
	cmd := prepared(ts, args[1:])
	cmd.Stdout, cmd.Stderr = out, out
	in, err := cmd.StdinPipe()
	ts.Check(err)
	of(ts).typed[args[0]] = in
	ts.Check(cmd.Start())
	of(ts).started[args[0]] = cmd
}

// none DIR: there is nothing in it.
func scriptNone(ts *testscript.TestScript, neg bool, args []string) {
	found, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(found) > 0 {
		ts.Fatalf("%s holds %s and %d more", args[0], found[0].Name(), len(found)-1)
	}
}

// until NAME REGEXP [N] waits until what was started has said so, N times.
func scriptUntil(ts *testscript.TestScript, neg bool, args []string) {
	re := regexp.MustCompile("(?m)" + args[1])
	n := 1
	if len(args) > 2 {
		n, _ = strconv.Atoi(args[2])
	}
	text := ""
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		text = ts.ReadFile(args[0] + ".txt")
		if len(re.FindAllString(text, -1)) >= n {
			return
		}
	}
	ts.Fatalf("%s did not say %s; it said:\n%s", args[0], args[1], text)
}

// end NAME SIGNAL CODE ends what was started, or waits for its own end where
// SIGNAL is none; -1 is death by the signal.
func scriptEnd(ts *testscript.TestScript, neg bool, args []string) {
	cmd := of(ts).started[args[0]]
	delete(of(ts).started, args[0])
	signals := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "QUIT": syscall.SIGQUIT, "KILL": os.Kill}
	if s, ok := signals[args[1]]; ok {
		ts.Check(cmd.Process.Signal(s))
	}
	cmd.Wait()
	if code := strconv.Itoa(cmd.ProcessState.ExitCode()); code != args[2] {
		ts.Fatalf("%s ended with %s, want %s; it said:\n%s", args[0], code, args[2], ts.ReadFile(args[0]+".txt"))
	}
}
