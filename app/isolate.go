package app

import (
	"strings"
	"unicode"
)

// rightToLeft are the characters that Unicode writes from right to left: the
// blocks that DerivedBidiClass.txt gives to R and AL.
var rightToLeft = &unicode.RangeTable{
	R16: []unicode.Range16{{Lo: 0x0590, Hi: 0x08ff, Stride: 1}, {Lo: 0xfb1d, Hi: 0xfdff, Stride: 1}, {Lo: 0xfe70, Hi: 0xfeff, Stride: 1}},
	R32: []unicode.Range32{{Lo: 0x10800, Hi: 0x10fff, Stride: 1}, {Lo: 0x1e800, Hi: 0x1efff, Stride: 1}},
}

// isolated is a name that leaves the order of a line around it as it is: one
// that is written from right to left would draw the numbers and signs after it
// to its other side. It stands between FIRST STRONG ISOLATE and POP DIRECTIONAL
// ISOLATE (UAX #9, X5c and X6a), which draw nothing; what is copied from a line
// has no others.
func isolated(name string) string {
	if strings.IndexFunc(name, func(r rune) bool { return unicode.Is(rightToLeft, r) }) < 0 {
		return name
	}
	return "\u2068" + name + "\u2069"
}
