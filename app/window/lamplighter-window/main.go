//go:build cgo

// Command lamplighter-window draws what the tray app hands it on stdin, and
// writes to stdout what the person asks for. It ends when its window is closed
// or stdin ends; it decides nothing, opens no file and makes no connection.
package main

import (
	"os"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"

	"lamplighter/app/window"
)

func main() {
	in, out := os.Stdin, os.Stdout
	// The browser that Fyne starts for a link inherits these: it must neither
	// read the Models nor write among the Actions.
	os.Stdin, os.Stdout = nothing(), os.Stderr
	keepFromBus()
	a := app.NewWithID("app.lamplighter")
	w := window.New(a, window.Sender(out))
	a.Lifecycle().SetOnStarted(func() {
		go func() {
			window.Receive(in, w.Hand)
			fyne.Do(a.Quit)
		}()
	})
	w.Run()
	out.Close() // tells that it is closed: a process of this size takes its time to end
}

// nothing is an end of input.
func nothing() *os.File {
	f, err := os.Open(os.DevNull)
	if err != nil {
		return nil
	}
	return f
}
