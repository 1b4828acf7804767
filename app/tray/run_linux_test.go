package tray

import (
	"context"
	"errors"
	"image/color"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"lamplighter/app/model"
	"lamplighter/lab"
	"lamplighter/lab/desktop"
)

func TestThePanelShowsTheFaceAsItIs(t *testing.T) {
	face := rows("All 2 tokens are fresh", row("linear", "58 min"), row("slack", "2 h"))
	face.Tooltip, face.Attention = "All 2 tokens are fresh", true
	half := color.NRGBA{200, 100, 50, 128}
	face.Icon = Icon{Name: "fresh", Images: [][]byte{dot(t, 16, half), dot(t, 22, half)}}
	s, item := begin(t, face)

	want := `(All 2 tokens are fresh)
---
(Claude Code)
linear — 58 min
  Refresh now
  [ ] Pause
slack — 2 h
  Refresh now
  [ ] Pause
---
[x] Start at login
(Sign in to _all_)
Quit
`
	if got := item.Read().String(); got != want {
		t.Errorf("the menu is\n%swant\n%s", got, want)
	}
	if got := item.Tooltip(); got != face.Tooltip {
		t.Errorf("the tooltip is %q", got)
	}
	for name, want := range map[string]any{"Title": "Lamplighter", "Id": "lamplighter", "Status": "NeedsAttention", "ItemIsMenu": true} {
		if got := item.Property(name).Value(); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	pictures := item.Pictures()
	if len(pictures) != 2 || pictures[0].Width != 16 || pictures[1].Height != 22 {
		t.Fatalf("%d pictures, want one for each size", len(pictures))
	}
	// The colours of what is half transparent are not darkened.
	if got := pictures[1].Pixels[:4]; !slices.Equal(got, []byte{128, 200, 100, 50}) {
		t.Errorf("the first pixel is %v", got)
	}
	if len(pictures[1].Pixels) != 4*22*22 {
		t.Errorf("%d bytes of picture", len(pictures[1].Pixels))
	}
	if err := s.end(); err != nil {
		t.Error(err)
	}
}

func TestAClickDoesWhatItsLineSays(t *testing.T) {
	s, item := begin(t, rows("fresh", row("linear", "58 min"), row("slack", "2 h")))
	item.Click("slack...", "Refresh now")
	s.acts(act(model.Refresh, "slack"))
	item.Click("Start at login")
	s.acts(model.Action{Do: model.AtLogin, Value: "off"})

	menu := item.Read()
	for _, labels := range [][]string{{"fresh"}, {"Claude Code"}, {"linear..."}, {"Sign in..."}} {
		line, ok := menu.Find(labels...)
		if !ok {
			t.Fatal("no line ", labels)
		}
		if err := line.Click(); err != nil {
			t.Error(err)
		}
	}
	item.Click("Quit")
	s.acts(act(model.Quit, ""))
}

func TestAClickOnTheIconOpensTheWindowWithTheLeaveToTakeTheFocus(t *testing.T) {
	s, item := begin(t, rows("fresh"))
	item.Activate("leave-1")
	item.Activate("")
	s.acts(act(model.Open, ""), act(model.Open, ""))
	if want := []string{"leave-1", ""}; !slices.Equal(s.tokens, want) {
		t.Errorf("the tokens were %q, want %q: a token is good for once", s.tokens, want)
	}
}

// Whatever is drawn between reading the menu and clicking it: the click does
// what was read, or nothing.
func TestAClickFromBeforeARedrawIsForWhatItWasReadOn(t *testing.T) {
	read := rows("fresh", row("linear", "58 min"), row("notion", "1 h"), row("slack", "2 h"))
	for _, c := range []struct {
		name  string
		after Face
		gone  bool
	}{
		{"nothing changed", read, false},
		{"texts changed", rows("All well", row("linear", "57 min"), row("notion", "59 min"), row("slack", "1 h")), false},
		{"a row came above", rows("fresh", row("asana", "5 min"), row("linear", "58 min"), row("notion", "1 h"), row("slack", "2 h")), false},
		{"the row above went", rows("fresh", row("notion", "1 h"), row("slack", "2 h")), false},
		{"the order is another", rows("fresh", row("slack", "2 h"), row("notion", "1 h"), row("linear", "58 min")), false},
		{"its row went", rows("fresh", row("linear", "58 min"), row("slack", "2 h")), true},
		{"everything went", rows("fresh"), true},
		{"everything is another", rows("fresh", row("a", "1 h"), row("b", "1 h"), row("c", "1 h"), row("d", "1 h")), true},
		{"it is greyed", func() Face {
			r := row("notion", "1 h")
			r.Items[0].Off = true
			return rows("fresh", r)
		}(), true},
		{"it does another thing", func() Face {
			r := row("notion", "1 h")
			r.Items[0].Do.Do = model.Login
			return rows("fresh", r)
		}(), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, item := begin(t, read)
			line, ok := item.Read().Find("notion...", "Refresh now")
			if !ok {
				t.Fatal("no such line")
			}
			c.after.Tooltip = "redrawn"
			s.put(c.after)
			s.until("the redraw", func() bool { return item.Tooltip() == "redrawn" })
			if got, want := len(item.Read().Lines), len(c.after.Menu); got != want {
				t.Fatalf("%d lines, want %d", got, want)
			}
			line.Click()
			item.Click("Quit")
			if c.gone {
				s.acts(act(model.Quit, ""))
			} else {
				s.acts(act(model.Refresh, "notion"), act(model.Quit, ""))
			}
		})
	}
}

