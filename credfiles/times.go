package credfiles

import (
	"math"
	"strconv"
	"strings"
	"time"

	"lamplighter/credfiles/jsonedit"
)

// A unit is how a client writes a moment.
type unit int

const (
	milliseconds unit = iota // since 1970, a whole number
	seconds                  // the same, with a fraction
	wholeSeconds
	secondsText // whole seconds, as a string
	dateText    // RFC 3339
)

// readable reports whether a number can be milliseconds since 1970 in a store.
// Zero is a time long gone: Claude Code and Codex refresh at once where it
// stands (2.1.329 and 0.169.0, observed). What is too small for this century,
// such as seconds, or beyond the year 9999 is odd.
func readable(ms float64) bool { return ms == 0 || ms >= 1e11 && ms < 253402300800e3 }

// read is the moment that a value says; ok is false where it says none.
func (u unit) read(v jsonedit.Value) (t time.Time, ok bool) {
	text, isText := v.Text()
	var ms float64
	switch u {
	case dateText:
		t, err := time.Parse(time.RFC3339, text)
		if err != nil || !isText {
			return time.Time{}, false
		}
		ms = float64(t.UnixMilli())
	case secondsText:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || !isText {
			return time.Time{}, false
		}
		ms = float64(n) * 1000
	default:
		if ms, ok = v.Float(); !ok {
			return time.Time{}, false
		}
		if u != milliseconds {
			ms = math.Round(ms * 1000)
		}
	}
	if !readable(ms) {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(ms)), true
}

// write is a moment as it takes the place of another, which may be none.
func (u unit) write(t time.Time, old jsonedit.Value) []byte {
	switch u {
	case seconds:
		return strconv.AppendFloat(nil, float64(t.UnixMilli())/1000, 'f', -1, 64)
	case wholeSeconds:
		return strconv.AppendInt(nil, t.Unix(), 10)
	case secondsText:
		return jsonedit.Quote(strconv.FormatInt(t.Unix(), 10))
	case dateText:
		text, _ := old.Text()
		return jsonedit.Quote(t.UTC().Format(dateLayout(text)))
	}
	return strconv.AppendInt(nil, t.UnixMilli(), 10)
}

// dateLayout is that of a date in UTC which is to look like another.
func dateLayout(like string) string {
	layout := "2006-01-02T15:04:05"
	if _, fraction, ok := strings.Cut(like, "."); ok {
		digits := len(fraction) - len(strings.TrimLeft(fraction, "0123456789"))
		layout += "." + strings.Repeat("0", digits)
	}
	if strings.HasSuffix(like, "00:00") {
		return layout + "-07:00"
	}
	return layout + "Z07:00"
}

// ends is when a token of an entry ends, by its lifetime: counted from the
// client's own note, or from when the file was written.
func (r *reader) ends(f fields, file time.Time) time.Time {
	v, ok := r.value(f.lifetime)
	if !ok {
		return time.Time{}
	}
	began := r.time(f.since, f.unit)
	if began.IsZero() && f.sinceFile {
		began = file
	}
	s, ok := v.Float()
	if text, isText := v.Text(); isText {
		var err error
		s, err = strconv.ParseFloat(text, 64)
		ok = err == nil
	}
	if began.IsZero() || !ok || s <= 0 || s >= math.MaxInt32 {
		return time.Time{}
	}
	return began.Add(time.Duration(s * float64(time.Second))).Truncate(time.Millisecond)
}

// times are the changes of an entry's times.
func (x *edits) times(t Token, f fields) {
	written := t.written
	if written.IsZero() {
		written = time.Now()
	}
	known := !t.Expiry.IsZero() && readable(float64(t.Expiry.UnixMilli()))
	least := time.Duration(0)
	if len(f.since) > 0 {
		// One that has ended is not to be taken for one whose end nobody knows, and
		// Cline takes no beginning before 1970 (0.0.86, source).
		least = time.Second
		known = known && readable(float64(t.Expiry.Add(-least).UnixMilli()))
	}
	began := written
	lifetime, relative := x.entry.Get(f.lifetime...)
	relative = relative && len(f.lifetime) > 0
	r := reader{entry: x.entry}
	noted := r.text(f.access) != t.Access.Reveal() // else it is noted already when that came
	if len(f.lifetime) > 0 && (noted || len(f.since) == 0) {
		if known {
			left := max(least, t.Expiry.Sub(written).Round(time.Second))
			began = t.Expiry.Add(-left)
			raw := strconv.AppendInt(nil, int64(left/time.Second), 10)
			if lifetime.Kind() == jsonedit.String {
				raw = jsonedit.Quote(string(raw))
			}
			x.set(f.lifetime, raw)
		} else {
			x.remove(f.lifetime, asMissing)
		}
	}
	old, stands := x.entry.Get(f.expiry...)
	switch {
	case len(f.expiry) == 0:
	case !known:
		x.remove(f.expiry, f.expiryGone)
	case stands || !relative || !f.sinceFile: // else the client's version knows of none
		x.set(f.expiry, f.unit.write(t.Expiry, old))
	}
	for _, stamp := range append(f.stamps[:len(f.stamps):len(f.stamps)], f.since) {
		if len(stamp) == 0 || !noted {
			continue
		}
		at := written
		if len(f.since) > 0 {
			at = began
		}
		old, _ := x.entry.Get(stamp...)
		x.set(stamp, f.unit.write(at, old))
	}
}
