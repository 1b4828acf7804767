//go:build bench && cgo

// Command plainfyne is the smallest tray app that Fyne makes: an icon, a menu of
// one line, no window. TestTrayIdle measures it beside ours.
package main

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
)

func main() {
	a := app.NewWithID("app.lamplighter.plain")
	if d, ok := a.(desktop.App); ok {
		d.SetSystemTrayIcon(theme.ComputerIcon())
		d.SetSystemTrayMenu(fyne.NewMenu("Plain", fyne.NewMenuItem("Nothing", func() {})))
	}
	a.Run()
}
