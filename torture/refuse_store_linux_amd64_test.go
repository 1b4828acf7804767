package torture_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

const nobody = 65534

// An obstacle is something that happens to a store or to our own state while
// a refresh is under way. The program is stopped at a system call meanwhile.
type obstacle struct {
	name string
	put  func(l *lab.Lab, store string) (undo func() error, err error)
}

var obstacles = []obstacle{
	{"the store vanishes", func(l *lab.Lab, store string) (func() error, error) { return away(store, l.Path("away")) }},
	{"the store turns into a link", func(l *lab.Lab, store string) (func() error, error) {
		target := l.Path("elsewhere", "store.json")
		err := errors.Join(os.MkdirAll(filepath.Dir(target), 0o755), os.Chown(filepath.Dir(target), nobody, nobody), os.Rename(store, target), os.Symlink(target, store))
		return func() error { return nil }, err // which is no obstacle
	}},
	{"the store turns into a folder", func(l *lab.Lab, store string) (func() error, error) {
		undo, err := away(store, l.Path("away"))
		if err == nil {
			err = os.Mkdir(store, 0o755)
		}
		return func() error { return errors.Join(os.Remove(store), undo()) }, err
	}},
	{"the store becomes unwritable", func(l *lab.Lab, store string) (func() error, error) { return mode(store, 0o400) }},
	{"the store becomes unreadable", func(l *lab.Lab, store string) (func() error, error) { return mode(store, 0) }},
	{"the store's folder becomes unwritable", func(l *lab.Lab, store string) (func() error, error) { return mode(filepath.Dir(store), 0o555) }},
	{"the store's folder is closed", func(l *lab.Lab, store string) (func() error, error) { return mode(filepath.Dir(store), 0) }},
	{"the store's folder vanishes", func(l *lab.Lab, store string) (func() error, error) { return away(filepath.Dir(store), l.Path("away")) }},
	{"the journal becomes unwritable", func(l *lab.Lab, store string) (func() error, error) {
		return mode(filepath.Join(l.State, "journal"), 0o500)
	}},
	{"the journal vanishes", func(l *lab.Lab, store string) (func() error, error) {
		return away(filepath.Join(l.State, "journal"), l.Path("away"))
	}},
	{"the state folder becomes unwritable", func(l *lab.Lab, store string) (func() error, error) { return mode(l.State, 0o500) }},
	{"the state folder is closed", func(l *lab.Lab, store string) (func() error, error) { return mode(l.State, 0) }},
}

// away moves something, and back into the place of what took its.
func away(from, to string) (undo func() error, err error) {
	return func() error { return errors.Join(os.RemoveAll(from), os.Rename(to, from)) }, os.Rename(from, to)
}

func mode(name string, bits os.FileMode) (undo func() error, err error) {
	was, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	return func() error { return os.Chmod(name, was.Mode()) }, os.Chmod(name, bits)
}

// An obstructed is one run with an obstacle that comes at the nth stop before
// or behind the first byte of the answer.
type obstructed struct {
	obstacle
	client string
	late   bool
	n      int
	lab    *lab.Lab
	server *authtest.Server
	line   *lab.Line
	at     *stop
	code   int
	output string
	posts  int
	calls  [2]int
	said   string
}

func (o *obstructed) wrong(format string, args ...any) {
	if o.said == "" {
		o.said = fmt.Sprintf("%s, %s %v: ", o.client, o.name, o.at) + fmt.Sprintf(format, args...) + "\n\tit said: " + o.output
	}
}

