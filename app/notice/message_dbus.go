//go:build !windows && !darwin

package notice

import (
	"bytes"
	"image"
	"image/draw"
	"image/png"
	"slices"

	"github.com/godbus/dbus/v5"
)

// An hour: long enough for who was away, and the screen is not covered for
// ever.
const hour = int32(60 * 60 * 1000)

// message is what Notify takes.
//
// How long: "persistence" says that the service keeps what a person has not
// acted upon, buttons and all (GNOME Shell, which heeds no timeout), so its own
// way is right. Where it is missing, what expires is gone (xfce4-notifyd 0.7.3:
// after 10 s) or loses its buttons (Plasma's history), and an urgency that
// stays would stay for ever. "transient" would keep it out of histories;
// "resident" would leave a button that was pressed.
func (d *desktop) message(n *note) []any {
	body := n.Body
	if d.can["body-markup"] {
		body = markup(body)
	}
	// "default" is a click elsewhere. xfce4-notifyd makes a button of it, with
	// its label, and a click elsewhere only closes (0.7.3).
	actions := []string{"default", "Open"}
	if n.Button != "" && d.can["actions"] {
		actions = slices.Concat([]string{Button, n.Button}, actions)
	}
	hints := map[string]dbus.Variant{
		"urgency":       dbus.MakeVariant(byte(1)), // normal: nothing is lost by waiting
		"category":      dbus.MakeVariant("x-lamplighter.credential"),
		"desktop-entry": dbus.MakeVariant(d.app.ID),
	}
	if d.icon != nil {
		hints["image-data"] = dbus.MakeVariant(*d.icon)
	}
	expires := hour
	if d.can["persistence"] {
		expires = -1
	}
	return []any{d.app.Name, n.id, "", n.Title, body, actions, hints, expires}
}

// pixels is an image as the hint "image-data" wants it, signature (iiibiiay).
type pixels struct {
	Width, Height, Stride int32
	Alpha                 bool
	Bits, Channels        int32
	Data                  []byte
}

// decode reads a PNG; one that cannot be read is no picture.
func decode(icon []byte) *pixels {
	from, err := png.Decode(bytes.NewReader(icon))
	if err != nil {
		return nil
	}
	size := from.Bounds().Size()
	to := image.NewNRGBA(image.Rectangle{Max: size})
	draw.Draw(to, to.Rect, from, from.Bounds().Min, draw.Src)
	return &pixels{
		Width: int32(size.X), Height: int32(size.Y), Stride: int32(to.Stride),
		Alpha: true, Bits: 8, Channels: 4, Data: to.Pix,
	}
}
