package settings

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Each of these takes one kind of value. It returns what is wrong with it and
// never repeats it: a secret may have come into the wrong line.

func text(to *string, v any) string {
	s, ok := v.(string)
	switch {
	case !ok:
		return `must be a text in quotes`
	case strings.TrimSpace(s) == "":
		return "is empty; leave the line out instead"
	case strings.ContainsFunc(s, unicode.IsControl):
		return "holds a control character"
	}
	*to = s
	return ""
}

func word(to *string, v any, words ...string) string {
	s, ok := v.(string)
	if !ok || !slices.Contains(words, s) {
		what := "must be " + enumeration(words)
		if near := nearest(s, words); near != "" {
			what += "; did you mean " + quote(near) + "?"
		}
		return what
	}
	*to = s
	return ""
}

func truth(to *bool, v any) string {
	b, ok := v.(bool)
	if !ok {
		return "must be true or false, without quotes"
	}
	*to = b
	return ""
}

func moment(to *time.Time, v any) string {
	t, ok := v.(time.Time)
	if !ok {
		return "must be a date and time with its offset and without quotes, such as 2027-01-31T08:00:00Z or 2027-01-31T08:00:00+01:00"
	}
	*to = t
	return ""
}

func span(to *time.Duration, v any) string {
	const want = `must be a duration in quotes, such as "90s", "10m" or "1h30m"`
	s, ok := v.(string)
	if !ok {
		return want
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return want
	}
	if d <= 0 || d > 24*time.Hour {
		return "must be longer than nothing and at most 24h"
	}
	*to = d
	return ""
}

func number(to *float64, v any, least, most float64) string {
	f, ok := v.(float64)
	if n, whole := v.(int64); whole {
		f, ok = float64(n), true
	}
	if !ok || math.IsNaN(f) || f < least || f > most {
		return fmt.Sprintf("must be a number from %v to %v, without quotes", least, most)
	}
	*to = f
	return ""
}

func count(to *int, v any, least, most int64) string {
	n, ok := v.(int64)
	if !ok || n < least || n > most {
		return fmt.Sprintf("must be a whole number from %d to %d, without quotes", least, most)
	}
	*to = int(n)
	return ""
}

var sizes = regexp.MustCompile(`^([0-9]{1,10}) ?(|[kKMG]i?)B$`)

// size takes bytes, or a text with a unit: kB is 1000 bytes, KiB 1024.
func size(to *int64, v any) string {
	const least, most = 10_000, 1_000_000_000
	n, ok := v.(int64)
	if s, isText := v.(string); isText {
		m := sizes.FindStringSubmatch(s)
		if ok = m != nil; ok {
			n, _ = strconv.ParseInt(m[1], 10, 64)
			step := int64(1000)
			if strings.HasSuffix(m[2], "i") {
				step = 1024
			}
			for range strings.Index(" KMG", strings.ToUpper(m[2] + " ")[:1]) {
				n *= step
			}
		}
	}
	if !ok {
		return `must be a size, such as "500kB", "1MB" or 1000000`
	}
	if n < least || n > most {
		return "must be at least 10kB and at most 1GB"
	}
	*to = n
	return ""
}

func folder(to *string, v any) string {
	const want = `must be an absolute path or one that begins with "~/"`
	s, ok := v.(string)
	switch {
	case !ok:
		return want
	case strings.ContainsFunc(s, unicode.IsControl):
		if filepath.Separator == '\\' {
			return `holds a control character; write a path with \ in single quotes`
		}
		return "holds a control character"
	case !strings.HasPrefix(filepath.ToSlash(s), "~/") && !filepath.IsAbs(s):
		return want
	}
	*to = s
	return ""
}

func profile(to *string, v any) string {
	if what := text(to, v); what != "" {
		return what
	}
	if strings.ContainsAny(*to, "/@") {
		return "must not hold / or @"
	}
	return ""
}

// address takes the URL of an endpoint.
func address(to *string, v any) string {
	const want = "must be a URL with https, or with http on this computer"
	s, ok := v.(string)
	if !ok {
		return want
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" {
		return want
	}
	ip := net.ParseIP(u.Hostname())
	here := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	switch {
	case u.Scheme != "https" && !(u.Scheme == "http" && here):
		return want
	case u.User != nil:
		return "must not hold a user name or password"
	case u.Fragment != "":
		return "must not have a fragment"
	}
	*to = s
	return ""
}

// resource takes what RFC 8707 section 2 calls a resource: an absolute URI
// without a fragment.
func resource(to *string, v any) string {
	s, ok := v.(string)
	u, err := url.Parse(s)
	if !ok || err != nil || !u.IsAbs() || strings.Contains(s, "#") {
		return `must be an absolute URL without a fragment, or "" to send none`
	}
	*to = s
	return ""
}

// isHostName takes labels of letters and digits of any script, "_" and, within,
// "-". A regular expression for it would cost every start 0.5 ms.
func isHostName(s string) bool {
	for label := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		odd := func(r rune) bool { return r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsNumber(r) }
		if label == "" || strings.Trim(label, "-") != label || strings.ContainsFunc(label, odd) {
			return false
		}
	}
	return true
}

func hosts(to *[]string, v any) string {
	const want = `must be a list of host names, addresses and networks, such as ["sso.corp.example", "10.0.0.0/8"]`
	list, ok := v.([]any)
	if !ok {
		return want
	}
	hosts := []string{}
	for _, e := range list {
		s, ok := e.(string)
		if !ok {
			return want
		}
		if p, err := netip.ParsePrefix(s); err == nil {
			if p != p.Masked() {
				return fmt.Sprintf("has a network with bits beyond its length: the network of that length is %v", p.Masked())
			}
		} else if _, err := netip.ParseAddr(s); err != nil && !isHostName(s) {
			return want
		}
		hosts = append(hosts, s)
	}
	*to = hosts
	return ""
}