// command is the program as an ordinary user.
func (o *obstructed) command(args ...string) *exec.Cmd {
	cmd := o.lab.Command(args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	cmd.Dir = "/"
	return cmd
}

func (o *obstructed) run(t testing.TB) {
	scratch := &scratch{TB: t}
	defer scratch.clean()
	o.lab, o.server, o.line = oneOf(scratch, o.client)
	if err := errors.Join(os.MkdirAll(o.lab.State, 0o700), giveAway(filepath.Dir(o.lab.Home))); err != nil {
		t.Fatal(err)
	}
	var at passage
	var onDisk bool
	var undo func() error
	var failure error
	p := follow(o.lab)
	o.server.Behave(authtest.ResourceMetadata, authtest.Behaviour{OnArrival: p.watch})
	cmd := o.command("refresh", "--within", "15m")
	o.code = p.run(cmd, func(s *stop) word {
		left := at.leaving
		at.goOn(s)
		onDisk = onDisk || s.after && s.ret == 0 && s.call == "fsync" && (s.on == "state/journal" || s.on == "~/away") && at.begun
		if at.leaving && !left && !onDisk {
			o.wrong("a POST left, and the journal does not have it on disk")
		}
		if !at.locked || runtimeOnly(s) {
			return word{}
		}
		region := 0
		if at.answered {
			region = 1
		}
		o.calls[region]++
		if o.at == nil && (region == 1) == o.late && o.calls[region] == o.n {
			o.at = s
			undo, failure = o.put(o.lab, o.line.Store)
		}
		return word{}
	})
	o.server.Behave(authtest.ResourceMetadata, authtest.Behaviour{})
	o.output = cmd.Stderr.(fmt.Stringer).String()
	o.posts = o.server.TokenPosts(o.line.Grant.ID)
	if failure != nil {
		t.Fatal(failure)
	}
	if o.at != nil {
		o.after(undo)
	}
}

func (o *obstructed) after(undo func() error) {
	id := o.line.Grant.ID
	switch {
	case o.code < 0:
		o.wrong("it died")
	case o.posts > 1:
		o.wrong("%d POSTs", o.posts)
	case o.code != 0 && strings.TrimSpace(o.output) == "":
		o.wrong("it ends with %d and says nothing", o.code)
	}
	if err := undo(); err != nil {
		o.lab.T.Fatal(err)
	}
	outlive(o.lab)
	if got := o.lab.Ends(o.command("refresh", "--within", "15m")); got.Code != 0 {
		o.wrong("the next run ends with %d: %s", got.Code, got.Output)
	}
	if text := o.lab.Landed(o.line); text != "" {
		o.wrong("%s", text)
	}
	if got := o.server.TokenPosts(id); got != 1 {
		o.wrong("%d POSTs after the next run", got)
	}
	if got := o.lab.Ends(o.command("refresh", "linear")); got.Code != 0 {
		o.wrong("the refresh after it ends with %d: %s", got.Code, got.Output)
	}
	if text := o.lab.Well(); text != "" {
		o.wrong("%s", text)
	}
	if got := o.server.TokenPosts(id); got != 2 {
		o.wrong("%d POSTs with the next refresh", got)
	}
}

func giveAway(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, nobody, nobody))
	})
}

func skipUnlessRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can run the program as another user")
	}
}

func obstruct(t testing.TB, workers int, all []*obstructed) {
	several(workers, all, func(o *obstructed) {
		o.run(t)
		if o.said != "" {
			t.Error(o.said)
		}
	})
}

// A few of the obstacles of TestEveryObstacleOnTheWay, which needs the tag
// torture.
func TestSomeObstaclesAtSomeSteps(t *testing.T) {
	skipUnlessRoot(t)
	skipUnlessTraceable(t)
	var all []*obstructed
	for i, o := range obstacles {
		for j, client := range []string{"codex", "claude"} {
			all = append(all,
				&obstructed{obstacle: o, client: client, n: 40 + 45*i + 20*j},
				&obstructed{obstacle: o, client: client, late: true, n: 5 + 43*i + 20*j})
		}
	}
	obstruct(t, 4, all)
	for _, o := range all {
		if o.at != nil {
			return
		}
	}
	t.Error("nothing was put in the way, so nothing was tested")
}
