// Package assets holds the pictures: Lamplighter's own icon, and for the tray
// the same street lamp in each state. They are drawn in svg/; what stands in
// png/ and ico/ is made from it by "make icons".
package assets

import (
	"embed"
	"fmt"
)

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
	//go:embed png/fresh-[0-9]*.png png/working-[0-9]*.png png/paused-[0-9]*.png png/needs-you-[0-9]*.png
	pictures embed.FS
	//go:embed svg/fresh.svg svg/working.svg svg/paused.svg svg/needs-you.svg
	drawings embed.FS
)

// Tray returns the icon for a state in the forms that the tray of a system
// (a GOOS) takes, or nil if there is no such state:
//
//   - Windows: an .ico, of which it picks the size.
//   - macOS: a template image, black and alpha only, which the menu bar tints.
//     32 pixels are 16 points on a Retina display.
//   - elsewhere: a PNG for each size that panels show, of which a panel takes
//     the one that it has to scale least: small ones lie on the pixel grid.
func Tray(state, goos string) [][]byte {
	var all [][]byte
	switch goos {
	case "windows":
		all = append(all, read(icons, "ico/"+state+".ico"))
	case "darwin":
		all = append(all, read(templates, "png/"+state+"-template-32.png"))
	default:
		for _, size := range []int{16, 22, 24, 32, 48, 64} {
			all = append(all, read(pictures, fmt.Sprintf("png/%s-%d.png", state, size)))
		}
	}
	if all[0] == nil {
		return nil
	}
	return all
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
