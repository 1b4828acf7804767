package deliver_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lamplighter/deliver"
	"lamplighter/lab"
	"lamplighter/lab/desktop"
)

var long = flag.Duration("for", 10*time.Second, "how long the file is read in a loop")

func TestMain(m *testing.M) {
	flag.Parse()
	lab.Main(m)
}

const secret = "client-secret-EXAMPLE"

// A mint gives a client access tokens of its own.
type mint struct {
	life time.Duration

	mu   sync.Mutex
	ends map[string]time.Time // of each token that it gave
	last string
	down bool
}

func (m *mint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case m.down:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case r.FormValue("grant_type") != "client_credentials" || r.FormValue("client_secret") != secret:
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":"invalid_client"}`)
		return
	}
	m.last = fmt.Sprintf("at-%d-%s-EXAMPLE", len(m.ends)+1, strings.Repeat("x", 1000))
	m.ends[m.last] = time.Now().Add(m.life)
	fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":%d}`, m.last, int(m.life.Seconds()))
}

func (m *mint) newest() (token string, given int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last, len(m.ends)
}

// left is what a token has left to live; known is false for what is none.
func (m *mint) left(token string) (left time.Duration, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	end, known := m.ends[token]
	return time.Until(end), known
}

// newLab is a computer with own/graph, and what else is in its config.
func newLab(t *testing.T, life time.Duration, config string) (*lab.Lab, *mint) {
	t.Helper()
	m := &mint{life: life, ends: map[string]time.Time{}}
	s := httptest.NewServer(m)
	t.Cleanup(s.Close)
	l := lab.New(t)
	write(t, l.Path("secret"), secret+"\n")
	write(t, l.Path(".config", "lamplighter", "config.toml"), fmt.Sprintf(`[[own]]
name = "graph"
client_id = "c"
token_endpoint = "%s/token"
auth_method = "client_secret_post"
secret_file = "~/secret"
`, s.URL)+config)
	t.Cleanup(func() {
		if what := leaks(l, m); what != "" {
			t.Error(what)
		}
	})
	return l, m
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const toFile = "[[deliver]]\nid = \"own/graph\"\nfile = \"~/run/token.json\"\nform = \"json\"\n"

// leaks says where the secret or a token stands that should not.
func leaks(l *lab.Lab, m *mint) (leak string) {
	filepath.WalkDir(l.State, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		text, _ := os.ReadFile(path)
		folder := filepath.Base(filepath.Dir(path))
		for _, s := range []string{secret, "-EXAMPLE"} {
			if strings.Contains(string(text), s) && (s == secret || folder != "own" && folder != "journal") {
				leak = "a secret stands in " + path
			}
		}
		return nil
	})
	return leak
}

type delivered struct {
	ID     string    `json:"id"`
	Access string    `json:"access_token"`
	End    time.Time `json:"expires_at"`
}

func holds(l *lab.Lab, token string) func() bool {
	return func() bool {
		var d delivered
		text, err := os.ReadFile(l.Path("run", "token.json"))
		return err == nil && json.Unmarshal(text, &d) == nil && d.Access == token
	}
}

// A server whose tokens live for five seconds, and a reader in a tight loop: it
// never sees half a file, nor a token that has less than a second left. Nobody
// who looks at our process sees a token either.
func TestAReaderNeverSeesATokenAtItsEnd(t *testing.T) {
	l, m := newLab(t, 5*time.Second, toFile)
	if err := os.Mkdir(l.Path("run"), 0o700); err != nil {
		t.Fatal(err)
	}
	keeper := l.Keep()
	if !lab.Until(5*time.Second, func() bool { token, _ := m.newest(); return token != "" && holds(l, token)() }) {
		t.Fatalf("nothing is delivered:\n%s", l.Said(keeper))
	}
	reads, least := 0, time.Hour
	seen := map[string]bool{}
	for end := time.Now().Add(*long); time.Now().Before(end); reads++ {
		text, err := os.ReadFile(l.Path("run", "token.json"))
		var d delivered
		if err == nil {
			err = json.Unmarshal(text, &d)
		}
		left, known := m.left(d.Access)
		if err != nil || !known || left < deliver.Least {
			t.Fatalf("after %d reads: %d bytes, %v, %v left\n%s", reads, len(text), err, left, l.Said(keeper))
		}
		least, seen[d.Access] = min(least, left), true
		if reads%1000 == 0 {
			for _, name := range []string{"cmdline", "environ"} {
				text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", keeper.Process.Pid, name))
				if err != nil || strings.Contains(string(text), "EXAMPLE") {
					t.Fatalf("a secret stands in the %s, %v", name, err)
				}
			}
		}
	}
	_, given := m.newest()
	t.Logf("%d reads of %d tokens; %d given; the least that one had left was %v", reads, len(seen), given, least.Round(time.Millisecond))
	if code := l.Stop(keeper); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if strings.Contains(l.Said(keeper), "EXAMPLE") {
		t.Error("a token was said")
	}
}

