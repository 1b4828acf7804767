package jsonedit

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Text returns a string value, decoded. It reports false for any other value,
// and for a string with a lone surrogate, which no Go string can hold and
// most parsers refuse.
func (v Value) Text() (string, bool) {
	if v.Kind() != String {
		return "", false
	}
	s, ok := v.decode()
	if !ok {
		return "", false
	}
	return s, true
}

// spells reports whether a string value decodes to s.
func (v Value) spells(s string) bool {
	raw := v.text()[v.start+1 : v.end-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw) == s
	}
	decoded, _ := v.decode()
	return decoded == s
}

// decode returns what a string value says, and whether that is valid UTF-8: a
// lone surrogate is not, see [Member].
func (v Value) decode() (string, bool) {
	raw := v.text()[v.start+1 : v.end-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw), true
	}
	out := make([]byte, 0, len(raw))
	ok := true
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			i++
			continue
		}
		c := raw[i+1]
		i += 2
		switch c {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r := hex4(raw[i:])
			i += 4
			if !utf16.IsSurrogate(r) {
				out = utf8.AppendRune(out, r)
				continue
			}
			if len(raw) >= i+6 && raw[i] == '\\' && raw[i+1] == 'u' {
				if pair := utf16.DecodeRune(r, hex4(raw[i+2:])); pair != utf8.RuneError {
					out = utf8.AppendRune(out, pair)
					i += 6
					continue
				}
			}
			out = append(out, 0xE0|byte(r>>12), 0x80|byte(r>>6&0x3F), 0x80|byte(r&0x3F))
			ok = false
		default:
			out = append(out, c)
		}
	}
	return string(out), ok
}

// hex4 returns the number that four hexadecimal digits write.
func hex4(digits []byte) rune {
	n, _ := strconv.ParseUint(string(digits[:4]), 16, 16)
	return rune(n)
}

// Quote returns s as a JSON string with the fewest escapes: only the quote,
// the backslash and the control characters, the short form where there is
// one. JSON.stringify and serde_json write the same bytes; encoding/json does
// not, it also escapes &, <, >, U+2028 and U+2029. If s is not UTF-8, which
// JSON cannot hold, Quote returns nil: a token is not stored altered, and
// [Apply] refuses to set nothing.
func Quote(s string) []byte {
	return quote(s, utf8.MaxRune)
}

// QuoteASCII is Quote with everything beyond printable ASCII as \uXXXX,
// surrogate pairs included. /usr/bin/security of macOS prints a secret that
// has other bytes as hexadecimal digits, DEL among them.
func QuoteASCII(s string) []byte {
	return quote(s, '~')
}

// quote writes characters after last as escapes.
func quote(s string, last rune) []byte {
	if !utf8.ValidString(s) {
		return nil
	}
	out := make([]byte, 0, len(s)+2)
	out = append(out, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r == '\b':
			out = append(out, `\b`...)
		case r == '\f':
			out = append(out, `\f`...)
		case r == '\n':
			out = append(out, `\n`...)
		case r == '\r':
			out = append(out, `\r`...)
		case r == '\t':
			out = append(out, `\t`...)
		case ' ' <= r && r <= last:
			out = utf8.AppendRune(out, r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			out = appendEscape(appendEscape(out, high), low)
		default:
			out = appendEscape(out, r)
		}
	}
	return append(out, '"')
}

func appendEscape(out []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	return append(out, '\\', 'u', hex[r>>12], hex[r>>8&0xF], hex[r>>4&0xF], hex[r&0xF])
}
