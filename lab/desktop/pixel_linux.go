package desktop

import (
	"encoding/binary"
	"image"
	"os"
	"path/filepath"
)

// Colours are those that stand at some places of the screen now, as 0xRRGGBB. They
// are read from the memory that the X server draws into, which costs nobody
// anything.
func (s *Screen) Colours(places []image.Point) (all []uint32) {
	s.t.Helper()
	m := s.memory()
	defer m.Close()
	for _, p := range places {
		var bgr [4]byte // as computers have it that store the lowest byte first
		if _, err := m.ReadAt(bgr[:], m.at(p.X, p.Y)); err != nil {
			s.t.Fatal(err)
		}
		all = append(all, binary.LittleEndian.Uint32(bgr[:])&0xffffff)
	}
	return all
}

// memory is what the X server draws into.
type memory struct {
	*os.File
	start, line int64
}

// at is where in it a pixel stands, in four bytes.
func (m memory) at(x, y int) int64 { return m.start + int64(y)*m.line + 4*int64(x) }

func (s *Screen) memory() memory {
	s.t.Helper()
	f, err := os.Open(filepath.Join(s.home, "Xvfb_screen0"))
	if err != nil {
		s.t.Fatal(err)
	}
	// xwd's format (XWDFile.h): numbers of four bytes, the highest first; the
	// 1st is the length of the header, the 13th of a line, the 20th how many
	// colours of twelve bytes come before the picture.
	var head [20]uint32
	if err := binary.Read(f, binary.BigEndian, &head); err != nil {
		s.t.Fatal(err)
	}
	return memory{f, int64(head[0]) + 12*int64(head[19]), int64(head[12])}
}
