// Package wine runs the Windows programs under Wine, on Linux: the packages'
// own tests, built for Windows, and the tray app, its window and the commands on
// a throwaway profile, with a mouse. All of it is behind the tag wine.
//
// Wine 8 is no Windows. It has no toasts, makes no links that can be read, and
// has file calls missing; what that costs stands beside each test.
package wine
