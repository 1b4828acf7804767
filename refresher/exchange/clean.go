package exchange

import (
	"slices"
	"strings"
	"unicode"
)

const mask = "…"

// longestText is how much of a server's text is kept, in characters.
const longestText = 200

// cleanCode is a server's word if it looks like an error code, else "other".
func cleanCode(s string, secrets []string) string {
	if s = clean(s, secrets...); len(s) > 64 {
		return "other"
	}
	for _, r := range s {
		if r >= 0x80 || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-.", r) {
			return "other"
		}
	}
	return s
}

// clean is a server's text on one line: without control characters, without
// the secrets, without what looks like one, and shortened.
func clean(s string, secrets ...string) string {
	for _, secret := range secrets {
		s = strings.ReplaceAll(s, secret, mask)
	}
	var b strings.Builder
	run := make([]rune, 0, 64)
	flush := func() {
		if tokenLike(string(run)) {
			b.WriteString(mask)
		} else {
			b.WriteString(string(run))
		}
		run = run[:0]
	}
	for _, r := range s {
		switch {
		case unicode.IsSpace(r), strings.ContainsRune("\"'`()<>[]{},;", r):
			flush()
			if unicode.IsSpace(r) {
				r = ' '
			}
			b.WriteRune(r)
		case unicode.IsPrint(r) && r != unicode.ReplacementChar: // not what turns the direction of writing either
			run = append(run, r)
		}
	}
	flush()
	text := []rune(strings.Join(strings.Fields(b.String()), " "))
	if len(text) > longestText {
		return string(text[:longestText-1]) + mask
	}
	return string(text)
}

// tokenLike reports whether a run of characters could be a token: long, and
// with digits in it, or changing case as no word does, or without a pause.
func tokenLike(run string) bool {
	if len(run) < 16 {
		return false
	}
	stretch, longest, turns := 0, 0, 0 // letters of one case in a row
	var before rune
	for _, r := range run {
		switch {
		case unicode.IsDigit(r):
			return true
		case !unicode.IsLetter(r):
			stretch = 0
		case unicode.IsLetter(before) && unicode.IsUpper(r) != unicode.IsUpper(before):
			turns++
			stretch = 1
		default:
			stretch++
		}
		longest = max(longest, stretch)
		before = r
	}
	return longest > 24 || turns > len(run)/4
}

// secrets are the strings of o that must not show up anywhere, the longest first.
func (o *object) secrets() []string {
	var all []string
	add := func(o *object) {
		for name, v := range o.values {
			name = strings.ToLower(name)
			s, _ := v.(string)
			s = strings.TrimSpace(s)
			// Shorter ones are words, and masking them would tear the text.
			if len(s) >= 6 && name != "token_type" && (strings.Contains(name, "token") || strings.Contains(name, "secret")) {
				all = append(all, s)
			}
		}
	}
	add(o)
	for _, nested := range o.objects {
		if nested != nil {
			add(nested)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}
