package settings

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"lamplighter/credfiles"
)

// define checks what the single keys of a client cannot tell.
func (d *draft) define(at string) {
	c := d.client
	twin := func(other credfiles.Definition) bool { return other.Name == c.Name }
	switch {
	case slices.Contains(d.clients, c.Name), c.Name == "own":
		d.fault(join(at, "name"), "is the name of a client that is known already")
	case slices.ContainsFunc(d.Clients, twin):
		d.fault(join(at, "name"), "has a [[client]] already")
	case strings.Contains(c.File, "*") && c.Entries != "":
		d.fault(join(at, "entries"), "has no meaning beside a file for each entry")
	case c.Server == "" && c.Issuer == "" && c.TokenEndpoint == "":
		d.fault(at, "one of server, issuer and token_endpoint is missing")
	case c.Lock == "" && c.LockKind != "":
		d.fault(join(at, "lock_kind"), "is the kind of a lock that is not named")
	case c.Lock == "" && c.Rereads != "" && c.Rereads != "at-start":
		d.fault(join(at, "rereads"), "needs a lock: without one nothing is refreshed while the client runs")
	default:
		d.Clients = append(d.Clients, c)
	}
}

// named are the names that homes may use.
func (d *draft) named() []string {
	all := slices.Clone(d.clients)
	list, _ := d.doc.values["client"].([]any)
	for _, e := range list {
		members, _ := e.(map[string]any)
		if name, ok := members["name"].(string); ok {
			all = append(all, name)
		}
	}
	return all
}

func shortName(to *string, v any) string {
	const most = 64 // it is the name of a file too
	s, ok := v.(string)
	odd := func(r rune) bool { return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') }
	if !ok || s == "" || s[0] < 'a' || strings.ContainsFunc(s, odd) {
		return "must be a word of small letters, digits and -"
	}
	if len(s) > most {
		return fmt.Sprintf("must not have more than %d letters", most)
	}
	*to = s
	return ""
}

// below takes a path in a folder, with slashes.
func below(to *string, v any) string {
	s, ok := v.(string)
	clean := strings.TrimPrefix(s, "~/")
	switch {
	case !ok || clean == "" || path.Clean(clean) != clean || path.IsAbs(clean) || strings.HasPrefix(clean, "..") || clean == "." || strings.ContainsAny(clean, "\\\x00\n:"):
		return `must be a path with slashes that leads nowhere else, such as "~/.acme" or "tokens.json"`
	}
	*to = clean
	return ""
}

// pattern is below with at most one *, in the last name.
func pattern(to *string, v any) string {
	if what := below(to, v); what != "" {
		return what
	}
	if strings.ContainsAny(*to, "?[]") || strings.Count(*to, "*") > 1 || strings.Contains(path.Dir(*to), "*") {
		return "may have one *, in its last name"
	}
	return ""
}

// place takes names of members, joined by dots.
func place(to *string, v any) string {
	s, ok := v.(string)
	if !ok || s != "." && slices.Contains(strings.Split(s, "."), "") {
		return `must be names of members joined by dots, such as "oauth.access_token"`
	}
	*to = s
	return ""
}

// command takes a list of words, of which none is empty.
func command(to *[]string, v any) string {
	list, ok := v.([]any)
	var all []string
	for _, e := range list {
		s, isText := e.(string)
		ok = ok && isText && s != ""
		all = append(all, s)
	}
	if !ok || len(all) == 0 {
		return `must be a list of texts, such as ["acme", "login", "{name}"]`
	}
	*to = all
	return ""
}
