//go:build !linux

package agefile

// goFirst: there is no such choice.
func goFirst() {}
