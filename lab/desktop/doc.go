// Package desktop is what the tray needs of a desktop, for tests: a session bus
// of its own, a panel that shows icons, and a hand that reads and clicks their
// menus, all without a display. A Screen is a real desktop beside that, on a
// display that nobody sees. It is for Linux only.
package desktop
