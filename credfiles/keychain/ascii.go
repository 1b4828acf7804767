package keychain

import (
	"unicode/utf8"

	"lamplighter/credfiles/jsonedit"
)

// ASCII is a JSON text with what is beyond ASCII as \uXXXX, which JSON has only
// in strings: so security prints it as it is, not as hexadecimal digits, which
// clients were seen not to understand. White space stays.
func ASCII(json []byte) []byte {
	var out []byte
	for i := 0; i < len(json); {
		if c := json[i]; c < 0x7f {
			out = append(out, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(json[i:])
		quoted := jsonedit.QuoteASCII(string(r))
		out = append(out, quoted[1:len(quoted)-1]...)
		i += n
	}
	return out
}
