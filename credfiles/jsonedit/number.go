package jsonedit

import (
	"strconv"
	"strings"
)

// Int returns a number that is a whole one, however it is written: 1.5e3 is
// 1500. It reports false for a fraction, for what int64 cannot hold and for
// any other value.
func (v Value) Int() (int64, bool) {
	d, ok := v.decimal()
	if !ok || d.exp < 0 || d.exp+int64(len(d.digits)) > 19 {
		return 0, false
	}
	s := d.digits + strings.Repeat("0", int(d.exp))
	if d.negative {
		s = "-" + s
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// Float returns the nearest float64 to a number. It reports false for a
// number beyond its range and for any other value.
func (v Value) Float() (float64, bool) {
	if v.Kind() != Number {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v.Bytes()), 64)
	return f, err == nil
}

// A decimal is the exact value of a number: the digits, without a zero at
// either end, times 10 to the exp. Zero is the digit 0 and not negative.
type decimal struct {
	negative bool
	digits   string
	exp      int64
}

// decimal returns the exact value of a number. It reports false for an
// exponent that is too large to count with, and for any other value.
func (v Value) decimal() (decimal, bool) {
	if v.Kind() != Number {
		return decimal{}, false
	}
	var d decimal
	s := string(v.Bytes())
	s, d.negative = strings.CutPrefix(s, "-")
	mantissa, exponent := s, "0"
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent = s[:i], s[i+1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	d.digits = strings.TrimLeft(whole+fraction, "0")
	if d.digits == "" {
		return decimal{digits: "0"}, true
	}
	// 32 bits, so that what is added below cannot overflow 64.
	exp, err := strconv.ParseInt(exponent, 10, 32)
	if err != nil {
		return decimal{}, false
	}
	all := len(d.digits)
	d.digits = strings.TrimRight(d.digits, "0")
	d.exp = exp - int64(len(fraction)) + int64(all-len(d.digits))
	return d, true
}
