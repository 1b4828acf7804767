package lab_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles/agefile"
	"lamplighter/lab"
	"lamplighter/lab/desktop"
	"lamplighter/refresher/authtest"
)

// The program refreshes what is encrypted as it does what is in a plain file.
func TestTheProgramRefreshesAnEncryptedStore(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l, _, k := ringLab(t)
	lines := l.CodexSealed(k, 12, s, due, "linear", "sentry")
	if got := l.Run("refresh"); got.Code != 0 {
		t.Fatalf("exit code %d: %s", got.Code, got.Output)
	}
	if wrong := l.Well(); wrong != "" {
		t.Fatal(wrong)
	}
	for _, line := range lines {
		if n := s.TokenPosts(line.Grant.ID); n != 1 {
			t.Errorf("%s: %d POSTs", line.ID, n)
		}
		if st, ok := l.Status(line.ID); !ok || st.State != "fresh" {
			t.Errorf("%s is %q: %s", line.ID, st.State, st.Reason)
		}
	}
}

// Opening is what takes time and memory. A keeper does it once, and whatever
// else changes not again.
func TestAKeeperOpensAnEncryptedStoreOnce(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l, _, k := ringLab(t)
	l.CodexSealed(k, 18, s, authtest.GrantOptions{}, "linear")
	keeper := l.Keep()
	if !lab.Until(desktop.Patience, func() bool { return children(t, keeper.Process.Pid) > 0 }) {
		t.Fatal("it was not opened")
	}
	opened := children(t, keeper.Process.Pid)
	one := l.Codex("notes", s, due) // which it looks at, and refreshes
	if !lab.Until(desktop.Patience, func() bool { return l.Landed(one) == "" }) {
		t.Fatal(l.Landed(one))
	}
	if now := children(t, keeper.Process.Pid); now != opened {
		t.Errorf("its processes took %d ticks, and %d at first", now, opened)
	}
	if code := l.Stop(keeper); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A token of another client does not wait for an opening.
func TestATokenOfAnotherClientOpensNothing(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l, _, k := ringLab(t)
	l.CodexSealed(k, 18, s, authtest.GrantOptions{}, "linear")
	one := l.Claude("slack", s, authtest.GrantOptions{})
	opened := func(id string) time.Duration {
		cmd := l.Command("token", id)
		if got := l.Ends(cmd); got.Code != 0 {
			t.Fatalf("exit code %d: %s", got.Code, got.Output)
		}
		// Of the process itself and of its children, which it waited for.
		return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	if whole, tail := opened(one.ID), opened("linear"); whole > tail/2 {
		t.Errorf("it took %v of CPU time, and an opening %v", whole, tail)
	}
}

// A keyring that is locked is a state: the store is read once it is not.
func TestAKeeperOpensAnEncryptedStoreOnceTheKeyringIsUnlocked(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l, _, k := ringLab(t)
	one := l.CodexSealed(k, 12, s, due, "linear")[0]
	k.Lock()
	keeper := l.Keep()
	if !lab.Until(desktop.Patience, func() bool { return strings.Contains(l.Said(keeper), "keyring is locked") }) {
		t.Fatalf("it says %q", l.Said(keeper))
	}
	k.Unlock()
	if !lab.Until(desktop.Patience, func() bool { return l.Landed(one) == "" && s.TokenPosts(one.Grant.ID) == 1 }) {
		t.Errorf("%s, after %d POSTs; it says %q", l.Landed(one), s.TokenPosts(one.Grant.ID), l.Said(keeper))
	}
	if code := l.Stop(keeper); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if wrong := l.Well(); wrong != "" {
		t.Error(wrong)
	}
}

// Whatever a kill interrupts, the journal and the store have it between them,
// and no process is left that waits for something to encrypt.
func TestAKilledRefreshOfAnEncryptedStoreLosesNothing(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l, _, k := ringLab(t)
	one := l.CodexSealed(k, 12, s, due, "linear", "sentry")[0]
	began := time.Now()
	if got := l.Run("refresh", one.ID); got.Code != 0 {
		t.Fatalf("exit code %d: %s", got.Code, got.Output)
	}
	whole := time.Since(began)
	const kills = 10
	for i := range kills {
		cmd := l.Command("refresh", one.ID)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(whole * time.Duration(i+1) / kills)
		cmd.Process.Kill()
		cmd.Wait()
	}
	if got := l.Run("refresh", one.ID); got.Code != 0 {
		t.Errorf("exit code %d: %s", got.Code, got.Output)
	}
	if wrong := l.Well(); wrong != "" {
		t.Error(wrong)
	}
	if !lab.Until(desktop.Patience, func() bool { return len(sealers(t)) == 0 }) {
		t.Errorf("processes %v are left", sealers(t))
	}
}

// sealers are the processes of this lab's program that open or seal.
func sealers(t *testing.T) (pids []string) {
	t.Helper()
	names, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, _ := os.ReadFile(name)
		if string(text) == lab.Program(t)+"\x00"+agefile.Argument+"\x00" {
			pids = append(pids, filepath.Base(filepath.Dir(name)))
		}
	}
	return pids
}

// children is the CPU time of a process's children that have ended, in ticks
// (proc(5): cutime and cstime).
func children(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err := strconv.Atoi(fields[13])
	if err != nil {
		t.Fatal(err)
	}
	system, err := strconv.Atoi(fields[14])
	if err != nil {
		t.Fatal(err)
	}
	return user + system
}

// What the keeper, or a command before, opened is not opened by the next, as long
// as the file is the same: not even the passphrase is asked for.
func TestACommandDoesNotOpenWhatWasOpenedBefore(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l, _, k := ringLab(t)
	lines := l.CodexSealed(k, 12, s, due, "linear")
	if got := l.Run("refresh"); got.Code != 0 {
		t.Fatalf("exit code %d: %s", got.Code, got.Output)
	}
	k.Delete("service", "codex")
	for _, command := range [][]string{{"status"}, {"token", "linear"}} {
		if got := l.Run(command...); got.Code != 0 || strings.Contains(got.Output, "encrypted") {
			t.Errorf("%s: exit code %d: %s", command, got.Code, got.Output)
		}
	}
	if st, ok := l.Status(lines[0].ID); !ok || st.State != "fresh" {
		t.Errorf("it is %q: %s", st.State, st.Reason)
	}
	k.Lock()
	if st, _ := l.Status(lines[0].ID); st.State == "fresh" {
		t.Error("it is read while the keyring is locked")
	}
}
