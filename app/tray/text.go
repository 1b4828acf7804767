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
	s = strings.Join(strings.Fields(s), " ")
	if strings.ContainsFunc(s, wide) {
		return runewidth.Truncate(s, widest, "…") // builds tables of 2 MB, which stay
	}
	if all := []rune(s); len(all) > widest {
		return string(all[:widest-1]) + "…"
	}
	return s
}

// wide reports a character that may take two columns: those from Hangul on, but
// for Latin and Greek letters, punctuation, arrows and signs of mathematics.
func wide(r rune) bool { return r >= 0x1100 && (r < 0x1E00 || r >= 0x2300) }
