package doctor

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"lamplighter/refresher/exchange"
)

// A Secret is a value that no report shows: its Name stands in its place, as a
// shell writes a variable.
type Secret struct {
	Name  string // "TOKEN", "CLIENT_SECRET"
	Value string
	// Origins are where it may go, as scheme://host:port. Empty: the caller
	// takes care itself.
	Origins []string
}

// shortest is the length from which on a secret is looked for in all text.
// Shorter ones are words, and masking them would tear the text; they are kept
// out by their places in a request.
const shortest = 6

const mask = "…"

// A redactor takes secrets out of text.
type redactor struct {
	pairs  []pair
	traces []string // the letters and digits of each, for [redactor.apart]
}

type pair struct{ value, name string }

func (x *redactor) keep(s Secret) {
	for _, v := range []string{s.Value, strings.TrimSpace(s.Value)} {
		quoted, _ := json.Marshal(v)
		for _, form := range []string{
			v, url.QueryEscape(v), url.PathEscape(v), noVariable(url.PathEscape(v)), string(quoted[1 : len(quoted)-1]),
			base64.StdEncoding.EncodeToString([]byte(v)), base64.URLEncoding.EncodeToString([]byte(v)),
		} {
			if len(form) >= shortest {
				x.pairs = append(x.pairs, pair{form, "$" + s.Name})
			}
		}
	}
	forms := []string{s.Value, hex.EncodeToString([]byte(s.Value))}
	for before := range 3 { // as a part of more, base64 begins at one of three places
		form := base64.RawStdEncoding.EncodeToString([]byte("xx"[:before] + s.Value))
		forms = append(forms, form[before+min(before, 1):len(form)-1])
	}
	for _, form := range forms {
		if t := letters(form); len(t) >= fewest {
			x.traces = append(x.traces, t)
		}
	}
	slices.SortStableFunc(x.pairs, func(a, b pair) int { return cmp.Compare(len(b.value), len(a.value)) })
}

// without replaces the secrets that are known.
func (x *redactor) without(s string) string {
	for _, p := range x.pairs {
		s = strings.ReplaceAll(s, p.value, p.name)
	}
	return s
}

// A secret of fewer letters and digits leaves no trace that a word would not.
const fewest = 8

// apart is s, or nothing of it where a reader could put a secret, or two thirds
// of a long one, together again: in other letters, escaped, or with something
// between.
func (x *redactor) apart(s string) string {
	texts := []string{letters(s), letters(unescape(s))}
	for _, t := range x.traces {
		n := min(len(t), max(2*fewest, len(t)*2/3))
		for i := range len(t) - n + 1 {
			if strings.Contains(texts[0], t[i:i+n]) || strings.Contains(texts[1], t[i:i+n]) {
				return mask
			}
		}
	}
	return s
}

// letters are the letters and digits of s, in small letters.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// escape is a character as URLs, however often encoded, JSON and C write it.
var escape = expr(`(?i)(?:%(?:25)*|\\+x|\\+u00)([0-9a-f]{2})`)

func unescape(s string) string {
	return html.UnescapeString(escape().ReplaceAllStringFunc(s, func(e string) string {
		n, _ := strconv.ParseUint(e[len(e)-2:], 16, 8)
		return string(rune(n))
	}))
}

// jwt is a signed or encrypted token, and long any run that no word is.
var (
	jwt    = expr(`eyJ[\w-]{8,}\.[\w-]*(\.[\w-]*)*`)
	long   = expr(`[A-Za-z0-9_~+=-]{32,}`)
	guid   = expr(`(?i)^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	date   = expr(`^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)?$`)
	member = expr(`("[\w-]+"|[\w-]+)(\s*[:=]\s*"?)([^\s"&,;}]+)`) // of an object or a form
	link   = expr(`(?i)\bhttps?://[^\s"'<>,;)\]}\\]+`)
)

// scrub is a text of our own, which may quote what was met: on one line,
// without the secrets and what cannot be anything else.
func (x *redactor) scrub(s string) string {
	s = jwt().ReplaceAllString(x.apart(x.without(oneLine(s))), mask)
	return long().ReplaceAllStringFunc(s, func(run string) string {
		if strings.ContainsAny(run, "0123456789") && !guid().MatchString(run) {
			return mask
		}
		return run
	})
}

// clean is a text of somebody else's: on one line, not longer than n
// characters, without the secrets and whatever looks like one.
func (x *redactor) clean(s string, n int) string {
	s = x.apart(x.without(oneLine(s)))
	var b strings.Builder
	for s != "" {
		at := link().FindStringIndex(s)
		if at == nil {
			at = []int{len(s), len(s)}
		}
		b.WriteString(cleanRuns(s[:at[0]]))
		b.WriteString(x.address(s[at[0]:at[1]]))
		s = s[at[1]:]
	}
	return shortened(b.String(), n)
}

func shortened(s string, n int) string {
	if text := []rune(s); len(text) > n {
		return string(text[:n-1]) + mask
	}
	return s
}

