// Package desktop is what the tray needs of a desktop, for tests, without a
// display: a session bus of its own, a panel that shows icons, and a hand that
// reads and clicks their menus. It is for Linux only.
package desktop
