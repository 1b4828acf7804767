package lab_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/lab/desktop"
	"lamplighter/refresher/authtest"
)

// ringLab is a computer on which Codex keeps its tokens in the keyring.
func ringLab(t *testing.T) (*lab.Lab, *desktop.Bus, *desktop.Keyring) {
	t.Helper()
	l, b := lab.New(t), desktop.NewBus(t)
	k := b.NewKeyring()
	l.Session(b.Address())
	if err := os.MkdirAll(l.Path(".codex"), 0o755); err != nil {
		t.Fatal(err)
	}
	return l, b, k
}

// The program refreshes what is in the keyring as it does what is in a file.
func TestTheProgramRefreshesAnItemInTheKeyring(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l, _, k := ringLab(t)
	one, two := l.CodexItem(k, "linear", s, due), l.CodexItem(k, "sentry", s, authtest.GrantOptions{})
	three := l.Codex("notes", s, due)
	before := k.Dress(map[string]string{"service": "Codex MCP Credentials"})
	if got := l.Run("refresh"); got.Code != 0 {
		t.Fatalf("exit code %d: %s", got.Code, got.Output)
	}
	if wrong := l.Well(); wrong != "" {
		t.Fatal(wrong)
	}
	for line, want := range map[*lab.Line]int{one: 1, two: 0, three: 1} {
		if n := s.TokenPosts(line.Grant.ID); n != want {
			t.Errorf("%s: %d POSTs", line.ID, n)
		}
		if st, ok := l.Status(line.ID); !ok || st.State != "fresh" {
			t.Errorf("%s is %q: %s", line.ID, st.State, st.Reason)
		}
	}
	if now := k.Dress(map[string]string{"service": "Codex MCP Credentials"}); len(now) != 2 || len(before) != 2 {
		t.Errorf("%d items, there were %d", len(now), len(before))
	}
	if got := l.Run("token", one.ID); strings.TrimSpace(got.Output) != s.Current(one.Grant.ID).AccessToken && got.Code != 0 {
		t.Errorf("token: exit code %d", got.Code)
	}
}

// A locked keyring sends nothing and loses nothing, and a keeper goes on by
// itself once it is unlocked.
func TestAKeeperWaitsForALockedKeyring(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l, b, k := ringLab(t)
	one := l.CodexItem(k, "linear", s, due)
	k.Lock()
	calls := b.Calls("org.freedesktop.Secret.Service", "org.freedesktop.Secret.Prompt")
	if got := l.Run("refresh"); got.Code != 1 || !strings.Contains(got.Output, "keyring is locked") {
		t.Errorf("exit code %d: %s", got.Code, got.Output)
	}
	keeper := l.Keep()
	if !lab.Until(desktop.Patience, func() bool { return strings.Contains(l.Said(keeper), "keyring is locked") }) {
		t.Errorf("it says %q", l.Said(keeper))
	}
	if n := s.TokenPosts(one.Grant.ID); n != 0 {
		t.Errorf("%d POSTs", n)
	}
	k.Unlock()
	if !lab.Until(desktop.Patience, func() bool { return strings.Contains(l.Said(keeper), one.ID+": refreshed") }) || l.Landed(one) != "" || s.TokenPosts(one.Grant.ID) != 1 {
		t.Errorf("%s, after %d POSTs; it says %q", l.Landed(one), s.TokenPosts(one.Grant.ID), l.Said(keeper))
	}
	k.Kill()
	if !lab.Until(desktop.Patience, func() bool { return strings.Contains(l.Said(keeper), "No keyring can be reached") }) {
		t.Errorf("it says %q", l.Said(keeper))
	}
	k.Start()
	k.Unlock()
	two := l.CodexItem(k, "sentry", s, due)
	if !lab.Until(desktop.Patience, func() bool { return strings.Contains(l.Said(keeper), two.ID+": refreshed") }) || l.Landed(two) != "" || s.TokenPosts(two.Grant.ID) != 1 {
		t.Errorf("%s, after %d POSTs; it says %q", l.Landed(two), s.TokenPosts(two.Grant.ID), l.Said(keeper))
	}
	for _, name := range calls() {
		if name == "Prompt" || name == "Unlock" {
			t.Errorf("%s was called", name)
		}
	}
	if code := l.Stop(keeper); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if wrong := l.Well(); wrong != "" {
		t.Error(wrong)
	}
}

// An answer that the keyring does not take any more waits in the journal.
func TestAnAnswerWaitsForAKeyringThatWasLockedMeanwhile(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l, _, k := ringLab(t)
	one := l.CodexItem(k, "linear", s, due)
	s.BehaveGrant(one.Grant.ID, authtest.Behaviour{DelayAfter: 500 * time.Millisecond})
	cmd := l.Command("refresh")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if !lab.Until(desktop.Patience, func() bool { return len(l.Pending()) == 1 }) {
		t.Fatal("nothing is sent")
	}
	k.Lock()
	cmd.Wait()
	if n := len(l.Pending()); n != 1 {
		t.Fatalf("%d records in the journal", n)
	}
	if leak := l.Leaks(); leak != "" {
		t.Error(leak)
	}
	if got := l.Run("refresh", "--all"); got.Code != 1 || s.TokenPosts(one.Grant.ID) != 1 {
		t.Errorf("still locked: exit code %d after %d POSTs: %s", got.Code, s.TokenPosts(one.Grant.ID), got.Output)
	}
	k.Unlock()
	if st, _ := l.Status(one.ID); st.State != "unsaved" {
		t.Errorf("it is %q: %s", st.State, st.Reason)
	}
	if got := l.Run("refresh", one.ID); got.Code != 0 {
		t.Errorf("exit code %d: %s", got.Code, got.Output)
	}
	if n := s.TokenPosts(one.Grant.ID); n != 1 {
		t.Errorf("%d POSTs", n)
	}
	if wrong := l.Well(); wrong != "" {
		t.Error(wrong)
	}
}

