//go:build !windows && !darwin

package tray

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// shown is what stands on the bus.
type shown struct {
	t      Tray
	conn   *dbus.Conn
	clicks *clicks
	rest   time.Duration

	drawing sync.Mutex // one redraw at a time

	mu       sync.Mutex // of what follows; not held while Face is asked
	face     Face       // but for its Menu
	pictures []pixmap
	menu     menu
	revision uint32
	token    string
	looked   time.Time     // when somebody last had the menu open, as far as we know
	later    *time.Timer   // a redraw waits until nobody has
	due      chan struct{} // it is time for it; one place of buffer
}

// rest is how long a menu that was opened keeps its lines where they are, if
// nothing is heard of it. Panels tell when it opens; not all tell when it
// closes (Xfce 4.18: of submenus only), and lines that move under the mouse
// make it click another. Nothing is lost by waiting: it is drawn anew when it
// opens.
const rest = 30 * time.Second

// opens draws what there is to see now for somebody who is about to see it.
func (s *shown) opens() bool {
	s.mu.Lock()
	s.looked = time.Time{}
	s.mu.Unlock()
	moved := s.draw()
	s.mu.Lock()
	s.looked = time.Now()
	s.mu.Unlock()
	return moved
}

// closed: what waited for it can be drawn.
func (s *shown) closed() {
	s.looked = time.Time{}
	if s.later != nil {
		s.later.Reset(0)
	}
}

// rests reports whether these lines must wait, and sees to it that they come.
func (s *shown) rests(items []Item) bool {
	left := s.rest - time.Since(s.looked)
	if left <= 0 || s.menu.root.like(items) {
		return false
	}
	if s.later == nil {
		s.later = time.AfterFunc(left, func() {
			select {
			case s.due <- struct{}{}:
			default:
			}
		})
	} else {
		s.later.Reset(left)
	}
	return true
}

// draw shows the Face of now and says on the bus what is different, and nothing
// where nothing is. It reports whether lines of the menu came, went or moved.
func (s *shown) draw() bool {
	s.drawing.Lock()
	defer s.drawing.Unlock()
	face := s.t.Face()
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.face
	var changed, moved []*line
	if !s.rests(face.Menu) {
		changed, moved = s.menu.draw(face.Menu)
	}
	face.Menu = nil
	s.face = face
	if face.Icon.Name != old.Icon.Name {
		s.pictures = pixmaps(face.Icon.Images)
		s.emit(itemPath, itemName+".NewIcon")
		s.emit(itemPath, itemName+".NewAttentionIcon")
	}
	if face.Attention != old.Attention {
		s.emit(itemPath, itemName+".NewStatus", status(face))
	}
	if face.Title != old.Title {
		s.emit(itemPath, itemName+".NewTitle")
	}
	if face.Tooltip != old.Tooltip {
		s.emit(itemPath, itemName+".NewToolTip")
	}
	if len(changed) > 0 {
		updated := make([]lineFacts, 0, len(changed))
		for _, l := range changed {
			updated = append(updated, lineFacts{l.id, l.facts(nil)})
		}
		s.emit(menuPath, menuName+".ItemsPropertiesUpdated", updated, []removedFacts{})
	}
	if len(moved) > 0 {
		s.revision++
		for _, l := range moved {
			s.emit(menuPath, menuName+".LayoutUpdated", s.revision, l.id)
		}
	}
	return len(moved) > 0
}

// emit need not fail: when the connection ends, Run does.
func (s *shown) emit(path dbus.ObjectPath, signal string, values ...any) {
	s.conn.Emit(path, signal, values...)
}

// item is org.kde.StatusNotifierItem
// (https://www.freedesktop.org/wiki/Specifications/StatusNotifierItem/).
type item struct{ s *shown }

// Activate is a click on the icon; panels that know ItemIsMenu open the menu.
func (i item) Activate(x, y int32) *dbus.Error {
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	if do := i.s.t.Click; do.Do != "" {
		i.s.clicks.add(do, i.s.takeToken())
	}
	return nil
}

// SecondaryActivate is a click with the middle button.
func (i item) SecondaryActivate(x, y int32) *dbus.Error { return i.Activate(x, y) }

// ContextMenu is for items that draw their menu themselves.
func (i item) ContextMenu(x, y int32) *dbus.Error { return nil }

// Scroll is the wheel over the icon.
func (i item) Scroll(delta int32, orientation string) *dbus.Error { return nil }

// ProvideXdgActivationToken comes before the click that it belongs to (KDE).
func (i item) ProvideXdgActivationToken(token string) *dbus.Error {
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	i.s.token = token
	return nil
}

// takeToken: a token is good for once.
func (s *shown) takeToken() string {
	token := s.token
	s.token = ""
	return token
}

type tooltip struct {
	Icon        string
	Pictures    []pixmap
	Title, Text string
}

func (s *shown) itemFacts() map[string]dbus.Variant {
	s.mu.Lock()
	defer s.mu.Unlock()
	return variants(map[string]any{
		"Category": "ApplicationStatus", "Id": s.t.ID, "Title": fit(s.face.Title), "Status": status(s.face), "WindowId": int32(0),
		"IconName": "", "IconPixmap": s.pictures, "IconThemePath": "",
		"OverlayIconName": "", "OverlayIconPixmap": []pixmap{},
		"AttentionIconName": "", "AttentionIconPixmap": s.pictures, "AttentionMovieName": "",
		"ToolTip": tooltip{Pictures: []pixmap{}, Title: fit(s.face.Tooltip)}, "ItemIsMenu": true, "Menu": dbus.ObjectPath(menuPath),
	})
}

func status(f Face) string {
	if f.Attention {
		return "NeedsAttention"
	}
	return "Active"
}

// A pixmap is a picture as the specification has it: ARGB32 in network byte
// order, the colours not multiplied with their opacity.
type pixmap struct {
	Width, Height int32
	Pixels        []byte
}

// pixmaps decodes what can be decoded: without a picture there is still a menu.
func pixmaps(images [][]byte) []pixmap {
	all := []pixmap{}
	for _, data := range images {
		if img, err := png.Decode(bytes.NewReader(data)); err == nil {
			all = append(all, pixels(img))
		}
	}
	return all
}

func pixels(img image.Image) pixmap {
	b := img.Bounds()
	p := pixmap{int32(b.Dx()), int32(b.Dy()), make([]byte, 0, 4*b.Dx()*b.Dy())}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			p.Pixels = append(p.Pixels, c.A, c.R, c.G, c.B)
		}
	}
	return p
}
