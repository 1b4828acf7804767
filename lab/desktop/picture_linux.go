package desktop

import (
	"image"
	"image/color"
)

// Look is what a part of the screen shows now; all of it where the part is
// zero. It is read from the memory that the X server draws into.
func (s *Screen) Look(part Frame) image.Image {
	s.t.Helper()
	if part == (Frame{}) {
		part = Frame{Width: s.Width, Height: s.Height}
	}
	m := s.memory()
	defer m.Close()
	img := image.NewRGBA(image.Rect(0, 0, part.Width, part.Height))
	bgr := make([]byte, 4*part.Width)
	for y := range part.Height {
		if _, err := m.ReadAt(bgr, m.at(part.X, part.Y+y)); err != nil {
			s.t.Fatal(err)
		}
		for x := range part.Width {
			img.SetRGBA(x, y, color.RGBA{bgr[4*x+2], bgr[4*x+1], bgr[4*x], 255})
		}
	}
	return img
}

// changed is the smallest Frame with everything in which two pictures of a part
// of the screen differ. It is zero where they do not.
func changed(part Frame, a, b image.Image) Frame {
	var box image.Rectangle
	for y := range part.Height {
		for x := range part.Width {
			if a.At(x, y) != b.At(x, y) {
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	if box.Empty() {
		return Frame{}
	}
	return Frame{part.X + box.Min.X, part.Y + box.Min.Y, box.Dx(), box.Dy()}
}

// still waits until a part of the screen has come to differ from a picture of
// it, and rests. It returns where it differs.
func (s *Screen) still(what string, part Frame, before image.Image) (box Frame) {
	s.t.Helper()
	last, same := before, 0
	s.bus.until(what, func() bool {
		now := s.Look(part)
		if same++; changed(part, last, now) != (Frame{}) {
			same = 0
		}
		last, box = now, changed(part, before, now)
		return same > restsFor && box != Frame{}
	})
	return box
}

// rested waits until nothing is drawn in a part of the screen any more.
func (s *Screen) rested(part Frame) (now image.Image) {
	s.t.Helper()
	now, same := s.Look(part), 0
	s.bus.until("an end of drawing", func() bool {
		last := now
		now = s.Look(part)
		if same++; changed(part, last, now) != (Frame{}) {
			same = 0
		}
		return same > restsFor
	})
	return now
}

// restsFor is after how many looks without a change a picture rests.
const restsFor = 10