// Lines do not move under the mouse.
func TestTheLinesOfAnOpenMenuStayWhereTheyAre(t *testing.T) {
	s, item := begin(t, rows("fresh", row("linear", "58 min"), row("slack", "2 h")))
	redraw := func(face Face, tooltip string) string {
		t.Helper()
		face.Tooltip = tooltip
		s.put(face)
		s.until(tooltip, func() bool { return item.Tooltip() == tooltip })
		return item.Read().String()
	}
	more := rows("fresh", row("asana", "5 min"), row("linear", "57 min"), row("slack", "1 h"))

	open := item.Open()
	if got := redraw(more, "first"); got != open.String() {
		t.Errorf("the open menu was redrawn:\n%s", got)
	}
	if got := redraw(rows("other", row("linear", "1 min"), row("slack", "1 h")), "second"); !strings.Contains(got, "1 min") {
		t.Errorf("its texts do not change:\n%s", got)
	}
	redraw(more, "third")
	line, _ := open.Find("slack...", "Refresh now")
	line.Click()
	s.acts(act(model.Refresh, "slack"))
	s.until("the redraw after the click", func() bool {
		_, ok := item.Read().Find("asana...")
		return ok
	})
	// It opens as it is now, however often.
	item.Open()
	s.set(rows("fresh", row("notion", "5 min")))
	if _, ok := item.Open().Find("notion..."); !ok {
		t.Error("it opens as it was")
	}
}

func TestAMenuThatWasOpenedAndForgottenIsRedrawnInTheEnd(t *testing.T) {
	bus := desktop.NewBus(t)
	s := newScene(t, bus, rows("fresh"))
	s.rest = 100 * time.Millisecond
	s.run()
	item := bus.Panel().Item()
	item.Open()
	s.put(rows("fresh", row("linear", "58 min")))
	s.until("the row", func() bool {
		_, ok := item.Read().Find("linear...")
		return ok
	})
}

func TestALineThatCameBackIsNotTheOneThatWent(t *testing.T) {
	with, without := rows("fresh", row("linear", "58 min")), rows("fresh")
	s, item := begin(t, with)
	line, _ := item.Open().Find("linear...", "Refresh now")
	s.set(without)
	item.Open()
	s.set(with)
	again, _ := item.Open().Find("linear...", "Refresh now")
	if again.ID == line.ID {
		t.Error("an id is used twice")
	}
	if err := line.Click(); err == nil {
		t.Error("a click on a line that went is no error")
	}
	again.Click()
	s.acts(act(model.Refresh, "linear"))
}

// Every click is answered: it is done, as it was read, or refused.
func TestClicksInTheMiddleOfRedrawsAreDoneOrRefused(t *testing.T) {
	name := func(i int) string { return "server " + string(rune('a'+i%26)) }
	s, item := begin(t, rows("fresh", row(name(0), "1 h"), row(name(1), "1 h")))
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				s.set(rows("fresh", row(name(i), "1 h"), row(name(i+1), "1 h")))
				item.Open()
			}
		}
	}()
	var want []model.Action
	refused := 0
	for i := 0; i < 200 || i < 20000 && (refused == 0 || len(want) == 0); i++ {
		read := item.Read().Lines[3]
		if err := read.Lines[0].Click(); err != nil {
			refused++
			continue
		}
		want = append(want, act(model.Refresh, strings.TrimSuffix(read.Label, " — 1 h")))
	}
	close(stop)
	<-stopped
	s.acts(want...)
	if refused == 0 || len(want) == 0 {
		t.Errorf("%d clicks were done, %d refused: nothing was in the middle of anything", len(want), refused)
	}
}