// A command delivers too; a restart delivers nothing twice, and what could not
// be delivered before.
func TestNothingIsDeliveredTwiceOrMissed(t *testing.T) {
	t.Parallel()
	l, m := newLab(t, time.Hour, toFile)
	r := l.Run("refresh", "own/graph")
	if r.Code != 3 || !strings.Contains(r.Output, "own/graph is not delivered: ~/run/token.json: its folder is not there") {
		t.Errorf("without its folder: %d\n%s", r.Code, r.Output)
	}
	if err := os.Mkdir(l.Path("run"), 0o700); err != nil {
		t.Fatal(err)
	}
	keeper := l.Keep()
	token, _ := m.newest()
	if !lab.Until(20*time.Second, holds(l, token)) {
		t.Fatalf("the keeper does not make up for it:\n%s", l.Said(keeper))
	}
	was, err := os.Stat(l.Path("run", "token.json"))
	if err != nil {
		t.Fatal(err)
	}
	l.Stop(keeper)
	l.Stop(settled(t, l))
	if now, err := os.Stat(l.Path("run", "token.json")); err != nil || !os.SameFile(was, now) {
		t.Errorf("a restart wrote it again, %v", err)
	}
	if r := l.Run("refresh", "own/graph"); r.Code != 0 {
		t.Errorf("%d\n%s", r.Code, r.Output)
	}
	if token, given := m.newest(); given != 2 || !holds(l, token)() {
		t.Errorf("a command's token is not there; %d given", given)
	}
	if n := count(l, "delivered"); n != 2 {
		t.Errorf("%d deliveries in the log, want 2", n)
	}
}

// settled is a keeper that has looked at everything.
func settled(t *testing.T, l *lab.Lab) (keeper *exec.Cmd) {
	t.Helper()
	keeper = l.Keep()
	if !lab.Until(20*time.Second, func() bool { return strings.Contains(l.Said(keeper), "fresh") }) {
		t.Fatalf("it does not say how things are:\n%s", l.Said(keeper))
	}
	time.Sleep(300 * time.Millisecond)
	return keeper
}

func count(l *lab.Lab, what string) (n int) {
	for _, e := range l.Events("own/graph") {
		if e.Event == what {
			n++
		}
	}
	return n
}

// What is erased, with its folder or without, is put there again, and status
// tells as long as it cannot be.
func TestWhatIsErasedComesBack(t *testing.T) {
	t.Parallel()
	l, m := newLab(t, time.Hour, toFile)
	if err := os.Mkdir(l.Path("run"), 0o700); err != nil {
		t.Fatal(err)
	}
	keeper := l.Keep()
	if !lab.Until(20*time.Second, func() bool { token, _ := m.newest(); return token != "" && holds(l, token)() }) {
		t.Fatalf("nothing is delivered:\n%s", l.Said(keeper))
	}
	token, _ := m.newest()
	if err := os.Remove(l.Path("run", "token.json")); err != nil {
		t.Fatal(err)
	}
	if !lab.Until(20*time.Second, holds(l, token)) {
		t.Fatalf("the file does not come back:\n%s", l.Said(keeper))
	}
	if err := os.RemoveAll(l.Path("run")); err != nil {
		t.Fatal(err)
	}
	if !lab.Until(20*time.Second, func() bool {
		return strings.Contains(l.Said(keeper), "own/graph is not delivered: ~/run/token.json: its folder is not there")
	}) {
		t.Errorf("nobody says so:\n%s", l.Said(keeper))
	}
	if r := l.Run("status"); !strings.Contains(r.Output, "is not delivered") {
		t.Errorf("status does not say so:\n%s", r.Output)
	}
	if err := os.Mkdir(l.Path("run"), 0o700); err != nil {
		t.Fatal(err)
	}
	if !lab.Until(30*time.Second, holds(l, token)) {
		t.Errorf("the file does not come back with its folder:\n%s", l.Said(keeper))
	}
	if _, given := m.newest(); given != 1 {
		t.Errorf("%d tokens were asked for because of it", given)
	}
	if !lab.Until(10*time.Second, func() bool { return !strings.Contains(l.Run("status").Output, "is not delivered") }) {
		t.Error("status says so still")
	}
}

