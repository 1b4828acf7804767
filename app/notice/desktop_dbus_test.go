//go:build !windows && !darwin

package notice

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/godbus/dbus/v5"
)

func TestAButtonAndAClickAreAnswered(t *testing.T) {
	b := startBus(t, "")
	s := b.serve("actions", "body")
	n := b.notifier()
	until(t, n, Service{Works: true, Buttons: true})
	linear := slack
	linear.Tag = "codex/mcp/linear"
	show(t, n, slack)
	show(t, n, linear)
	first, second := get(t, s.shown, "Slack"), get(t, s.shown, "Linear")
	if want := []string{"button", "Sign in", "default", "Open"}; !slices.Equal(first.Actions, want) {
		t.Errorf("actions %q, not %q", first.Actions, want)
	}
	if first.App != "Lamplighter" || first.Title != slack.Title || first.Body != slack.Body || first.Expires != hour {
		t.Errorf("shown: %+v", first)
	}
	if first.Hints["desktop-entry"].Value() != "app.lamplighter" || first.Hints["urgency"].Value() != byte(1) {
		t.Errorf("hints: %v", first.Hints)
	}
	s.emit(t, "ActivationToken", second.ID, "tokenEXAMPLE")
	s.emit(t, "ActionInvoked", second.ID, "button")
	s.emit(t, "NotificationClosed", second.ID, uint32(2))
	s.emit(t, "ActionInvoked", first.ID, "default")
	if a := get(t, n.Answers(), "the button"); a != (Answer{Tag: linear.Tag, What: Button, Token: "tokenEXAMPLE"}) {
		t.Errorf("answer to the button: %+v", a)
	}
	if a := get(t, n.Answers(), "the click"); a != (Answer{Tag: slack.Tag, What: Open}) {
		t.Errorf("answer to the click: %+v", a)
	}
	// Some services would leave them on the screen.
	closed := []uint32{get(t, s.closed, "the end of one"), get(t, s.closed, "the end of the other")}
	if slices.Sort(closed); !slices.Equal(closed, []uint32{first.ID, second.ID}) {
		t.Errorf("closed %v, not %d and %d", closed, first.ID, second.ID)
	}
}

func TestADismissedNoticeIsNoAnswer(t *testing.T) {
	b := startBus(t, "")
	s := b.serve("actions")
	n := b.notifier()
	show(t, n, slack)
	id := get(t, s.shown, "the notice").ID
	s.emit(t, "NotificationClosed", id, uint32(2))
	s.emit(t, "ActionInvoked", id+1, "button") // another program's
	s.emit(t, "ActionInvoked", id, "default")  // out of the service's history
	if a := get(t, n.Answers(), "the click"); a != (Answer{Tag: slack.Tag, What: Open}) {
		t.Errorf("answer: %+v", a)
	}
}

func TestTheSameTagReplaces(t *testing.T) {
	b := startBus(t, "")
	s := b.serve("actions")
	n := b.notifier()
	show(t, n, slack)
	first := get(t, s.shown, "the first")
	again := slack
	again.Body = "Sign in again: the server forgot you."
	show(t, n, again)
	second := get(t, s.shown, "the second")
	if first.Replaces != 0 || second.Replaces != first.ID || second.Body != again.Body {
		t.Errorf("first %+v, then %+v", first, second)
	}
}

func TestWhatIsMendedGoes(t *testing.T) {
	b := startBus(t, "")
	s := b.serve("actions")
	n := b.notifier()
	show(t, n, slack)
	id := get(t, s.shown, "the notice").ID
	n.Withdraw(t.Context(), "another")
	n.Withdraw(t.Context(), slack.Tag)
	if got := get(t, s.closed, "the withdrawal"); got != id {
		t.Errorf("closed %d, not %d", got, id)
	}
	show(t, n, slack)
	if again := get(t, s.shown, "the next"); again.Replaces != 0 {
		t.Errorf("a notice after its withdrawal replaces %d", again.Replaces)
	}
}

func TestWhatIsMendedWhileItIsShownGoes(t *testing.T) {
	b := startBus(t, "")
	s := newService("actions")
	s.hang = make(chan struct{})
	if err := s.on(b.dial()); err != nil {
		t.Fatal(err)
	}
	n := b.notifier()
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() { result <- n.Show(ctx, slack) }()
	id := get(t, s.shown, "the notice").ID
	cancel()
	if err := get(t, result, "Show"); !errors.Is(err, context.Canceled) {
		t.Errorf("Show: %v", err)
	}
	n.Withdraw(t.Context(), slack.Tag)
	close(s.hang)
	if got := get(t, s.closed, "the withdrawal"); got != id {
		t.Errorf("closed %d, not %d", got, id)
	}
}

