package instance

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const role = "LAMPLIGHTER_TEST_INSTANCE"

// A process of its own does one thing with a folder and says what came of it.
func TestMain(m *testing.M) {
	if len(os.Args) < 3 || os.Getenv(role) == "" {
		os.Exit(m.Run())
	}
	dir, word := os.Args[1], os.Args[2]
	switch os.Getenv(role) {
	case "start":
		i, err := Start(context.Background(), dir, Request{Do: word})
		var running *RunningError
		switch {
		case errors.As(err, &running):
			fmt.Println("asked")
		case err != nil:
			fmt.Println("error", err)
		default:
			fmt.Println("claimed")
			for r := range i.Requests() {
				fmt.Println("request", r.Do)
			}
		}
	case "ask":
		if err := Ask(dir, Request{Do: word}); err != nil {
			fmt.Println("error", err)
		}
	}
}

// A process is another one that runs this program.
type process struct {
	*exec.Cmd
	says *bufio.Scanner
}

func begin(t *testing.T, what, dir, word string) process {
	t.Helper()
	p := process{Cmd: exec.Command(os.Args[0], dir, word)}
	p.Env = append(os.Environ(), role+"="+what)
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.says = bufio.NewScanner(out)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.end)
	return p
}

// end is the worst that can happen to it.
func (p process) end() {
	p.Process.Kill()
	p.Wait()
}

func (p process) line() string {
	p.says.Scan()
	return p.says.Text()
}

func claim(t *testing.T, dir string) *Instance {
	t.Helper()
	i, err := Claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { i.Close() })
	return i
}

func ask(t *testing.T, dir string, all ...Request) {
	t.Helper()
	for _, r := range all {
		if err := Ask(dir, r); err != nil {
			t.Fatal(err)
		}
	}
}

func next(t *testing.T, i *Instance) Request {
	t.Helper()
	select {
	case r, ok := <-i.Requests():
		if !ok {
			t.Fatal("the channel is closed")
		}
		return r
	case <-time.After(20 * time.Second):
		t.Fatal("nobody asks")
		panic("unreachable")
	}
}

func left(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, folderName))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestOfTwoStartsAtOnceOneWinsAndTheOthersRequestArrives(t *testing.T) {
	rounds := 50
	if testing.Short() {
		rounds = 5
	}
	for range rounds {
		dir := filepath.Join(t.TempDir(), "state")
		both := [2]process{begin(t, "start", dir, "show-0"), begin(t, "start", dir, "show-1")}
		said := [2]string{both[0].line(), both[1].line()}
		winner := 0
		if said[1] == "claimed" {
			winner = 1
		}
		if said[winner] != "claimed" || said[1-winner] != "asked" {
			t.Fatalf("they say %q", said)
		}
		if got, want := both[winner].line(), fmt.Sprintf("request show-%d", 1-winner); got != want {
			t.Errorf("%q arrives, want %q", got, want)
		}
		both[0].end()
		both[1].end()
		if names := left(t, dir); len(names) > 0 {
			t.Errorf("%q are left", names)
		}
	}
}

func TestACrashLeavesNoStaleLock(t *testing.T) {
	dir := t.TempDir()
	for range 5 {
		p := begin(t, "start", dir, "x")
		if said := p.line(); said != "claimed" {
			t.Fatalf("it says %q", said)
		}
		if _, err := Claim(dir); err == nil {
			t.Fatal("claimed twice")
		}
		p.end()
	}
	claim(t, dir)
}

func TestRequestsArriveInTheirOrderAndOnce(t *testing.T) {
	dir := t.TempDir()
	ask(t, dir, Request{Do: "before", ID: "claude/mcp/slack", Token: "token-EXAMPLE"})
	i := claim(t, dir)
	if r := next(t, i); r != (Request{"before", "claude/mcp/slack", "token-EXAMPLE"}) {
		t.Errorf("what was asked before: %+v", r)
	}
	for n := range 20 {
		if p := begin(t, "ask", dir, fmt.Sprint(n)); p.Wait() != nil {
			t.Fatal("it cannot ask")
		}
	}
	for n := range 20 {
		if r := next(t, i); r.Do != fmt.Sprint(n) {
			t.Fatalf("%q comes as number %d", r.Do, n)
		}
	}
	if err := i.Close(); err != nil {
		t.Error(err)
	}
	if r, ok := <-i.Requests(); ok {
		t.Errorf("%+v comes too", r)
	}
	if names := left(t, dir); len(names) > 0 {
		t.Errorf("%q are left", names)
	}
}

