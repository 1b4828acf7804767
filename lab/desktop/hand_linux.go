package desktop

import "image"

// The panel's height.
const panelHeight = 32

// Strip is the place of the panel.
func (s *Screen) Strip() Frame { return Frame{Width: s.Width, Height: panelHeight} }

// drawn waits for the panel without any icon, and remembers how that looks.
func (s *Screen) drawn() {
	s.t.Helper()
	black := image.NewRGBA(image.Rect(0, 0, s.Width, panelHeight))
	for i := range black.Pix {
		if i%4 == 3 {
			black.Pix[i] = 255
		}
	}
	s.bus.until("a panel", func() bool {
		s.empty = s.Look(s.Strip())
		return changed(s.Strip(), black, s.empty) == s.Strip()
	})
}

// HasIcon reports whether anything is on the panel.
func (s *Screen) HasIcon() bool {
	s.t.Helper()
	return changed(s.Strip(), s.empty, s.Look(s.Strip())) != Frame{}
}

// Icon waits for an icon on the panel and returns where it is.
func (s *Screen) Icon() Frame {
	s.t.Helper()
	return s.still("an icon on the panel", s.Strip(), s.empty)
}

// PressIcon presses on the tray's only icon.
func (s *Screen) PressIcon() {
	s.t.Helper()
	s.PressOn(s.Icon())
}

// PressOn presses the left button of the mouse in the middle of a Frame.
func (s *Screen) PressOn(f Frame) {
	s.t.Helper()
	s.Press(f.X+f.Width/2, f.Y+f.Height/2)
}

// FirstLine is where the open menu has its first line that can be clicked: the
// one that the arrow key marks.
func (s *Screen) FirstLine() Frame {
	s.t.Helper()
	menu := s.Menu()
	before := s.rested(menu)
	s.Hand("key", "Down")
	return s.still("a marked line", menu, before)
}

// Keys waits for a window of this name, brings it to the front and types on it,
// as xdotool names the keys.
func (s *Screen) Keys(window string, keys ...string) {
	s.t.Helper()
	s.bus.until(window+" in front", func() bool {
		if name, err := s.do("xdotool", "getactivewindow", "getwindowname"); err == nil && name == window {
			return true
		}
		s.do("xdotool", "search", "--onlyvisible", "--name", "^"+window+"$", "windowactivate") // in vain where the window manager has yet to see it
		return false
	})
	s.Hand(append([]string{"key"}, keys...)...)
}