func TestButtonsThatWouldBeDeadGoWithUs(t *testing.T) {
	b := startBus(t, "")
	s := b.serve("actions")
	n := b.notifier()
	show(t, n, slack)
	id := get(t, s.shown, "the notice").ID
	n.Close()
	if got := get(t, s.closed, "the end"); got != id {
		t.Errorf("closed %d, not %d", got, id)
	}
	if _, open := <-n.Answers(); open {
		t.Error("an answer after Close")
	}
	if err := n.Show(t.Context(), slack); err == nil {
		t.Error("shown after Close")
	}
	n.Close()
}

func TestANoticeWaitsForAServiceThatComesLater(t *testing.T) {
	b := startBus(t, "")
	n := b.notifier()
	linear, mended := slack, slack
	linear.Tag, mended.Tag = "codex/mcp/linear", "mended"
	for _, note := range []Notice{slack, mended} {
		if err := n.Show(t.Context(), note); !errors.Is(err, ErrNoService) {
			t.Errorf("Show without a service: %v", err)
		}
	}
	if n.Service() != (Service{}) {
		t.Errorf("without a service: %+v", n.Service())
	}
	n.Withdraw(t.Context(), mended.Tag)
	s := b.serve("actions")
	if got := get(t, s.shown, "what waited"); got.Title != slack.Title {
		t.Errorf("shown: %+v", got)
	}
	until(t, n, Service{Works: true, Buttons: true})
	show(t, n, linear)
	get(t, s.shown, "the next")
	if len(s.shown) > 0 {
		t.Errorf("what was withdrawn was shown: %+v", <-s.shown)
	}
}

func TestAServiceThatRestartsShowsNothingTwice(t *testing.T) {
	b := startBus(t, "")
	s := b.serve("actions")
	n := b.notifier()
	show(t, n, slack)
	before := get(t, s.shown, "the notice")
	s.conn.Close()
	until(t, n, Service{})
	s = b.serve("body") // another one, even
	until(t, n, Service{Works: true})
	s.emit(t, "ActionInvoked", before.ID, "button") // another program's now
	linear := slack
	linear.Tag = "codex/mcp/linear"
	show(t, n, linear)
	if got := get(t, s.shown, "the second notice"); got.Replaces != 0 || len(s.shown) > 0 {
		t.Errorf("the new service showed %+v", got)
	}
	show(t, n, slack)
	again := get(t, s.shown, "the first, asked for anew")
	if again.Replaces != 0 {
		t.Errorf("it replaces %d, which the new service gave to somebody else", again.Replaces)
	}
	s.emit(t, "ActionInvoked", again.ID, "default")
	if a := get(t, n.Answers(), "the click"); a != (Answer{Tag: slack.Tag, What: Open}) {
		t.Errorf("answer: %+v", a)
	}
}

func TestAServiceWithoutButtonsShowsTheNotice(t *testing.T) {
	b := startBus(t, "")
	s := b.serve("body", "persistence")
	n := b.notifier()
	until(t, n, Service{Works: true})
	show(t, n, slack)
	got := get(t, s.shown, "the notice")
	if !slices.Equal(got.Actions, []string{"default", "Open"}) || got.Expires != -1 {
		t.Errorf("shown: %+v", got)
	}
}

func TestAHangingServiceBlocksNobody(t *testing.T) {
	t.Parallel()
	b := startBus(t, "")
	s := newService("actions")
	s.hang = make(chan struct{})
	if err := s.on(b.dial()); err != nil {
		t.Fatal(err)
	}
	n := b.notifier()
	until(t, n, Service{Works: true, Buttons: true})
	if err := n.Show(t.Context(), slack); !errors.Is(err, ErrSilent) {
		t.Fatalf("Show: %v", err)
	}
	until(t, n, Service{Buttons: true})
	get(t, s.shown, "the notice")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n.Show(ctx, slack) // must not add a second one
	close(s.hang)
	until(t, n, Service{Works: true, Buttons: true})
	show(t, n, slack)
	for range 2 {
		select {
		case got := <-s.shown:
			if got.Replaces == 0 {
				t.Errorf("a second notification: %+v", got)
			}
		default:
		}
	}
}

