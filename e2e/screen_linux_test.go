//go:build e2e || screenshots

package e2e

import (
	"image"
	"os"
	"path/filepath"
	"testing"

	"lamplighter/lab/desktop"
)

// onScreen is a desk with a real desktop.
func onScreen(t *testing.T, look desktop.Look) (*desk, *desktop.Screen) {
	t.Helper()
	bus := desktop.NewBus(t)
	screen := bus.Screen(look)
	d := newDeskOn(t, bus)
	d.env = append(d.env, screen.Environ()...)
	return d, screen
}

// realWindow installs what "make window" built, and reports whether it did.
func (d *desk) realWindow() bool {
	d.T.Helper()
	built, err := filepath.Abs("../lamplighter-window")
	if err == nil {
		_, err = os.Stat(built)
	}
	if err == nil {
		err = os.Symlink(built, filepath.Join(filepath.Dir(d.program), "lamplighter-window"))
	}
	return err == nil
}

// look takes a picture of a part of the screen.
func look(t *testing.T, s *desktop.Screen, part desktop.Frame) image.Image {
	t.Helper()
	return s.Look(part)
}

// differ counts the pixels in which two pictures differ.
func differ(a, b image.Image) (n int) {
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			if a.At(a.Bounds().Min.X+x, a.Bounds().Min.Y+y) != b.At(b.Bounds().Min.X+x, b.Bounds().Min.Y+y) {
				n++
			}
		}
	}
	return n
}