// A place that refuses is left alone until its time has come.
func TestAPlaceThatRefusesCostsNothing(t *testing.T) {
	t.Parallel()
	l, m := newLab(t, time.Hour, toFile)
	keeper := l.Keep()
	if !lab.Until(20*time.Second, func() bool { return strings.Contains(l.Said(keeper), "its folder is not there") }) {
		t.Fatalf("it is not said:\n%s", l.Said(keeper))
	}
	time.Sleep(300 * time.Millisecond)
	before := switches(t, keeper.Process.Pid)
	time.Sleep(2 * time.Second)
	if n := switches(t, keeper.Process.Pid) - before; n > 200 {
		t.Errorf("it woke %d times in two seconds", n)
	}
	if n := strings.Count(l.Said(keeper), "its folder is not there"); n != 1 {
		t.Errorf("it was said %d times:\n%s", n, l.Said(keeper))
	}
	if _, given := m.newest(); given != 1 {
		t.Errorf("%d tokens were asked for", given)
	}
}

// Each of two would write over the other, at every turn.
func TestTwoNamesOfOnePlaceAreOne(t *testing.T) {
	t.Parallel()
	l, m := newLab(t, time.Hour, toFile+"[[deliver]]\nid = \"own/graph\"\nfile = \"~/run/../run/token.json\"\n")
	if err := os.Mkdir(l.Path("run"), 0o700); err != nil {
		t.Fatal(err)
	}
	keeper := settled(t, l)
	token, _ := m.newest()
	if !lab.Until(20*time.Second, holds(l, token)) {
		t.Errorf("nothing is delivered:\n%s", l.Said(keeper))
	}
	time.Sleep(time.Second)
	if n := count(l, "delivered"); n != 1 {
		t.Errorf("%d deliveries", n)
	}
}

// switches is how often the threads of a process gave up the processor.
func switches(t *testing.T, pid int) (n int) {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		text, _ := os.ReadFile(name)
		_, rest, _ := strings.Cut(string(text), "\nvoluntary_ctxt_switches:")
		var one int
		fmt.Sscan(rest, &one)
		n += one
	}
	return n
}

func TestAnothersFileStaysWhatItIs(t *testing.T) {
	t.Parallel()
	l, _ := newLab(t, time.Hour, toFile)
	write(t, l.Path("run", "token.json"), "{\"mine\":1}\n")
	r := l.Run("refresh", "own/graph")
	if r.Code != 3 || !strings.Contains(r.Output, "not put there by Lamplighter") || !strings.Contains(r.Output, "move that away") {
		t.Errorf("%d\n%s", r.Code, r.Output)
	}
	if text, err := os.ReadFile(l.Path("run", "token.json")); err != nil || string(text) != "{\"mine\":1}\n" {
		t.Errorf("%q, %v", text, err)
	}
}

// Killed at any moment: the file is whole or not there, the next run knows it
// for ours, and nothing with a token stays beside it.
func TestAKillAtAnyMomentLeavesAWholeFile(t *testing.T) {
	t.Parallel()
	l, m := newLab(t, time.Hour, toFile)
	if err := os.Mkdir(l.Path("run"), 0o700); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if r := l.Run("refresh", "own/graph"); r.Code != 0 {
		t.Fatalf("%d\n%s", r.Code, r.Output)
	}
	whole := time.Since(start)
	const runs = 80
	for i := range runs {
		cmd := l.Command("refresh", "own/graph")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(whole * time.Duration(i) / runs)
		cmd.Process.Signal(syscall.SIGKILL)
		cmd.Wait()
		text, err := os.ReadFile(l.Path("run", "token.json"))
		var d delivered
		if err != nil || json.Unmarshal(text, &d) != nil {
			t.Fatalf("kill %d: %d bytes, %v", i, len(text), err)
		}
		if _, known := m.left(d.Access); !known {
			t.Fatalf("kill %d: a token that nobody gave", i)
		}
	}
	if r := l.Run("refresh", "own/graph"); r.Code != 0 {
		t.Errorf("%d\n%s", r.Code, r.Output)
	}
	token, given := m.newest()
	if !holds(l, token)() {
		t.Error("the last token is not there")
	}
	t.Logf("%d kills within %v, %d tokens given, %d delivered", runs, whole, given, count(l, "delivered"))
	if all, err := os.ReadDir(l.Path("run")); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
}

