package torture_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

// writes are the calls by which the program changes files, or gets at them.
var writes = []string{
	"openat", "write", "pwrite64", "fallocate", "fsync", "fdatasync", "ftruncate", "renameat", "renameat2", "unlinkat",
	"mkdirat", "fchmod", "fchmodat", "fchown", "fchownat", "flock", "fsetxattr", "fremovexattr", "utimensat",
}

func isWrite(s *stop) bool {
	return (strings.HasPrefix(s.on, "state") || strings.HasPrefix(s.on, "~")) && slices.Contains(writes, s.call)
}

// A reach is how much is refused.
type reach string

const (
	once   reach = "once"            // this one call
	onward reach = "from there on"   // and all of its kind
	folder reach = "its folder then" // and all that write to the same part of the disk
)

// A denial is one call that fails without being made.
type denial struct {
	call, on string
	nth      int // of this kind, from 1
	errno    syscall.Errno
	reach    reach
}

func (r denial) String() string {
	return fmt.Sprintf("%s at %s %s, number %d, %s", unix.ErrnoName(r.errno), r.call, r.on, r.nth, r.reach)
}

// part is the part of the disk to which a file belongs.
func part(on string) string {
	switch {
	case strings.HasPrefix(on, "state/journal"):
		return "journal"
	case strings.HasPrefix(on, "state"):
		return "state"
	}
	return "home"
}

// A refusedRun is one run with a denial, and what came of it.
type refusedRun struct {
	denial
	client string
	lab    *lab.Lab
	server *authtest.Server
	line   *lab.Line
	code   int
	output string
	met    bool // the call was made
	posts  int
	said   string // what was wrong
}

func (r *refusedRun) wrong(format string, args ...any) {
	if r.said == "" {
		r.said = fmt.Sprintf("%s, %s: ", r.client, r.denial) + fmt.Sprintf(format, args...) + "\n\tit said: " + r.output
	}
}

// oneOf is a fresh home with one credential that is due.
func oneOf(t testing.TB, client string) (*lab.Lab, *authtest.Server, *lab.Line) {
	s := authtest.New(t, authtest.Options{})
	l := lab.New(t)
	if client == "claude" {
		return l, s, l.Claude("linear", s, due)
	}
	return l, s, l.Codex("linear", s, due)
}

// adorn gives a store what a new file in its place has to be given, too: another
// group, if we may, and an extended attribute, if the file system has them.
func adorn(line *lab.Line) {
	os.Chown(line.Store, -1, nobody)
	unix.Setxattr(line.Store, "user.note", []byte("kept"), 0)
}

// refuse runs the program with a denial, and once more without.
func refuse(t testing.TB, client string, what denial) *refusedRun {
	scratch := &scratch{TB: t}
	defer scratch.clean()
	r := &refusedRun{denial: what, client: client}
	r.lab, r.server, r.line = oneOf(scratch, client)
	adorn(r.line)
	var at passage
	var onDisk bool // the journal has the request, with its name
	count := 0
	p := follow(r.lab)
	p.watched.Store(true)
	cmd := r.lab.Command("refresh", "--within", "15m")
	r.code = p.run(cmd, func(s *stop) word {
		left := at.leaving
		at.goOn(s)
		if s.after && s.ret == 0 && s.call == "fsync" && s.on == "state/journal" {
			onDisk = at.begun
		}
		if at.leaving && !left && !onDisk {
			r.wrong("a POST left, and the journal does not have it on disk")
		}
		if s.after {
			return word{}
		}
		if s.call == what.call && s.on == what.on {
			count++
		}
		here := s.call == what.call && s.on == what.on && count == what.nth
		r.met = r.met || here
		hit := here ||
			r.met && what.reach == onward && s.call == what.call && part(s.on) == part(what.on) && isWrite(s) ||
			r.met && what.reach == folder && part(s.on) == part(what.on) && isWrite(s)
		if hit {
			return word{errno: what.errno}
		}
		return word{}
	})
	r.output = cmd.Stderr.(fmt.Stringer).String()
	r.posts = r.server.TokenPosts(r.line.Grant.ID)
	if r.met {
		r.after()
	}
	return r
}

// after looks at what a run with an obstacle left, and at what the next one
// makes of it when the obstacle is gone.
func (r *refusedRun) after() {
	id := r.line.Grant.ID
	switch {
	case r.code < 0:
		r.wrong("it died")
	case r.posts > 1:
		r.wrong("%d POSTs", r.posts)
	case r.code != 0 && !advises.MatchString(r.output):
		r.wrong("it ends with %d and does not say on what it failed, or what to do", r.code)
	case r.code == 0 && r.lab.Landed(r.line) != "":
		r.wrong("it ends with 0, and %s", r.lab.Landed(r.line))
	}
	outlive(r.lab)
	if got := r.lab.Run("refresh", "--within", "15m"); got.Code != 0 {
		r.wrong("the next run ends with %d: %s", got.Code, got.Output)
	}
	if text := r.lab.Landed(r.line); text != "" {
		r.wrong("%s", text)
	}
	if got := r.server.TokenPosts(id); got != 1 {
		r.wrong("%d POSTs after the next run", got)
	}
	// Temporary files that could not be removed go with the next refresh.
	if got := r.lab.Run("refresh", "linear"); got.Code != 0 {
		r.wrong("the refresh after it ends with %d: %s", got.Code, got.Output)
	}
	if text := r.lab.Well(); text != "" {
		r.wrong("%s", text)
	}
	if got := r.server.TokenPosts(id); got != 2 {
		r.wrong("%d POSTs with the next refresh", got)
	}
}

