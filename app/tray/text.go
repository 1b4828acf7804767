//go:build !darwin || cgo

package tray

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// widest is how many columns of text a line of the menu may have: panels draw
// any width, over the edge of the screen too.
const widest = 72

// fit makes a text fit for one line of a menu. Names may have been made to
// deceive: what turns the direction of the text after it (UAX #9) and what is
// no character are seen as such, not dropped. D-Bus ends a connection over
// bytes that are not UTF-8.
func fit(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == 0xFFFE, r == 0xFFFF:
			return utf8.RuneError
		}
		return r // invalid bytes come as RuneError
	}, s)
	return runewidth.Truncate(strings.Join(strings.Fields(s), " "), widest, "…")
}
