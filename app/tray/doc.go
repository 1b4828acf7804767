// Package tray is the room of the icon, its menu and the notifications. It is
// handed plain data and decides nothing: it imports none of the packages that
// know credentials.
package tray
