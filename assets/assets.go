// Package assets holds the pictures: Lamplighter's own icon, and for the tray
// the same street lamp in each state. They are drawn in svg/; what stands in
// png/ and ico/ is made from it by "make icons".
package assets

import "embed"

// What the lamp in the tray can say.
const (
	Fresh    = "fresh"     // nobody needs to do anything
	Working  = "working"   // a refresh is under way
	Paused   = "paused"    // nothing is refreshed
	NeedsYou = "needs-you" // something waits for the user
)

// App is Lamplighter's icon, a PNG of 256 pixels: for notifications and windows.
//
//go:embed png/app-256.png
var App []byte

// AppSVG is the drawing of App.
//
//go:embed svg/app.svg
var AppSVG []byte

var (
	//go:embed ico/fresh.ico ico/working.ico ico/paused.ico ico/needs-you.ico
	icons embed.FS
	//go:embed png/fresh-template-32.png png/working-template-32.png png/paused-template-32.png png/needs-you-template-32.png
	templates embed.FS
	//go:embed png/fresh-66.png png/working-66.png png/paused-66.png png/needs-you-66.png
	pictures embed.FS
	//go:embed svg/fresh.svg svg/working.svg svg/paused.svg svg/needs-you.svg
	drawings embed.FS
)

// Tray returns the icon for a state in the form that the tray of a system
// (a GOOS) takes, or nil if there is no such state:
//
//   - Windows: an .ico, of which it picks the size.
//   - macOS: a template image, black and alpha only, which the menu bar tints.
//     32 pixels are 16 points on a Retina display.
//   - elsewhere: a PNG of 66 pixels, each opaque or clear. A
//     StatusNotifierItem has one pixmap, which the panel scales: three by three
//     of its pixels make one of the 22 that Xfce and Plasma show, with smooth
//     edges. Edges smooth in the pixmap itself are speckled with colours: of
//     such a pixel fyne.io/systray 1.12.3 sends the low byte of 16-bit
//     premultiplied values (argbForImage; seen in xfce4-panel 4.18).
func Tray(state, goos string) []byte {
	switch goos {
	case "windows":
		return read(icons, "ico/"+state+".ico")
	case "darwin":
		return read(templates, "png/"+state+"-template-32.png")
	}
	return read(pictures, "png/"+state+"-66.png")
}

// Drawing returns the lamp in a state as an SVG, for windows, or nil if there
// is no such state. It is made for 32 pixels and more.
func Drawing(state string) []byte {
	return read(drawings, "svg/"+state+".svg")
}

func read(files embed.FS, name string) []byte {
	data, err := files.ReadFile(name)
	if err != nil {
		return nil
	}
	return data
}
