package doctor

import (
	"slices"
	"strings"
)

// Curl is a command line that makes the request again. What was secret is a
// variable of the shell's in it.
func (q Request) Curl() string { return strings.Join(q.curl(), " ") }

// curl are the words of the command line, an option with its value in one.
func (q Request) curl() []string {
	words := []string{"curl -i"}
	if q.Method != "GET" && !(q.Method == "POST" && q.Body != "") {
		words = append(words, "-X "+q.Method)
	}
	for _, h := range q.Header {
		if strings.HasPrefix(h, "User-Agent:") || strings.HasPrefix(h, "Accept-Encoding:") || h == "Content-Type: "+form {
			continue // curl has its own
		}
		if user, ok := strings.CutPrefix(h, "Authorization: Basic $"); ok {
			words = append(words, "-u "+shellWord("$"+user))
			continue
		}
		words = append(words, "-H "+shellWord(h))
	}
	return append(append(words, q.data()...), shellWord(q.URL))
}

const form = "application/x-www-form-urlencoded"

// data are the options for the body. Of a form each parameter has one, and
// curl encodes what the reader puts into a variable.
func (q Request) data() (words []string) {
	if !slices.Contains(q.Header, "Content-Type: "+form) {
		if q.Body != "" {
			words = []string{"--data-raw " + shellWord(q.Body)}
		}
		return words
	}
	if q.Body == "" {
		return nil
	}
	for p := range strings.SplitSeq(q.Body, "&") {
		option := "-d "
		if strings.Contains(p, "=$") {
			option = "--data-urlencode "
		}
		words = append(words, option+shellWord(p))
	}
	return words
}

// script are the command lines of all requests. A body that is sent more than
// once is a variable.
func (r Report) script() (lines [][]string) {
	all := r.requests()
	times := map[string]int{}
	for _, q := range all {
		times[q.Body]++
	}
	named := map[string]bool{}
	for _, q := range all {
		again := *q
		if strings.HasPrefix(q.Body, "{") && !strings.Contains(q.Body, "$") && times[q.Body] > 1 && (named[q.Body] || len(named) == 0) {
			if !named[q.Body] {
				lines = append(lines, []string{"BODY=" + shellWord(q.Body)})
			}
			named[q.Body], again.Body = true, "$BODY"
		}
		lines = append(lines, again.curl())
	}
	return lines
}

// shellWord quotes for a POSIX shell and leaves our placeholders to it: a
// dollar sign is one only where a name in capitals follows.
func shellWord(s string) string {
	plain := strings.IndexFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("-_./:@%+=,", r)
	}) < 0
	switch {
	case plain && s != "":
		return s
	case !strings.Contains(s, "$"):
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for i, r := range s {
		if strings.ContainsRune("\"\\`", r) || r == '$' && !(i+1 < len(s) && s[i+1] >= 'A' && s[i+1] <= 'Z') {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	b.WriteByte('"')
	return b.String()
}

// requests are those of the report, each once, in order.
func (r Report) requests() []*Request {
	var all []*Request
	seen := map[string]bool{}
	for _, s := range r.Steps {
		if s.Request != nil && !seen[s.Request.Curl()] {
			seen[s.Request.Curl()] = true
			all = append(all, s.Request)
		}
	}
	return all
}

// outcome is what came of a step: the request, if there is one, and what was
// seen. about is the URL that is known to the reader.
func (s Step) outcome(about string) string {
	if s.Request == nil {
		return s.Seen
	}
	at := s.Request.URL
	if i := strings.Index(about, "://"); at == about {
		at = ""
	} else if i > 0 {
		server, _, _ := strings.Cut(about[i+3:], "/")
		at = strings.TrimPrefix(at, about[:i+3]+server)
	}
	method := s.Request.Method
	for _, call := range []string{"initialize", "tools/list"} {
		if strings.Contains(s.Request.Body, `"method":"`+call+`"`) {
			method += " " + call
		}
	}
	return strings.TrimSpace(method+" "+at) + ": " + s.Seen
}
