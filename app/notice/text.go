package notice

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// How long texts may be, in characters: a name that fills the screen says less
// than its beginning. Windows takes 5 KB for a whole notification.
const (
	longestTitle  = 120
	longestBody   = 400
	longestButton = 40
)

// clean makes the texts fit for any service.
func (n Notice) clean() Notice {
	n.Title = cut(oneLine(visible(n.Title)), longestTitle)
	n.Body = cut(strings.TrimSpace(visible(n.Body)), longestBody)
	n.Button = cut(oneLine(visible(n.Button)), longestButton)
	return n
}

// visible replaces what is no text: bytes that are not UTF-8 (D-Bus ends the
// connection over them), control characters (XML has no way to write most),
// and those that only turn the direction of what follows (UAX #9: a name must
// not rewrite the sentence that it stands in). Names may have been made to
// deceive, so these are seen, not dropped.
func visible(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == 0xFFFE, r == 0xFFFF:
			return utf8.RuneError
		}
		return r // invalid bytes come as RuneError
	}, s)
}

func oneLine(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(s, "\n", " "))
}

func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:most-1])) + "…"
}

// markup writes text for a service that reads markup in the body. Quotes stay:
// GNOME Shell knows their names only and shows their numbers as they are.
var markup = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace
