package torture_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lamplighter/credfiles/clientlock"
	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

// due is a grant whose access token ends too soon.
var due = authtest.GrantOptions{AccessLeft: time.Minute}

// A passage is how far one refresh has come, as its system calls tell.
type passage struct {
	locked    bool // our own lock is taken
	begun     bool // the journal has the request
	leaving   bool // the first byte of the POST may have left
	left      bool // the refresh token has left
	answered  bool // the first byte of the answer is here
	journaled bool // the write that journals the answer has returned
	synced    bool // and its fsync
	over      bool // our lock is free
}

const (
	lockFile = "state/locks/*"
	record   = "state/journal/*"
	endpoint = "token endpoint"
)

func (p *passage) goOn(s *stop) {
	done := s.after && s.ret >= 0
	switch {
	case s.on == lockFile && s.call == "flock" && done && s.args[1]&unix.LOCK_UN == 0:
		p.locked = true
	case s.on == lockFile && s.call == "close" && s.after && p.locked:
		p.over = true
	case s.on == record && s.call == "pwrite64" && done:
		p.journaled = p.answered
		p.begun = true
	case s.on == record && s.call == "fsync" && done:
		p.synced = p.journaled
	case s.on == endpoint && s.call == "write":
		p.leaving = true
		p.left = p.left || s.sends && done
	case s.on == endpoint && s.call == "read" && done && s.ret > 0:
		p.answered = true
	}
}

// runtimeOnly are calls that the Go runtime makes at any time by the clock. They
// are killed at once of each kind, not at each.
func runtimeOnly(s *stop) bool { return s.call == "nanosleep" || s.call == "sched_yield" }

// A way is one way to be refreshed: who asks whom for whom.
type way struct {
	client  string // whose store: codex, claude
	command string // refresh, keep
	server  string // how it treats a refresh token that comes again
}

func (w way) String() string { return w.command + " " + w.client + ", " + w.server + " server" }

// policies are the servers by what they do to a refresh token that comes
// again.
var policies = map[string]authtest.Policy{
	"strict":   {},
	"previous": {Reuse: authtest.PreviousUntilUsed},
	"grace":    {Reuse: authtest.Grace, Grace: time.Minute},
}

// A target is the stop at which the program is killed.
type target struct {
	start bool   // before our lock, where only calls count that write
	late  bool   // behind the first byte of the answer; else from our lock to there
	n     int    // the nth counted there, from 1; 0: by kind
	kind  string // the first stop of that kind
	after bool
}

// A victim is one run that is killed, and what came of it.
type victim struct {
	way
	target
	lab     *lab.Lab
	server  *authtest.Server
	line    *lab.Line
	passage        // when it was killed
	killed  *stop  // nil: the program was through before the target came
	posts   int    // before the second run
	lost    bool   // the server rotated and nobody has the answer
	alive   bool   // the grant lives
	said    string // what was wrong
	power   bool   // the computer went with it: what was not synced is gone
	seen    map[string]bool
	counted [2]int // stops before and behind the first byte
	started int    // and at the start
}

// once runs the program in a fresh home, kills it at the target and looks at
// what the next run makes of it.
func (w way) once(t testing.TB, at target) *victim {
	scratch := &scratch{TB: t}
	defer scratch.clean()
	return w.in(scratch, at, nil)
}

// in is once in a place of its own. cut, if there is one, ends the computer
// together with the program.
func (w way) in(scratch *scratch, at target, cut func()) *victim {
	t := scratch.TB
	s, err := authtest.Start(authtest.Options{Policy: policies[w.server]})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	v := &victim{way: w, target: at, lab: lab.New(scratch), server: s, seen: map[string]bool{}, power: cut != nil}
	if w.client == "claude" {
		v.line = v.lab.Claude("linear", s, due)
	} else {
		v.line = v.lab.Codex("linear", s, due)
	}
	if cut != nil {
		v.flush()
	}
	v.kill()
	if cut != nil {
		cut()
	}
	v.settle()
	if v.killed != nil || at != (target{}) {
		v.again()
	}
	return v
}

// flush puts what stands there before the program starts on the disk.
func (v *victim) flush() {
	f, err := os.Open(v.lab.Home)
	if err == nil {
		err = unix.Syncfs(int(f.Fd()))
		f.Close()
	}
	if err != nil {
		v.wrong("%v", err)
	}
}

func (v *victim) args() []string {
	if v.command == "keep" {
		return []string{"keep"}
	}
	return []string{"refresh", "--within", "15m"}
}

// kill runs the program until it is killed, or for a keeper until it has let
// the lock go.
func (v *victim) kill() {
	p := follow(v.lab)
	p.watched.Store(v.start)
	// Until it knows where to send the request, nothing is at stake.
	v.server.Behave(authtest.Metadata, authtest.Behaviour{OnArrival: p.watch})
	v.server.Behave(authtest.ResourceMetadata, authtest.Behaviour{OnArrival: p.watch})
	p.run(v.lab.Command(v.args()...), func(s *stop) word {
		if v.over || v.killed != nil {
			return word{kill: v.command == "keep"}
		}
		v.goOn(s)
		if v.start {
			if !v.locked && isWrite(s) {
				if v.started++; v.started == v.n {
					v.killed = s
				}
			}
			return word{kill: v.killed != nil}
		}
		if !v.locked {
			return word{}
		}
		region := 0
		if v.answered {
			region = 1
		}
		if (region == 1) == v.late {
			v.seen[s.String()] = true
		}
		hit := false
		if !runtimeOnly(s) {
			v.counted[region]++
			hit = v.n > 0 && v.n == v.counted[region]
		}
		hit = hit || v.kind != "" && v.kind == s.kind() && v.target.after == s.after
		if hit && (region == 1) == v.late && v.target != (target{}) {
			v.killed = s
			return word{kill: true}
		}
		return word{}
	})
	v.server.Behave(authtest.Metadata, authtest.Behaviour{})
	v.server.Behave(authtest.ResourceMetadata, authtest.Behaviour{})
}

// settle waits until the server is done with what was sent, and says whether
// anybody has its answer.
func (v *victim) settle() {
	id := v.line.Grant.ID
	answered := func() bool { last := v.server.Last(id); return last.N > 0 && last.Delivery != authtest.Pending }
	switch {
	case v.left:
		lab.Until(5*time.Second, answered)
	case v.leaving:
		lab.Until(50*time.Millisecond, answered)
	}
	v.posts = v.server.TokenPosts(id)
	records := v.lab.Pending()
	journaled := len(records) == 1 && records[0].Answer != nil
	v.lost = v.posts > 0 && !journaled && v.lab.Landed(v.line) != ""
	switch {
	case v.lost && v.synced, v.lost && v.journaled && !v.power:
		v.wrong("the answer was journaled, and is lost")
	case v.posts > 1:
		v.wrong("%d POSTs", v.posts)
	case v.lost && len(records) != 1:
		v.wrong("a refresh token left, and the journal does not say so")
	case v.lost && !v.leaving:
		v.wrong("a refresh token left before its time")
	case v.lost:
		v.server.NotJournaled(v.server.Last(id).N)
	}
}

func (v *victim) wrong(format string, args ...any) {
	if v.said == "" {
		v.said = fmt.Sprintf("%s, killed %v: ", v.way, v.killed) + fmt.Sprintf(format, args...)
	}
}

// again runs the program once more, as often as it takes, and says what has
// become of the grant.
func (v *victim) again() {
	outlive(v.lab)
	dead := v.lost && v.way.server == "strict"
	want := 1
	if v.lost {
		want = 2 // repeated once
	}
	if v.command == "keep" {
		v.keepAgain(dead, want)
	} else {
		got := v.lab.Run(v.args()...)
		code := 0
		if dead {
			code = 4
		}
		if got.Code != code {
			v.wrong("the next run ends with %d, want %d: %s", got.Code, code, got.Output)
		}
	}
	id := v.line.Grant.ID
	if got := v.server.TokenPosts(id); got != want {
		v.wrong("%d POSTs, want %d", got, want)
	}
	if dead {
		v.buried()
		return
	}
	if text := v.lab.Landed(v.line); text != "" {
		v.wrong("%s", text)
	}
	// The grant lives if its newest refresh token is worth something. With
	// this go the temporary files that were left where nothing else was.
	if got := v.lab.Run("refresh", "linear"); got.Code != 0 {
		v.wrong("the refresh after it ends with %d: %s", got.Code, got.Output)
	}
	if text := v.lab.Well(); text != "" {
		v.wrong("%s", text)
	}
	if got := v.server.TokenPosts(id); got != want+1 {
		v.wrong("%d POSTs with the next refresh, want %d", got, want+1)
	}
	v.alive = v.said == ""
}

// buried looks at a grant that a strict server revoked, because nobody had the
// answer: the store stands as it was, and nothing is sent again.
func (v *victim) buried() {
	id := v.line.Grant.ID
	posts := v.server.TokenPosts(id)
	if got := v.lab.Run("refresh", "linear"); got.Code != 4 {
		v.wrong("a dead grant's refresh ends with %d: %s", got.Code, got.Output)
	}
	if now := v.server.TokenPosts(id); now != posts {
		v.wrong("a dead refresh token was sent again")
	}
	if c, ok := v.lab.Stored(v.line); !ok || c.Refresh.Reveal() != v.line.Grant.RefreshToken || v.lab.Whole(v.line) != "" {
		v.wrong("the store of a dead grant was touched")
	}
	if broken := v.server.Check(); broken != nil {
		v.wrong("%s", strings.Join(broken, "; "))
	}
	if text := v.lab.Leaks(); text != "" {
		v.wrong("%s", text)
	}
	if n := len(v.lab.Pending()); n > 0 {
		v.wrong("%d records are left of a dead grant", n)
	}
}

// keepAgain runs a keeper until it has nothing left to do.
func (v *victim) keepAgain(dead bool, posts int) {
	id := v.line.Grant.ID
	keeper := v.lab.Keep()
	if !lab.Until(60*time.Second, func() bool {
		return v.keeps() && v.server.TokenPosts(id) >= posts && len(v.lab.Pending()) == 0 && (dead || v.lab.Landed(v.line) == "")
	}) {
		v.wrong("the next keeper does not get there: %s, %d records", v.lab.Landed(v.line), len(v.lab.Pending()))
	}
	if code := v.lab.Stop(keeper); code != 0 {
		v.wrong("the next keeper ends with %d", code)
	}
}

// keeps reports that a keeper runs.
func (v *victim) keeps() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	lock, err := clientlock.File(ctx, filepath.Join(v.lab.State, "locks", "keeper"), clientlock.FileOptions{Mode: 0o600, Retry: time.Millisecond})
	if err == nil {
		lock.Release()
	}
	var busy *clientlock.BusyError
	return errors.As(err, &busy)
}

// outlive takes away the lock directories that a program left which was killed
// or could not remove them, as their clients and we do when they are stale.
// Every sixteenth time it only makes them old, and leaves that to the next run.
func outlive(l *lab.Lab) {
	filepath.WalkDir(l.Home, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.HasSuffix(path, ".lock") {
			if took.Add(1)%16 == 0 {
				old := time.Now().Add(-2 * time.Minute)
				os.Chtimes(path, old, old)
			} else {
				os.Remove(path)
			}
		}
		return nil
	})
}

var took atomic.Int64

// A scratch is a TB of one run in a test of many: what the run leaves goes
// with it.
type scratch struct {
	testing.TB
	root     string // where its folders are made; empty: where the system wants them
	cleanups []func()
}

func (s *scratch) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

func (s *scratch) TempDir() string {
	dir, err := os.MkdirTemp(s.root, "lamplighter-torture-")
	if err != nil {
		s.Fatal(err)
	}
	os.Chmod(dir, 0o755) // other users look for their home in it
	s.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (s *scratch) clean() {
	for i := len(s.cleanups) - 1; i >= 0; i-- {
		s.cleanups[i]()
	}
}

// A few of the kills of TestKilledAtEverySystemCallOfARefresh, which needs the
// tag torture: a spread over the whole passage, and each journal step.
func TestKilledAtSomeSystemCallsOfARefresh(t *testing.T) {
	skipUnlessTraceable(t)
	ways := []way{{"codex", "refresh", "strict"}, {"claude", "refresh", "previous"}, {"claude", "keep", "grace"}, {"codex", "keep", "previous"}}
	var jobs []job
	var tallies []*tally
	for i, w := range ways {
		c := newTally(w)
		tallies = append(tallies, c)
		for n := 8 + 5*i; n < 150; n += 61 {
			jobs = append(jobs, job{c, target{start: true, n: n}})
		}
		for n := 30 + 7*i; n < 500; n += 131 {
			jobs = append(jobs, job{c, target{n: n}})
		}
		for n := 5 + 11*i; n < 600; n += 89 {
			jobs = append(jobs, job{c, target{late: true, n: n}})
		}
		for _, kind := range []string{"pwrite64 " + record, "fsync " + record, "unlinkat " + record} {
			for _, after := range []bool{false, true} {
				jobs = append(jobs, job{c, target{late: true, kind: kind, after: after}})
			}
		}
	}
	kills(t, 4, jobs, nil)
	for _, c := range tallies {
		if c.killed[0] == 0 || c.killed[1] == 0 {
			t.Errorf("%s: nothing was killed, so nothing was tested", c.way)
		}
	}
	t.Log("\n" + table(tallies))
}