// cleanRuns masks the runs of a text without URLs that could be a token.
func cleanRuns(s string) string {
	s = member().ReplaceAllStringFunc(s, func(m string) string {
		part := member().FindStringSubmatch(m)
		inWords := part[1][0] != '"' && strings.Contains(part[2], ":") // "token: expired" is a sentence
		if inWords || !sensitive(strings.Trim(part[1], `"`)) || strings.HasPrefix(part[3], "$") {
			return m
		}
		return part[1] + part[2] + mask
	})
	var b strings.Builder
	flush := func(run string) {
		bare := strings.TrimRight(run, ".:!?")
		if guid().MatchString(bare) || date().MatchString(bare) || strings.HasPrefix(bare, "$") {
			b.WriteString(run)
			return
		}
		b.WriteString(exchange.Clean(run))
	}
	from := 0
	for i, r := range s {
		if unicode.IsSpace(r) || strings.ContainsRune("\"'`()<>[]{},;=|&", r) {
			flush(s[from:i])
			b.WriteRune(r)
			from = i + len(string(r))
		}
	}
	flush(s[from:])
	return b.String()
}

// colour is what a terminal takes for one.
var colour = expr(`\x1b\[[0-9;]*[A-Za-z]`)

// oneLine is s without line breaks and what upsets a terminal.
func oneLine(s string) string {
	s = colour().ReplaceAllString(s, "")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// tenants are hosts whose paths begin with a tenant's ID, which is public.
var tenants = []string{"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn", "sts.windows.net", "graph.microsoft.com"}

// plainParams are parameters of a query or form whose value is no secret.
var plainParams = []string{
	"grant_type", "client_id", "scope", "resource", "redirect_uri", "audience", "response_type",
	"code_challenge_method", "prompt", "access_type", "requested_token_use", "api-version", "client_assertion_type", "token_type_hint",
}

// address is a URL without secrets: no user name, and a placeholder in the
// place of each part that could be one. A path can hold a secret as well as a
// query.
func (x *redactor) address(raw string) string {
	raw = x.apart(x.without(oneLine(raw))) // in that order: what is left out must not make a secret whole
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return cleanRuns(oneLine(raw))
	}
	public := slices.Contains(tenants, strings.ToLower(u.Hostname()))
	parts := strings.Split(u.EscapedPath(), "/")
	for i, part := range parts {
		if guid().MatchString(part) && public {
			continue
		}
		if exchange.Clean(part) != part && !strings.HasPrefix(part, "$") {
			parts[i] = mask
		}
	}
	s := u.Scheme + "://" + u.Host + strings.Join(parts, "/")
	if u.RawQuery != "" {
		s += "?" + x.form(u.RawQuery, "param_")
	}
	return oneLine(s)
}

// form is a query or a form with a placeholder for each value that may be a
// secret: all that are not known to be none. A prefix keeps the variables that
// are called after somebody else's names apart from the reader's own.
func (x *redactor) form(raw, prefix string) string {
	pairs := strings.Split(oneLine(raw), "&")
	for i, p := range pairs {
		name, value, ok := strings.Cut(p, "=")
		if !ok {
			pairs[i] = x.clean(p, 200)
			continue
		}
		if value = x.without(value); value == "" || strings.HasPrefix(value, "$") {
			pairs[i] = name + "=" + value
			continue
		}
		text, err := url.QueryUnescape(value)
		switch {
		case err == nil && x.without(text) != text: // in a form of its own
			pairs[i] = name + "=" + placeholder(prefix+name)
		case err == nil && slices.Contains(plainParams, strings.ToLower(name)) && x.scrub(text) == text:
		case err == nil && !sensitive(name) && name != "code" && exchange.Clean(text) == text && len(text) < 24:
		default:
			pairs[i] = name + "=" + placeholder(prefix+name)
		}
	}
	return x.apart(x.without(strings.Join(pairs, "&")))
}

// noVariable is a URL in which a shell finds no variable: servers choose those
// of their metadata, and a reader's shell has values of its own.
func noVariable(url string) string { return strings.ReplaceAll(url, "$", "%24") }

// sensitive reports whether a name is one of a secret.
func sensitive(name string) bool {
	name = strings.ToLower(name)
	if slices.Contains(notSecret, name) || slices.ContainsFunc(notSecretEnds, func(end string) bool { return strings.HasSuffix(name, end) }) {
		return false
	}
	for _, word := range []string{"token", "secret", "password", "passwd", "pwd", "key", "code", "assertion", "sig", "auth", "credential", "session", "cookie", "verifier", "jwt"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// notSecret are names, and ends of names, that only sound like one.
var (
	notSecret     = []string{"error_codes", "errorcode", "code", "statuscode", "authorization_servers", "keyname", "author"}
	notSecretEnds = []string{"_type", "_code", "_endpoint", "_supported", "_expires_in", "_expires_at", "_uri", "_url"}
)

// placeholder is how a curl line names a secret that we do not know.
func placeholder(name string) string {
	return "$" + strings.Map(func(r rune) rune {
		if r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return unicode.ToUpper(r)
		}
		return '_'
	}, name)
}