func TestAHangingBusBlocksNobody(t *testing.T) {
	t.Parallel()
	b := startBus(t, "")
	s := b.serve("actions")
	n := b.notifier()
	show(t, n, slack)
	get(t, s.shown, "the notice")
	stop := func(sig syscall.Signal) {
		if err := b.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	stop(syscall.SIGSTOP)
	late := b.notifier() // cannot even connect
	errs := make(chan error)
	for _, n := range []*Notifier{n, late} {
		go func() { errs <- n.Show(t.Context(), slack) }()
	}
	for range 2 {
		if err := get(t, errs, "Show"); !errors.Is(err, ErrSilent) {
			t.Errorf("Show: %v", err)
		}
	}
	stop(syscall.SIGCONT)
	if got := get(t, s.shown, "what waited"); got.Replaces == 0 {
		t.Errorf("a second notification: %+v", got)
	}
	until(t, n, Service{Works: true, Buttons: true})
}

func TestANoticeThatAServiceCannotBearIsGivenUp(t *testing.T) {
	b := startBus(t, "")
	n := b.notifier()
	if err := n.Show(t.Context(), slack); !errors.Is(err, ErrNoService) {
		t.Errorf("Show without a service: %v", err)
	}
	for range 3 {
		s := newService("actions")
		s.hang = make(chan struct{})
		if err := s.on(b.dial()); err != nil {
			t.Fatal(err)
		}
		get(t, s.shown, "the notice")
		until(t, n, Service{Works: true, Buttons: true})
		s.conn.Close()
		close(s.hang)
		until(t, n, Service{})
	}
	s := b.serve("actions")
	linear := slack
	linear.Tag, linear.Title = "codex/mcp/linear", "Linear needs you"
	show(t, n, linear)
	if got := get(t, s.shown, "another notice"); got.Title != linear.Title || len(s.shown) > 0 {
		t.Errorf("shown: %+v", got)
	}
}

func TestABusThatDiedIsFoundAgainWhenItIsNeeded(t *testing.T) {
	dir, err := os.MkdirTemp("", "bus")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	b := startBusIn(t, dir, "")
	s := b.serve("actions")
	n := b.notifier()
	show(t, n, slack)
	get(t, s.shown, "the notice")
	b.kill()
	until(t, n, Service{})
	linear := slack
	linear.Tag = "codex/mcp/linear"
	if err := n.Show(t.Context(), linear); !errors.Is(err, ErrNoService) {
		t.Errorf("Show without a bus: %v", err)
	}
	os.Remove(filepath.Join(dir, "bus"))
	b.cmd = startBusIn(t, dir, "").cmd
	s = b.serve("actions")
	third := slack
	third.Tag = "claude/mcp/notion"
	show(t, n, third)
	one, two := get(t, s.shown, "what waited"), get(t, s.shown, "the new one")
	if one.Replaces != 0 || two.Replaces != 0 || len(s.shown) > 0 {
		t.Errorf("shown %+v, %+v", one, two)
	}
	until(t, n, Service{Works: true, Buttons: true})
}

func TestForeignSignalsHarmNothing(t *testing.T) {
	b := startBus(t, "")
	s := b.serve("actions")
	n := b.notifier()
	show(t, n, slack)
	id := get(t, s.shown, "the notice").ID
	us := ""
	for _, name := range names(t, s.conn) {
		if strings.HasPrefix(name, ":") && name != s.conn.Names()[0] {
			us = name
		}
	}
	stranger := b.dial()
	send := func(conn *dbus.Conn, name string, args ...any) {
		t.Helper()
		i := strings.LastIndexByte(name, '.')
		msg := &dbus.Message{Type: dbus.TypeSignal, Body: args, Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldDestination: dbus.MakeVariant(us), dbus.FieldPath: dbus.MakeVariant(dbus.ObjectPath(serverPath)),
			dbus.FieldInterface: dbus.MakeVariant(name[:i]), dbus.FieldMember: dbus.MakeVariant(name[i+1:]),
		}}
		if len(args) > 0 {
			msg.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(args...))
		}
		if c := conn.Send(msg, nil); c.Err != nil {
			t.Fatal(c.Err)
		}
	}
	send(stranger, "org.example.Foreign.One", "argument")
	send(stranger, serverName+".ActionInvoked", id, "button") // not from the service
	send(stranger, busName+".NameOwnerChanged", serverName, s.conn.Names()[0], "")
	send(s.conn, serverName+".ActionInvoked")
	send(s.conn, serverName+".ActionInvoked", id)
	send(s.conn, serverName+".ActionInvoked", "button", id)
	send(s.conn, serverName+".ActionInvoked", uint32(0), "button")
	send(s.conn, serverName+".ActivationToken", id)
	// What came before this from the stranger must have come before the click.
	if err := stranger.BusObject().Call(busName+".GetId", 0).Err; err != nil {
		t.Fatal(err)
	}
	send(s.conn, serverName+".ActionInvoked", id, "default")
	if a := get(t, n.Answers(), "the click"); a != (Answer{Tag: slack.Tag, What: Open}) {
		t.Errorf("answer: %+v", a)
	}
	if !n.Service().Works {
		t.Error("it does not work any more")
	}
}