func TestNoClickIsLostWhileTheFirstIsStillBeingDone(t *testing.T) {
	s, item := begin(t, rows("fresh", row("linear", "58 min"), row("slack", "2 h")))
	release := make(chan struct{})
	s.doing(func(model.Action) { <-release })
	menu := item.Open()
	first, _ := menu.Find("linear...", "Refresh now")
	second, _ := menu.Find("slack...", "Refresh now")
	var want []model.Action
	for range 50 {
		first.Click()
		second.Click()
		want = append(want, act(model.Refresh, "linear"), act(model.Refresh, "slack"))
	}
	// The menu is read and redrawn meanwhile.
	s.set(rows("another", row("slack", "1 h")))
	if _, ok := item.Open().Find("another"); !ok {
		t.Error("the menu waits for what was clicked")
	}
	close(release)
	s.acts(want...)
}

func TestTheMenuIsOfTheMomentInWhichItOpens(t *testing.T) {
	s, item := begin(t, rows("fresh", row("linear", "58 min")))
	s.set(rows("fresh", row("linear", "12 min")))
	if _, ok := item.Read().Find("linear — 58 min"); !ok {
		t.Error("it was redrawn without a reason")
	}
	if _, ok := item.Open().Find("linear — 12 min"); !ok {
		t.Error("it opens with an old text")
	}
}

func TestWhatIsTheSameIsNotSaidAgain(t *testing.T) {
	face := rows("fresh", row("linear", "58 min"), row("slack", "2 h"))
	face.Icon = Icon{Name: "fresh", Images: [][]byte{dot(t, 16, color.White)}}
	s, item := begin(t, face)
	item.Open()
	ear := s.bus.Listen(itemName, menuName, properties)
	// All that was said comes before the mark that follows it.
	mark := ""
	next := func(face Face, want ...string) {
		t.Helper()
		for range 3 {
			face.Tooltip = mark
			s.set(face)
			item.Open()
		}
		mark += "."
		face.Tooltip = mark
		s.put(face)
		var heard []string
		s.until("the mark", func() bool {
			heard = append(heard, ear.Heard()...)
			return slices.Contains(heard, "NewToolTip")
		})
		if want = append(want, "NewToolTip"); !slices.Equal(heard, want) {
			t.Errorf("heard %v, want %v", heard, want)
		}
	}
	next(face)
	aged := rows("fresh", row("linear", "57 min"), row("slack", "1 h"))
	aged.Icon = face.Icon
	next(aged, "ItemsPropertiesUpdated")
	more := rows("fresh", row("linear", "57 min"), row("notion", "1 h"), row("slack", "1 h"))
	more.Icon = face.Icon
	next(more, "LayoutUpdated")
	more.Icon.Name, more.Attention, more.Title = "needs", true, "Other"
	next(more, "NewIcon", "NewAttentionIcon", "NewStatus", "NewTitle")
	next(more)
}

func TestThreeHundredRedrawsLeaveNothing(t *testing.T) {
	s, item := begin(t, rows("fresh"))
	var forty []Item
	for i := range 40 {
		forty = append(forty, row("server "+string(rune('A'+i)), "58 min"))
	}
	item.Open()
	goroutines := runtime.NumGoroutine()
	for i := range 300 {
		s.set(rows("fresh", forty[i%20:i%20+20]...))
		item.Open()
	}
	s.set(rows("fresh"))
	if got := len(item.Open().Lines); got != 7 {
		t.Errorf("%d lines are left, want 7", got)
	}
	if !lab.Until(desktop.Patience, func() bool { return runtime.NumGoroutine() <= goroutines }) {
		t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), goroutines)
	}
}

func TestItStartsBeforeThePanelAndOutlivesIt(t *testing.T) {
	bus := desktop.NewBus(t)
	s := newScene(t, bus, rows("fresh", row("linear", "58 min")))
	s.run()
	told := func(want ...bool) {
		t.Helper()
		s.told("the news of the icon", func() bool { return len(s.shown) >= len(want) })
		s.mu.Lock()
		defer s.mu.Unlock()
		if !slices.Equal(s.shown, want) {
			t.Fatalf("told %v, want %v", s.shown, want)
		}
	}
	told(false)
	for i := range 3 {
		panel := bus.Panel()
		want := []bool{false}
		for range i {
			want = append(want, true, false)
		}
		told(append(want, true)...)
		panel.Item().Click("linear...", "Refresh now")
		s.acts(act(model.Refresh, "linear"))
		if n := panel.Items(); n != 1 {
			t.Errorf("registered %d times", n)
		}
		panel.Leave()
		told(append(want, true, false)...)
	}
	// One that knows of icons but shows none.
	panel := bus.Watcher()
	panel.Item()
	panel.Host(true)
	told(false, true, false, true, false, true, false, true)
	panel.Host(false)
	told(false, true, false, true, false, true, false, true, false)
	if n := panel.Items(); n != 1 {
		t.Errorf("registered %d times", n)
	}
}

