package credfiles

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles/keyring"
	"lamplighter/lab/security"
)

// askLab is a Mac on which Codex keeps linear in the keychain.
func askLab(t *testing.T, mood security.Mood) (*macLab, Credential) {
	t.Helper()
	l := newShutLab(t, "", "linear")
	l.chain.Set(codexMacItem("rt_1_EXAMPLE", written, mood))
	return l, l.one("linear")
}

// codexMacItem is an item as Codex writes it, by which time.
func codexMacItem(refresh string, at time.Time, mood security.Mood) security.Item {
	i := shutItem("linear", mood)
	i.Modified = at
	i.Secret = []byte(`{"server_name":"linear","url":"` + shutURL + `","issuer":"https://auth.example","client_id":"cli_EXAMPLE","token_response":{"access_token":"at_1_EXAMPLE","token_type":"bearer","expires_in":3600,"refresh_token":"` +
		refresh + `","scope":"read"},"expires_at":1795209659178}`)
	return i
}

// answer lets a person say something to the prompt that is shown.
func (l *macLab) answer(mood security.Mood) {
	for len(l.chain.Prompts()) == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	items := l.chain.Items()
	items[0].Mood = mood
	l.chain.Set(items...)
}

// Whatever looks at a store in the background looks as long as it likes.
func (l *macLab) background() {
	stores := l.stores()
	l.host.Keychain.forget()
	l.host.Stamps(context.Background(), stores...)
	for _, s := range Stores(l.host, nil, stores...) {
		s.Scan(context.Background())
	}
}

func TestWhatAPersonLetUsReadIsShownUntilItsClientWritesAgain(t *testing.T) {
	l, c := askLab(t, security.Asking)
	done := make(chan error, 1)
	go func() { done <- l.host.Ask(context.Background(), c) }()
	l.answer(security.Willing)
	l.must(<-done)
	l.chain.Set(codexMacItem("rt_1_EXAMPLE", written, security.Asking)) // it was for once
	c = l.one("linear")
	if c.WatchOnly != KeychainSeen || c.Refresh.Reveal() != "rt_1_EXAMPLE" || c.Expiry.UnixMilli() != 1795209659178 || c.ClientID != "cli_EXAMPLE" || !c.Protected {
		t.Errorf("%+v", c)
	}
	l.background()
	l.must(l.host.Ask(context.Background(), Credential{Key: c.Key, WatchOnly: KeychainOwn})) // a second click
	if prompts := l.chain.Prompts(); len(prompts) != 1 {
		t.Errorf("prompts: %q", prompts)
	}
	l.chain.Set(codexMacItem("rt_2_EXAMPLE", written.Add(time.Hour), security.Asking))
	l.background()
	if c = l.one("linear"); c.WatchOnly != KeychainOwn || !c.Refresh.IsZero() || !c.Expiry.IsZero() {
		t.Errorf("after Codex wrote it: %+v", c)
	}
	if prompts := l.chain.Prompts(); len(prompts) != 1 {
		t.Errorf("prompts: %q", prompts)
	}
}

// Another program's write would make macOS ask its client for a password.
func TestWhatAPersonLetUsReadIsNeverWritten(t *testing.T) {
	l, c := askLab(t, security.Willing)
	l.must(l.host.Ask(context.Background(), c))
	c = l.one("linear")
	var held bool
	for _, s := range l.stores() {
		if s.May(c.Key) {
			held = true
			if _, err := s.Hold(context.Background(), c); err == nil {
				t.Error("it can be held")
			}
			if err := s.ring.Write(context.Background(), codexRingName, c.Key.Entry, nil); !errors.Is(err, keyring.ErrDenied) {
				t.Errorf("it can be written: %v", err)
			}
		}
	}
	if !held {
		t.Error("no store has it")
	}
	calls, _ := l.chain.Calls()
	if slices.ContainsFunc(calls, func(call string) bool {
		return strings.HasPrefix(call, "add") || strings.HasPrefix(call, "set") || call == "-i"
	}) {
		t.Errorf("it ran %q", calls)
	}
}

// Anything else ends a call to the keychain after some seconds.
func TestAPersonHasTimeToType(t *testing.T) {
	l, c := askLab(t, security.Asking)
	l.host.Keychain.Patience = 2 * time.Second
	done := make(chan error, 1)
	go func() { done <- l.host.Ask(context.Background(), c) }()
	time.Sleep(3 * time.Second)
	l.answer(security.Willing)
	l.must(<-done)
}

func TestAPersonMaySayNo(t *testing.T) {
	for mood, want := range map[security.Mood]ProblemKind{security.Cancelled: NotAllowed, security.Wrong: NotAllowed, security.Locked: Locked} {
		l, c := askLab(t, security.Asking)
		done := make(chan error, 1)
		go func() { done <- l.host.Ask(context.Background(), c) }()
		l.answer(mood)
		var p *Problem
		if err := <-done; !errors.As(err, &p) || p.Kind != want || p.Entry != "linear" {
			t.Errorf("%s: %v", mood, err)
		}
		if c := l.one("linear"); c.WatchOnly != KeychainOwn {
			t.Errorf("%s: %s", mood, c.WatchOnly)
		}
	}
}

func TestAPromptThatAPersonLeavesGoesWithTheWish(t *testing.T) {
	l, c := askLab(t, security.Asking)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.host.Ask(ctx, c) }()
	for len(l.chain.Prompts()) == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	l.background()
	if prompts := l.chain.Prompts(); len(prompts) != 1 {
		t.Errorf("prompts: %q", prompts)
	}
}

func TestNobodyIsAskedForWhatIsNotThere(t *testing.T) {
	l, c := askLab(t, security.Asking)
	l.chain.Set()
	if err := l.host.Ask(context.Background(), c); !errors.Is(err, ErrGone) {
		t.Errorf("an item that is gone: %v", err)
	}
	for _, reason := range []Reason{"", VendorLogin, KeychainSeen} {
		c.WatchOnly = reason
		if err := l.host.Ask(context.Background(), c); err == nil {
			t.Errorf("%q: it was read", reason)
		}
	}
	if prompts := l.chain.Prompts(); len(prompts) > 0 {
		t.Errorf("prompts: %q", prompts)
	}
}