func names(t *testing.T, conn *dbus.Conn) []string {
	t.Helper()
	var all []string
	if err := conn.BusObject().Call(busName+".ListNames", 0).Store(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

// A service that the bus starts counts as there, and is not started to be asked.
func TestAServiceThatTheBusStartsCountsAsThere(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "shown")
	entry := "[D-BUS Service]\nName=" + serverName + "\nExec=" + os.Args[0] + "\n"
	if err := os.WriteFile(filepath.Join(dir, "n.service"), []byte(entry), 0o600); err != nil {
		t.Fatal(err)
	}
	b := startBus(t, "<servicedir>"+dir+"</servicedir>", serviceVariable+"="+out)
	n := b.notifier()
	until(t, n, Service{Works: true})
	if slices.Contains(names(t, b.dial()), serverName) {
		t.Error("it was started before there was anything to show")
	}
	show(t, n, slack)
	if n.Service() != (Service{Works: true, Buttons: true}) {
		t.Errorf("once it runs: %+v", n.Service())
	}
	if text, err := os.ReadFile(out); err != nil || string(text) != slack.Title {
		t.Errorf("shown: %q, %v", text, err)
	}
}

func TestAServiceThatCannotBeStartedDoesNotWork(t *testing.T) {
	dir := t.TempDir()
	entry := "[D-BUS Service]\nName=" + serverName + "\nExec=/bin/false\n"
	if err := os.WriteFile(filepath.Join(dir, "n.service"), []byte(entry), 0o600); err != nil {
		t.Fatal(err)
	}
	b := startBus(t, "<servicedir>"+dir+"</servicedir>")
	n := b.notifier()
	until(t, n, Service{Works: true})
	if err := n.Show(t.Context(), slack); !errors.Is(err, ErrNoService) {
		t.Errorf("Show: %v", err)
	}
	until(t, n, Service{})
}

const serviceVariable = "LAMPLIGHTER_TEST_SERVICE"

// TestMain is the service too that a bus of the tests starts.
func TestMain(m *testing.M) {
	file := os.Getenv(serviceVariable)
	if file == "" {
		os.Exit(m.Run())
	}
	conn, err := dbus.Connect(os.Getenv("DBUS_STARTER_ADDRESS"))
	if err != nil {
		os.Exit(1)
	}
	if newTold(file).on(conn) != nil {
		os.Exit(1)
	}
	<-conn.Context().Done()
	os.Exit(0)
}

// newTold is a service that writes titles to a file.
func newTold(file string) *service {
	s := newService("actions")
	s.hang = make(chan struct{})
	go func() {
		for n := range s.shown {
			os.WriteFile(file, []byte(n.Title), 0o600)
			s.hang <- struct{}{}
		}
	}()
	return s
}

func TestOddTextsComeOutAsText(t *testing.T) {
	b := startBus(t, "")
	for _, row := range oddTexts {
		s := b.serve("actions", "body-markup")
		n := b.notifier()
		show(t, n, Notice{Tag: row.in, Title: row.in, Body: row.in, Button: row.in})
		got := get(t, s.shown, row.in)
		button := ""
		if i := slices.Index(got.Actions, Button); i >= 0 {
			button = got.Actions[i+1]
		}
		if got.Title != row.line || button != row.line || got.Body != row.markup {
			t.Errorf("%q came out as title %q, button %q, markup %q", row.in, got.Title, button, got.Body)
		}
		s.conn.Close()
		until(t, n, Service{})
		s = b.serve("actions")
		until(t, n, Service{Works: true, Buttons: true})
		show(t, n, Notice{Tag: row.in, Title: row.in, Body: row.in})
		if got := get(t, s.shown, row.in); got.Body != row.plain {
			t.Errorf("%q came out as plain text %q", row.in, got.Body)
		}
		s.conn.Close()
		until(t, n, Service{})
	}
}

func TestTheIconIsShown(t *testing.T) {
	picture := image.NewNRGBA(image.Rect(0, 0, 3, 2))
	picture.Set(1, 0, color.NRGBA{R: 1, G: 2, B: 3, A: 128})
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		t.Fatal(err)
	}
	p := decode(file.Bytes())
	if p == nil || p.Width != 3 || p.Height != 2 || p.Stride != 12 || !bytes.Equal(p.Data[4:8], []byte{1, 2, 3, 128}) {
		t.Errorf("pixels: %+v", p)
	}
	if sig := dbus.SignatureOf(*p).String(); sig != "(iiibiiay)" {
		t.Errorf("signature %s", sig)
	}
	if decode([]byte("no picture")) != nil || decode(nil) != nil {
		t.Error("what is no PNG became a picture")
	}
}
