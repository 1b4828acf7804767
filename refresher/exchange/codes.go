package exchange

import (
	"mime"
	"regexp"
	"strconv"
	"strings"
)

// codeOf is the answer's error code: the first that we know, else the first
// there is. Some frameworks put the status text into error and their code
// elsewhere.
func codeOf(top *object, status int) string {
	candidates := []string{top.text("error")}
	if e := top.objects["error"]; e != nil {
		candidates = append(candidates, e.text("code"), e.text("type"))
	}
	candidates = append(candidates, top.text("error_code"), top.text("errorCode"))
	if status/100 != 2 || refused(top) {
		candidates = append(candidates, top.text("code"))
	}
	first := ""
	for _, c := range candidates {
		if _, known := meaningOf(c); known {
			return c
		}
		// A number is a status or an "everything is fine".
		if _, isNumber := number(c); first == "" && !isNumber {
			first = c
		}
	}
	return first
}

// refused reports whether the answer itself says that it is a failure.
func refused(top *object) bool {
	for _, name := range []string{"ok", "success"} {
		switch v := top.values[name].(type) {
		case bool:
			if !v {
				return true
			}
		case string:
			if strings.EqualFold(v, "false") {
				return true
			}
		}
	}
	return false
}

// descriptionOf is what the answer says in words.
func descriptionOf(top *object) string {
	texts := []string{top.text("error_description")}
	if e := top.objects["error"]; e != nil {
		texts = append(texts, e.text("message"), e.text("description"))
	}
	for _, name := range []string{"msg", "message", "error_message", "errorSummary", "detail"} {
		texts = append(texts, top.text(name))
	}
	// Some put the words where the code belongs.
	if e := top.text("error"); strings.Contains(e, " ") {
		texts = append(texts, e)
	}
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

// narrow says what the answer makes of a verdict by what stands beside its
// code, and by which word.
func narrow(kind Kind, code string, top *object) (Kind, string) {
	words := strings.ReplaceAll(strings.ToLower(descriptionOf(top)), "_", " ")
	for _, d := range described {
		if strings.EqualFold(code, d.code) && strings.Contains(words, d.words) {
			kind = d.kind
		}
	}
	subtype := top.text("suberror")
	if subtype == "" {
		subtype = top.text("error_subtype")
	}
	if kind == Dead && policies[strings.ToLower(subtype)] {
		kind = NeedsUser
	}
	if _, ok := top.objects["claims"]; ok || top.text("claims") != "" {
		if kind == Dead && policies["claims"] {
			kind = NeedsUser
		}
		if subtype == "" {
			subtype = "claims"
		}
	}
	if n := entraNumber(top); n != 0 {
		subtype = "AADSTS" + strconv.Itoa(n)
		if softer, ok := entraNumbers[n]; ok && kind != NeedsUser && kind != Later {
			kind = softer
		}
	}
	return kind, subtype
}

var aadsts = regexp.MustCompile(`\bAADSTS(\d{5,8})\b`)

// entraNumber is the AADSTS number of the answer: one that we know, else the
// first; 0 where there is none.
func entraNumber(top *object) int {
	var all []any
	if m := aadsts.FindStringSubmatch(descriptionOf(top)); m != nil {
		all = append(all, m[1])
		all = append(all, top.lists["error_codes"]...)
	}
	first := 0
	for _, v := range all {
		n, _ := number(v)
		if _, known := entraNumbers[int(n)]; known {
			return int(n)
		}
		if first == 0 && n > 0 && n < 1e8 {
			first = int(n)
		}
	}
	return first
}

// statusCode stands in for a code where the answer has none.
func statusCode(a Answer) string {
	if a.Status/100 != 2 {
		return "http-" + strconv.Itoa(a.Status)
	}
	kind, _, _ := mime.ParseMediaType(a.Header.ContentType)
	switch {
	case len(a.Body) == 0:
		return "empty"
	case kind == "text/html":
		return "html"
	}
	return "no-token"
}

// movedTo says where a redirect that we do not follow leads.
func movedTo(a Answer) string {
	if a.Status/100 != 3 || a.Header.Location == "" {
		return ""
	}
	return "redirects to " + a.Header.Location
}