// killed leaves a refresh whose answer is in the journal and not in the
// keyring, which hung meanwhile.
func killed(t *testing.T, s *authtest.Server, l *lab.Lab, k *desktop.Keyring) *lab.Line {
	t.Helper()
	one := l.CodexItem(k, "linear", s, due)
	s.BehaveGrant(one.Grant.ID, authtest.Behaviour{DelayAfter: 500 * time.Millisecond})
	cmd := l.Command("refresh")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := func() (n int) {
		names, _ := filepath.Glob(filepath.Join(l.State, "journal", "*"))
		for _, name := range names {
			text, _ := os.ReadFile(name)
			n += bytes.Count(text, []byte("\n"))
		}
		return n
	}
	if !lab.Until(desktop.Patience, func() bool { return lines() == 1 }) {
		t.Fatal("nothing is sent")
	}
	k.Stop()
	if !lab.Until(desktop.Patience, func() bool { return lines() == 2 }) {
		t.Fatal("no answer in the journal")
	}
	cmd.Process.Kill()
	cmd.Wait()
	k.Go()
	return one
}

// The answer is on the disk, and not plainly, before anything else happens to
// it: a crash while the keyring hangs loses nothing.
func TestASealedAnswerSurvivesAKill(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l, _, k := ringLab(t)
	one := killed(t, s, l, k)
	if leak := l.Leaks(); leak != "" {
		t.Error(leak)
	}
	if got := l.Run("refresh"); got.Code != 0 {
		t.Errorf("exit code %d: %s", got.Code, got.Output)
	}
	if n := s.TokenPosts(one.Grant.ID); n != 1 {
		t.Errorf("%d POSTs", n)
	}
	if wrong := l.Well(); wrong != "" {
		t.Error(wrong)
	}
	if st, ok := l.Status(one.ID); !ok || st.State != "fresh" {
		t.Errorf("it is %q: %s", st.State, st.Reason)
	}
}

// An answer that nobody can open any more may have rotated the token: it is not
// sent again, until a sign-in has put another in its place.
func TestWithoutItsKeyASealedAnswerLeavesTheTokenUnsent(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l, _, k := ringLab(t)
	one := killed(t, s, l, k)
	k.Delete("service", "Lamplighter")
	for range 2 {
		if got := l.Run("refresh", one.ID); got.Code != 1 || !strings.Contains(got.Output, "its key is not in the keyring any more") {
			t.Errorf("exit code %d: %s", got.Code, got.Output)
		}
	}
	if n := s.TokenPosts(one.Grant.ID); n != 1 {
		t.Errorf("%d POSTs", n)
	}
	two := l.CodexItem(k, "linear", s, due)
	if got := l.Run("refresh", two.ID); got.Code != 0 {
		t.Errorf("signed in again: exit code %d: %s", got.Code, got.Output)
	}
	if n := s.TokenPosts(two.Grant.ID); n != 1 || s.TokenPosts(one.Grant.ID) != 1 || l.Landed(two) != "" {
		t.Errorf("%d POSTs of the new one, %d of the old; %s", n, s.TokenPosts(one.Grant.ID), l.Landed(two))
	}
	if wrong := l.Quiet() + l.Leaks(); wrong != "" {
		t.Error(wrong)
	}
}

// Where the keyring keeps nothing of ours past the session, files hold it, and
// that is said.
func TestAStateFolderThatIsPlainerThanTheKeyringIsSaid(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l, _, k := ringLab(t)
	k.Kill()
	k.Erase()
	k.Start()
	k.Collection = "session"
	one := l.CodexItem(k, "linear", s, due)
	if got := l.Run("refresh"); got.Code != 0 {
		t.Fatalf("exit code %d: %s", got.Code, got.Output)
	}
	if l.Landed(one) != "" {
		t.Error(l.Landed(one))
	}
	if got := l.Run("status"); !strings.Contains(got.Output, "The keyring keeps nothing for us") {
		t.Errorf("status says %s", got.Output)
	}
	if l.Leaks() == "" {
		t.Error("a token in a plain file is not seen")
	}
}

// What the user said of a credential holds where its client moves it.
func TestAModeFollowsIntoTheKeyring(t *testing.T) {
	s := authtest.New(t, authtest.Options{})
	l, _, k := ringLab(t)
	one := l.Codex("linear", s, due)
	if got := l.Run("mode", one.ID, "watch-only"); got.Code != 0 {
		t.Fatal(got.Output)
	}
	if err := os.Remove(one.Store); err != nil {
		t.Fatal(err)
	}
	two := l.CodexItem(k, "linear", s, due)
	l.Run("refresh")
	if st, _ := l.Status(two.ID); s.TokenPosts(two.Grant.ID) != 0 || st.State != "watch-only" {
		t.Errorf("%d POSTs, it is %q: %s", s.TokenPosts(two.Grant.ID), st.State, st.Reason)
	}
	if got := l.Run("mode", two.ID, "keep"); got.Code != 0 {
		t.Fatal(got.Output)
	}
	if got := l.Run("refresh"); got.Code != 0 || s.TokenPosts(two.Grant.ID) != 1 || l.Landed(two) != "" {
		t.Errorf("exit code %d after %d POSTs: %s", got.Code, s.TokenPosts(two.Grant.ID), got.Output)
	}
}
