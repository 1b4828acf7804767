// Package e2e is the tray app as its user has it: the real program on a
// throwaway home, its menu read and clicked over the session bus. What needs no
// display runs with every test; under the tag e2e a real panel, a real
// notification service and the real window take part, seen as pixels and pressed
// by a mouse ("make e2e"). Where Xfce is not installed, or lamplighter-window
// was not built, those tests are skipped and say so.
package e2e
