package tray

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"sync"
	"testing"
	"time"

	"lamplighter/app/model"
	"lamplighter/lab"
	"lamplighter/lab/desktop"
)

// A scene is a tray that runs on a bus of its own.
type scene struct {
	*testing.T
	bus     *desktop.Bus
	changed chan struct{}
	rest    time.Duration
	quit    context.CancelFunc
	ended   chan error

	mu     sync.Mutex
	face   Face
	did    []model.Action
	tokens []string
	shown  []bool
	do     func(model.Action)
}

func newScene(t *testing.T, bus *desktop.Bus, face Face) *scene {
	t.Helper()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", bus.Address())
	return &scene{T: t, bus: bus, face: face, changed: make(chan struct{}, 1), rest: rest}
}

func (s *scene) run() {
	ctx, cancel := context.WithCancel(context.Background())
	s.quit, s.ended = cancel, make(chan error, 1)
	go func() {
		s.ended <- run(ctx, Tray{
			ID: "lamplighter",
			Face: func() Face {
				s.mu.Lock()
				defer s.mu.Unlock()
				return s.face
			},
			Changed: s.changed,
			Do: func(a model.Action, token string) {
				s.mu.Lock()
				s.did, s.tokens = append(s.did, a), append(s.tokens, token)
				do := s.do
				s.mu.Unlock()
				if do != nil {
					do(a)
				}
			},
			Shown: func(is bool) {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.shown = append(s.shown, is)
			},
			Click: model.Action{Do: model.Open},
		}, s.rest)
	}()
	s.Cleanup(cancel)
}

// begin is a scene with a panel that shows the icon.
func begin(t *testing.T, face Face) (*scene, *desktop.Item) {
	t.Helper()
	bus := desktop.NewBus(t)
	s := newScene(t, bus, face)
	panel := bus.Panel()
	s.run()
	return s, panel.Item()
}

// set changes what is to be seen; put also says so.
func (s *scene) set(face Face) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.face = face
}

func (s *scene) put(face Face) {
	s.set(face)
	s.changed <- struct{}{}
}

// doing is what comes of a click, beside its being remembered.
func (s *scene) doing(do func(model.Action)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.do = do
}

func (s *scene) until(what string, is func() bool) {
	s.Helper()
	if !lab.Until(desktop.Patience, is) {
		s.Fatal("never came: ", what)
	}
}

// told is until for what the tray told.
func (s *scene) told(what string, is func() bool) {
	s.Helper()
	s.until(what, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return is()
	})
}

// acts waits for what was clicked, and forgets it.
func (s *scene) acts(want ...model.Action) {
	s.Helper()
	s.told("all clicks", func() bool { return len(s.did) >= len(want) })
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.did) != len(want) {
		s.Fatalf("%v was done, want %v", s.did, want)
	}
	for i := range want {
		if s.did[i] != want[i] {
			s.Fatalf("%v was done, want %v", s.did, want)
		}
	}
	s.did = nil
}

// end ends it and returns what Run returned.
func (s *scene) end() error {
	s.Helper()
	s.quit()
	return s.result()
}

func (s *scene) result() error {
	s.Helper()
	select {
	case err := <-s.ended:
		return err
	case <-time.After(desktop.Patience):
		s.Fatal("Run does not return")
		return nil
	}
}

func dot(t *testing.T, size int, c color.Color) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	img.Set(0, 0, c)
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func act(do, key string) model.Action { return model.Action{Do: do, Key: key} }

// row is the submenu of a credential.
func row(name, left string) Item {
	return Item{Text: name + " — " + left, Items: []Item{
		{Text: "Refresh now", Do: act(model.Refresh, name)},
		{Text: "Pause", Do: act(model.Pause, name), Checkable: true},
	}}
}

func rows(summary string, rows ...Item) Face {
	items := append([]Item{{Text: summary}, {Separator: true}, {Text: "Claude Code"}}, rows...)
	return Face{Title: "Lamplighter", Menu: append(items, Item{Separator: true},
		Item{Text: "Start at login", Do: model.Action{Do: model.AtLogin, Value: "off"}, Checkable: true, Checked: true},
		Item{Text: "Sign in to _all_", Do: act(model.Login, "all"), Off: true},
		Item{Text: "Quit", Do: act(model.Quit, "")})}
}