func TestAFullDiskIsSaidAndMended(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("a small disk is for root to mount")
	}
	l, m := newLab(t, time.Hour, toFile)
	run := l.Path("run")
	if err := os.Mkdir(run, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", run, "tmpfs", 0, "size=16k,mode=700"); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { syscall.Unmount(run, syscall.MNT_DETACH) })
	if r := l.Run("refresh", "own/graph"); r.Code != 0 {
		t.Fatalf("%d\n%s", r.Code, r.Output)
	}
	before, _ := m.newest()
	os.WriteFile(filepath.Join(run, "ballast"), make([]byte, 1<<20), 0o600) // as far as it goes
	if r := l.Run("refresh", "own/graph"); r.Code != 3 || !strings.Contains(r.Output, "free some space") {
		t.Errorf("%d\n%s", r.Code, r.Output)
	}
	if !holds(l, before)() {
		t.Error("what was there before is not whole")
	}
	if err := os.Remove(filepath.Join(run, "ballast")); err != nil {
		t.Fatal(err)
	}
	keeper := l.Keep()
	token, _ := m.newest()
	if !lab.Until(20*time.Second, holds(l, token)) {
		t.Errorf("it is not made up for:\n%s", l.Said(keeper))
	}
	if all, err := os.ReadDir(run); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
}

// Two keepers beside each other deliver each token once.
func TestTwoKeepersDeliverOnce(t *testing.T) {
	t.Parallel()
	l, m := newLab(t, 5*time.Second, toFile)
	if err := os.Mkdir(l.Path("run"), 0o700); err != nil {
		t.Fatal(err)
	}
	one, two := l.Keep(), l.Keep()
	if !lab.Until(20*time.Second, func() bool { _, given := m.newest(); return given >= 3 }) {
		t.Fatalf("it is not refreshed:\n%s\n%s", l.Said(one), l.Said(two))
	}
	token, _ := m.newest()
	lab.Until(2*time.Second, holds(l, token))
	l.Stop(one)
	l.Stop(two)
	_, given := m.newest()
	if n := count(l, "delivered"); n > given || n < given-1 {
		t.Errorf("%d tokens were given, and %d delivered", given, n)
	}
	if n := count(l, "undelivered"); n > 0 {
		t.Errorf("%d failures", n)
	}
}

// Another program finds the item by the names that the user chose. A keyring
// that is locked is said, and made up for when it is opened; with the credential
// the item goes too.
func TestAnItemIsDeliveredAndTakenBack(t *testing.T) {
	t.Parallel()
	l, m := newLab(t, time.Hour, "[[deliver]]\nid = \"own/graph\"\nkeyring_service = \"acme\"\nkeyring_account = \"me\"\n")
	b := desktop.NewBus(t)
	k := b.NewKeyring()
	l.Session(b.Address())
	there := func() bool {
		token, _ := m.newest()
		got, ok := k.Get("service", "acme", "username", "me")
		return ok && token != "" && got == token
	}
	if r := l.Run("refresh", "own/graph"); r.Code != 0 || !there() {
		t.Fatalf("%d\n%s", r.Code, r.Output)
	}
	keeper := settled(t, l)
	k.Lock()
	if r := l.Run("status"); strings.Contains(r.Output, "is not delivered") {
		t.Errorf("it is there, locked or not:\n%s", r.Output)
	}
	k.Unlock()
	if r := l.Run("refresh", "own/graph"); r.Code != 0 || !there() {
		t.Errorf("%d\n%s", r.Code, r.Output)
	}
	if code := l.Stop(keeper); code != 0 {
		t.Error(code)
	}
	r := l.Run("remove", "graph")
	if r.Code != 0 || !strings.Contains(r.Output, "its access token is erased from keyring: acme, me") {
		t.Errorf("%d\n%s", r.Code, r.Output)
	}
	if got, ok := k.Get("service", "acme", "username", "me"); ok {
		t.Errorf("it is still there: %q", got)
	}
}

// Where there is no keyring the token is refreshed all the same, and what to do
// is said.
func TestWithoutAKeyringAnItemIsSaidToBeMissing(t *testing.T) {
	t.Parallel()
	l, m := newLab(t, time.Hour, "[[deliver]]\nid = \"own/graph\"\nkeyring_service = \"acme\"\nkeyring_account = \"me\"\n")
	r := l.Run("refresh", "own/graph")
	if _, given := m.newest(); r.Code != 3 || given != 1 || !strings.Contains(r.Output, "keyring: acme, me: there is no keyring") || !strings.Contains(r.Output, "start one, or deliver to a file") {
		t.Errorf("%d, %d tokens\n%s", r.Code, given, r.Output)
	}
	if r := l.Run("status"); !strings.Contains(r.Output, "there is no keyring") {
		t.Errorf("status does not say so:\n%s", r.Output)
	}
}
