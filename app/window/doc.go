// Package window draws the Model that app hands it, and says what a person
// asked for: the inside of lamplighter-window, a program of its own and the only
// one that imports Fyne. It decides nothing, opens no file and makes no
// connection.
//
// A Model changes widgets, it does not make them: the focus, the place on a page
// and what is being typed stay while Models come in at any rate.
//
// On macOS Fyne's widgets need cgo; without it this package is empty there.
package window