func TestAnInstanceThatEndsLeavesWhatItDidNotTake(t *testing.T) {
	dir := t.TempDir()
	first := claim(t, dir)
	ask(t, dir, Request{Do: "taken"}, Request{Do: "offered"}, Request{Do: "left"})
	if r := next(t, first); r.Do != "taken" {
		t.Fatalf("%+v", r)
	}
	first.Close()
	again := claim(t, dir)
	ask(t, dir, Request{Do: "last"})
	var all []string
	for len(all) == 0 || all[len(all)-1] != "last" {
		all = append(all, next(t, again).Do)
	}
	// What was just offered when it ended may be gone, and nothing else.
	if got := strings.TrimPrefix(strings.Join(all, " "), "offered "); got != "left last" {
		t.Errorf("%q", got)
	}
}

func TestAStartWhileTheFirstOneEndsIsTheOneAfterAll(t *testing.T) {
	dir := t.TempDir()
	first := claim(t, dir)
	ask(t, dir, Request{Do: "offered"}) // and not taken, so that the next is not either
	p := begin(t, "start", dir, "show")
	for {
		if names := left(t, dir); len(names) > 0 && strings.HasSuffix(names[len(names)-1], extension) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	first.Close()
	if said := p.line(); said != "claimed" {
		t.Errorf("it says %q", said)
	}
	p.end()
}

func TestOneThatDoesNotAnswerIsNamed(t *testing.T) {
	dir := t.TempDir()
	claim(t, dir)
	ask(t, dir, Request{Do: "offered"})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := Start(ctx, dir, Request{Do: "show"})
	var running *RunningError
	if !errors.As(err, &running) || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("%v", err)
	}
}

func TestWhatIsNoRequestIsRemovedWithoutEffect(t *testing.T) {
	good, _ := json.Marshal(Request{Do: "effect"})
	now := time.Now()
	name := func(age time.Duration, rest string) string {
		return fmt.Sprintf("%020d-%s", now.Add(-age).UnixNano(), rest)
	}
	dir := t.TempDir()
	folder, err := prepare(dir)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "elsewhere.json")
	for file, text := range map[string]string{
		filepath.Join(folder, name(1, "torn.json")):               string(good[:len(good)-1]),
		filepath.Join(folder, name(2, "empty.json")):              "",
		filepath.Join(folder, name(3, "two.json")):                string(good) + string(good),
		filepath.Join(folder, name(4, "huge.json")):               `{"do":"effect","id":"` + strings.Repeat("x", tooBig) + `"}`,
		filepath.Join(folder, name(5, "nothing.json")):            `{"id":"effect"}`,
		filepath.Join(folder, name(2*time.Minute, "old.json")):    string(good),
		filepath.Join(folder, name(-2*time.Minute, "early.json")): string(good),
		filepath.Join(folder, "undated.json"):                     string(good),
		filepath.Join(folder, name(6, "other.txt")):               string(good),
		filepath.Join(folder, draft+"abandoned"):                  string(good),
		filepath.Join(folder, draft+"new"):                        string(good),
		elsewhere:                                                 string(good),
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	long := now.Add(-2 * tooOld)
	if err := errors.Join(os.Chtimes(filepath.Join(folder, draft+"abandoned"), long, long), os.Mkdir(filepath.Join(folder, name(7, "folder.json")), 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(folder, name(8, "link.json"))); err != nil {
		t.Log("no links here:", err)
	}
	i := claim(t, dir)
	ask(t, dir, Request{Do: "last"})
	if r := next(t, i); r.Do != "last" {
		t.Errorf("%+v has an effect", r)
	}
	i.Close() // it has looked at everything
	if names := left(t, dir); len(names) != 1 || names[0] != draft+"new" {
		t.Errorf("%q are left", names)
	}
	if _, err := os.Stat(elsewhere); err != nil {
		t.Error("what a link leads to is removed")
	}
}

func TestAFolderThatIsTakenAwayComesBack(t *testing.T) {
	dir := t.TempDir()
	i := claim(t, dir)
	for n := range 3 {
		if err := os.RemoveAll(filepath.Join(dir, folderName)); err != nil {
			t.Skip("it cannot be taken away here:", err)
		}
		ask(t, dir, Request{Do: fmt.Sprint(n)})
		if r := next(t, i); r.Do != fmt.Sprint(n) {
			t.Errorf("%+v", r)
		}
	}
}

func TestARequestThatSaysNothingIsNotLeft(t *testing.T) {
	dir := t.TempDir()
	for _, r := range []Request{{}, {ID: "x"}, {Do: strings.Repeat("x", tooBig)}} {
		if Ask(dir, r) == nil {
			t.Errorf("%.20v is left", r)
		}
	}
}
