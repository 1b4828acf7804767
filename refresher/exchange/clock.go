package exchange

import (
	"net/http"
	"strings"
	"time"
)

// retryAfter reads Retry-After (RFC 9110 section 10.2.3): seconds, or a time
// by the server's clock.
func retryAfter(a Answer) time.Duration {
	text := strings.TrimSpace(a.Header.RetryAfter)
	if text == "" {
		return 0
	}
	var wait time.Duration
	if n, ok := number(text); ok {
		wait = time.Duration(min(max(n, 0), (6*time.Hour).Seconds()) * float64(time.Second))
	} else if at, err := http.ParseTime(text); err == nil {
		from, err := http.ParseTime(a.Header.Date)
		if err != nil {
			from = a.At
		}
		wait = at.Sub(from)
	} else {
		return 0
	}
	return min(max(wait, time.Second), 6*time.Hour)
}

// skew compares Date, which has whole seconds, with the time in which the
// server must have written it.
func skew(a Answer) time.Duration {
	date, err := http.ParseTime(a.Header.Date)
	switch {
	case err != nil || a.SentAt.IsZero():
		return 0
	case date.After(a.At):
		return date.Sub(a.At)
	case date.Add(time.Second).Before(a.SentAt):
		return date.Add(time.Second).Sub(a.SentAt)
	}
	return 0
}