// denials are all that can be refused in one refresh.
func denials(t testing.TB, client string) (all []denial) {
	scratch := &scratch{TB: t}
	defer scratch.clean()
	l, _, line := oneOf(scratch, client)
	adorn(line)
	counts := map[denial]int{}
	p := follow(l)
	p.watched.Store(true)
	p.run(l.Command("refresh", "--within", "15m"), func(s *stop) word {
		if !s.after && isWrite(s) {
			counts[denial{call: s.call, on: s.on}]++
		}
		return word{}
	})
	kinds := slices.SortedFunc(maps.Keys(counts), func(a, b denial) int { return strings.Compare(a.on+a.call, b.on+b.call) })
	for _, what := range kinds {
		for what.nth = 1; what.nth <= counts[denial{call: what.call, on: what.on}]; what.nth++ {
			errnos := []syscall.Errno{unix.ENOSPC, unix.EACCES, unix.EIO, unix.EROFS, unix.EDQUOT}
			if what.call == "openat" {
				errnos = append(errnos, unix.EMFILE)
			}
			for _, what.errno = range errnos {
				for _, what.reach = range []reach{once, onward, folder} {
					all = append(all, what)
				}
			}
		}
	}
	return all
}

// variable is what differs in a message from run to run.
var variable = regexp.MustCompile(`127\.0\.0\.1:\d+|lamplighter-torture-\d+|\.lamplighter-[a-z2-7]{12}|[0-9a-f]{16,}|\d+ (s|min)\b`)

// messages are what people are told, without what differs from run to run.
type messages map[string][]string

func (m messages) add(code int, output, cause string) {
	if code == 0 && output == "" {
		return
	}
	text := fmt.Sprintf("[%d] %s", code, variable.ReplaceAllString(strings.TrimSpace(output), "*"))
	m[text] = append(m[text], cause)
}

func (m messages) String() string {
	var b strings.Builder
	for _, text := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(&b, "%5d  %s\n       as with %s\n", len(m[text]), text, m[text][0])
	}
	return b.String()
}

// refuseAll runs each, several at a time.
func refuseAll(t testing.TB, workers int, client string, all []denial) (before, after int, said messages) {
	said = messages{}
	var mu sync.Mutex
	several(workers, all, func(what denial) {
		r := refuse(t, client, what)
		mu.Lock()
		defer mu.Unlock()
		if r.said != "" {
			t.Error(r.said)
		}
		switch {
		case !r.met:
			return
		case r.posts == 0:
			before++
		default:
			after++
		}
		said.add(r.code, r.output, r.denial.String())
	})
	return before, after, said
}

// A few of the refusals of TestEveryWriteIsRefused, which needs the tag
// torture.
func TestSomeWritesAreRefused(t *testing.T) {
	skipUnlessTraceable(t)
	for i, client := range []string{"codex", "claude"} {
		var some []denial
		for j, what := range denials(t, client) {
			if j%83 == 40*i {
				some = append(some, what)
			}
		}
		before, after, _ := refuseAll(t, 4, client, some)
		t.Logf("%s: %d refusals before the POST, %d after it or without harm", client, before, after)
		if before == 0 || after == 0 {
			t.Error("nothing was refused, so nothing was tested")
		}
	}
}

// Neither journal nor store take an answer, for a while: the program waits
// with it, and the first that does gets it.
func TestAnAnswerThatNobodyTakesYet(t *testing.T) {
	skipUnlessTraceable(t)
	for _, client := range []string{"codex", "claude"} {
		l, s, line := oneOf(t, client)
		var at passage
		var since time.Time
		p := follow(l)
		s.Behave(authtest.ResourceMetadata, authtest.Behaviour{OnArrival: p.watch})
		cmd := l.Command("refresh", "--within", "15m")
		denied := 0
		code := p.run(cmd, func(s *stop) word {
			at.goOn(s)
			if !at.answered || s.after || !isWrite(s) || part(s.on) == "state" {
				return word{}
			}
			if since.IsZero() {
				since = time.Now()
			}
			if time.Since(since) > 2*time.Second {
				return word{}
			}
			denied++
			return word{errno: unix.EIO}
		})
		if denied == 0 {
			t.Fatal("nothing was refused, so nothing was tested")
		}
		if code != 0 {
			t.Errorf("%s: it ends with %d: %s", client, code, cmd.Stderr)
		}
		if n := s.TokenPosts(line.Grant.ID); n != 1 {
			t.Errorf("%s: %d POSTs", client, n)
		}
		if text := l.Well(); text != "" {
			t.Errorf("%s: %s", client, text)
		}
	}
}
