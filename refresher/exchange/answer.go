package exchange

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// An Answer is what came of one POST, raw. Its Body holds tokens: it goes
// into the journal, as JSON, and is never logged. It prints without them in
// every verb of fmt and in slog; do not keep one in an unexported field of
// anything that is printed, because there fmt cannot ask it.
type Answer struct {
	Status int       `json:"status,omitempty"` // zero where none came
	Header Header    `json:"header"`
	Body   []byte    `json:"body,omitempty"` // as sent, content encoding and all
	Cut    bool      `json:"cut,omitempty"`  // Body ended early, or was longer than [MaxBody]
	Open   bool      `json:"open,omitempty"` // nothing said how long Body is, so a cut could not be noticed
	SentAt time.Time `json:"sent_at"`        // when the first byte of the request's body may have left; zero where none did
	At     time.Time `json:"at"`             // when it was over
	// Took is how long it took from SentAt on, without the time that this
	// computer slept meanwhile.
	Took time.Duration `json:"-"`

	// Written means that the refresh token may have left this computer.
	Written bool `json:"written"`
	// Failure is the class of the transport's error, one of the Failure
	// constants; empty where there was none.
	Failure string `json:"failure,omitempty"`
}

// Since is from when on the tokens of an answer count, for who leaves a fresh
// one alone for a while: At, less the time that this computer slept before it
// could read them. They aged meanwhile.
func (a Answer) Since() time.Time {
	if a.Took > 0 {
		return a.SentAt.Add(a.Took)
	}
	return a.At
}

// A Header holds what a verdict needs of the answer's header.
type Header struct {
	ContentType string   `json:"content_type,omitempty"`
	RetryAfter  string   `json:"retry_after,omitempty"`
	Date        string   `json:"date,omitempty"`
	Location    string   `json:"location,omitempty"`   // scheme and host only
	Challenges  []string `json:"challenges,omitempty"` // the schemes of WWW-Authenticate, in lower case
}

func headerOf(h http.Header) Header {
	get := func(key string) string { return clipped(h.Get(key), 200) }
	kept := Header{
		ContentType: get("Content-Type"),
		RetryAfter:  get("Retry-After"),
		Date:        get("Date"),
		Challenges:  schemes(h.Values("WWW-Authenticate")),
	}
	if u, err := url.Parse(h.Get("Location")); err == nil && isHost(u.Host) {
		kept.Location = u.Scheme + "://" + u.Host
	}
	return kept
}

func isHost(s string) bool {
	return s != "" && len(s) < 200 && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789-.:[]") == ""
}

// schemes are the names of the challenges in WWW-Authenticate (RFC 9110
// section 11.6.1). A comma separates challenges as well as their parameters:
// a name is a token that no equals sign follows.
func schemes(values []string) []string {
	var names []string
	for _, v := range values {
		quoted := false
		for _, part := range strings.FieldsFunc(v, func(r rune) bool {
			if r == '"' {
				quoted = !quoted
			}
			return r == ',' && !quoted
		}) {
			name, rest, _ := strings.Cut(strings.TrimSpace(part), " ")
			if name == "" || len(names) == 8 || strings.ContainsAny(name, `="`) || strings.HasPrefix(strings.TrimSpace(rest), "=") {
				continue
			}
			names = append(names, strings.ToLower(clipped(name, 20)))
		}
	}
	return names
}

func clipped(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// String says what can be said of the answer in a log.
func (a Answer) String() string {
	s := "not sent"
	switch {
	case a.Status != 0:
		s = fmt.Sprintf("HTTP %d, %d bytes", a.Status, len(a.Body))
	case a.Written:
		s = "no answer"
	}
	if a.Cut {
		s += ", cut"
	}
	if a.Failure != "" {
		s += ": " + a.Failure
	}
	return s
}

// Format writes String in every verb.
func (a Answer) Format(f fmt.State, _ rune) { io.WriteString(f, a.String()) }

// LogValue is String.
func (a Answer) LogValue() slog.Value { return slog.StringValue(a.String()) }