func TestABusThatEndsEndsRunAndCanComeBack(t *testing.T) {
	bus := desktop.NewBus(t)
	s := newScene(t, bus, rows("fresh"))
	for range 3 {
		s.run()
		bus.Panel().Item().Click("Quit")
		s.acts(act(model.Quit, ""))
		bus.Stop()
		if err := s.result(); !errors.Is(err, ErrNoBus) {
			t.Fatalf("Run returned %v", err)
		}
		back := make(chan error, 1)
		go func() { back <- Await(context.Background()) }()
		select {
		case err := <-back:
			t.Fatalf("a bus was found that does not run: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
		bus.Start()
		if err := <-back; err != nil {
			t.Fatal(err)
		}
	}
}

func TestABusIsFoundWithoutAnAddress(t *testing.T) {
	bus := desktop.NoBus(t)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", bus.RuntimeDir())
	if err := Run(t.Context(), Tray{}); !errors.Is(err, ErrNoBus) {
		t.Errorf("Run returned %v", err)
	}
	back := make(chan error, 1)
	go func() { back <- Await(t.Context()) }()
	bus.Start()
	if err := <-back; err != nil {
		t.Fatal(err)
	}
	s := newScene(t, bus, rows("fresh"))
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	s.run()
	bus.Panel().Item().Click("Quit")
	s.acts(act(model.Quit, ""))
}

func TestNoBusIsEverStarted(t *testing.T) {
	dir := t.TempDir()
	mark := filepath.Join(dir, "started")
	if err := os.WriteFile(filepath.Join(dir, "dbus-launch"), []byte("#!/bin/sh\n>"+mark+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("XDG_RUNTIME_DIR", "")
	for _, address := range []string{"", "autolaunch:", "autolaunch:scope=*user", "unix:path=/nonexistent/bus", "nonsense", "unix:abstract=/nobody/here"} {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
		if err := Run(t.Context(), Tray{}); !errors.Is(err, ErrNoBus) {
			t.Errorf("with %q Run returned %v", address, err)
		}
		if err := Await(t.Context()); !errors.Is(err, ErrNoBus) {
			t.Errorf("with %q Await returned %v", address, err)
		}
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a bus was started")
	}
}

func TestItQuitsInTheMiddleOfAClick(t *testing.T) {
	s, item := begin(t, rows("fresh", row("linear", "58 min")))
	release := make(chan struct{})
	s.doing(func(model.Action) {
		s.quit()
		<-release
	})
	menu := item.Open()
	for _, labels := range [][]string{{"Quit"}, {"linear...", "Refresh now"}} {
		line, _ := menu.Find(labels...)
		line.Click() // it may have quit before it answers
	}
	if err := s.result(); err != nil {
		t.Error(err)
	}
	s.doing(func(model.Action) { t.Error("something is done after the end") })
	close(release)
}

func TestFortyCredentialsWithOddNames(t *testing.T) {
	long := strings.Repeat("long name ", 30)
	odd := []string{"under_score__", "am&per&sand", "<b>bold</b>", "new\nline\ttab", "\u202eevil", "\xff\xfe", "", "日本語" + strings.Repeat("日", 100), long}
	var all []Item
	for i := range 40 {
		name := odd[i%len(odd)]
		all = append(all, Item{Text: name, Items: []Item{{Text: "Refresh " + name, Do: act(model.Refresh, string(rune('a'+i)))}}})
	}
	s, item := begin(t, Face{Menu: all, Title: "\xff", Tooltip: long})
	menu := item.Open()
	if len(menu.Lines) != 40 {
		t.Fatalf("%d lines", len(menu.Lines))
	}
	for i, want := range []string{"under_score__", "am&per&sand", "<b>bold</b>", "new line tab", "\ufffdevil", "\ufffd\ufffd"} {
		if got := menu.Lines[i].Label; got != want && i > 0 {
			t.Errorf("%q is shown as %q", odd[i], got)
		}
	}
	for _, l := range menu.Lines {
		if n := len([]rune(l.Label)); n > widest {
			t.Errorf("%d characters", n)
		}
	}
	for i, l := range menu.Lines {
		if err := l.Lines[0].Click(); err != nil {
			t.Error(err)
		}
		s.acts(act(model.Refresh, string(rune('a'+i))))
	}
}
