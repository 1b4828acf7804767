// Package window is the room of lamplighter-window, the program that draws:
// the only one that imports Fyne. Like the tray it is handed plain data.
package window
