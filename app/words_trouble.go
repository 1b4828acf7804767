package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/exchange"
)

// failures are the classes of what goes wrong on the way to a server.
var failures = map[string]string{
	exchange.FailureCancelled:   "interrupted before anything was sent",
	exchange.FailureTimeout:     "the server does not answer in time",
	exchange.FailureDNS:         "the server's name cannot be looked up",
	exchange.FailureConnect:     "the server cannot be reached",
	exchange.FailureProxy:       "the proxy does not let us through",
	exchange.FailureTLS:         "no secure connection to the server",
	exchange.FailureCertificate: "the server's certificate is not trusted",
	exchange.FailureReset:       "the connection broke off",
	exchange.FailureEOF:         "the connection broke off",
	exchange.FailureReused:      "the connection was not a fresh one",
	exchange.FailureOther:       "the server cannot be reached",
	exchange.FailureRequest:     "the request cannot be sent as it is",
	exchange.FailureTooLong:     "the server's answer is far too long",
	"cut":                       "the server's answer broke off",
	"empty":                     "the server's answer was empty",
	"html":                      "a web page came in place of an answer",
	"no-token":                  "the server's answer held no token",
}

// signs are how the system's own words tell the class of a failure.
var signs = []struct{ sign, class string }{
	{"proxyconnect", exchange.FailureProxy},
	{"no such host", exchange.FailureDNS},
	{"server misbehaving", exchange.FailureDNS},
	{"certificate", exchange.FailureCertificate},
	{"x509:", exchange.FailureCertificate},
	{"tls:", exchange.FailureTLS},
	{"timeout", exchange.FailureTimeout},
	{"deadline exceeded", exchange.FailureTimeout},
	{"no answer in time", exchange.FailureTimeout},
	{"refused", exchange.FailureConnect},
	{"unreachable", exchange.FailureConnect},
	{"no route to host", exchange.FailureConnect},
	{"reset", exchange.FailureReset},
	{"EOF", exchange.FailureEOF},
	{"broken pipe", exchange.FailureReset},
}

// advices are what to do about what the system says of a file, whosever it is.
var advices = []struct{ sign, do string }{
	{"no space left", "free some space"},
	{"not enough space", "free some space"}, // Windows
	{"does not fit on the disk", "free some space"},
	{"quota exceeded", "free some space, or have your quota raised"},
	{"read-only file system", "mount it writable"},
	{"permission denied", permission},
	{"operation not permitted", permission},
	{"no new file can be put", permission},
	{"Access is denied", permission}, // Windows
	{"no such file or directory", "put it back"},
	{"file does not exist", "put it back"},
	{"cannot find the", "put it back"}, // Windows
	{"removed by another program", "try again"},
	{"is not any more", "try again"},
	{"too many open files", "end some programs, or raise the limit (ulimit -n)"},
	{"input/output error", "look at the disk: it may be failing"},
}

const permission = "give yourself the permission"

// advice is what to do about an error of the system's; empty: nobody knows.
func advice(text string) string {
	for _, a := range advices {
		if strings.Contains(text, a.sign) {
			return a.do
		}
	}
	return ""
}

var (
	statusIn = regexp.MustCompile(`status (\d{3})`)
	urlIn    = regexp.MustCompile(`^https?://([^/: ]+(:\d+)?)[^ ]*: `)
)

// plainTrouble says in plain words why a server gave no answer that counts.
func plainTrouble(code, detail string) string {
	if text, ok := httpTrouble(code); ok {
		return text
	}
	if text, ok := failures[code]; ok {
		return text
	}
	if plain := plainError(detail); plain != "" {
		return plain
	}
	if code != "" {
		return "the server is in trouble (" + code + ")"
	}
	return "the server cannot be reached"
}

// plainError puts plain words in the place of what the network said. The host
// stays: it is the one thing in there that a person can check.
func plainError(text string) string {
	m := urlIn.FindStringSubmatch(text)
	if m == nil { // not the network's
		if words, ok := failures[text]; ok {
			return words
		}
		if strings.HasSuffix(text, "signal received") || text == context.Canceled.Error() {
			return failures[exchange.FailureCancelled]
		}
		return text
	}
	host := m[1]
	text = text[len(m[0]):]
	at := func(s string) string { return s + " (" + host + ")" }
	if m := statusIn.FindStringSubmatch(text); m != nil {
		s, _ := httpTrouble("http-" + m[1])
		return at(s)
	}
	for _, s := range signs {
		if strings.Contains(text, s.sign) {
			return at(failures[s.class])
		}
	}
	return at(text)
}

func httpTrouble(code string) (string, bool) {
	n, err := strconv.Atoi(strings.TrimPrefix(code, "http-"))
	if err != nil || !strings.HasPrefix(code, "http-") {
		return "", false
	}
	return fmt.Sprintf("the server answered %s", strings.TrimSpace(strconv.Itoa(n)+" "+http.StatusText(n))), true
}

// storeTrouble says why a store cannot be written, and what to do. Memory
// holds the error's text only.
func (v view) storeTrouble(row refresher.Row) (why, do string) {
	text := row.Memory.Detail
	if rest, ok := strings.CutPrefix(text, row.Path+": "); ok {
		kind, err, _ := strings.Cut(rest, ": ")
		p := credfiles.Problem{Store: row.Path, Client: row.Client, Kind: credfiles.ProblemKind(kind)}
		if err != "" {
			p.Err = errors.New(err)
		}
		return v.trouble(p)
	}
	return v.tilde(text), advice(text)
}

// problem is a Problem in whole sentences.
func (v view) problem(p credfiles.Problem) string {
	what, do := v.trouble(p)
	if unread(p) {
		what += "; nothing was written to it"
	}
	if do != "" {
		what += ". " + upper(do)
	}
	return upper(what) + "."
}

// unread reports that a store could not be read at all.
func unread(p credfiles.Problem) bool {
	switch p.Kind {
	case credfiles.Empty, credfiles.Torn, credfiles.Trailing, credfiles.NotJSON, credfiles.NotUTF8, credfiles.TooDeep, credfiles.TooLarge,
		credfiles.NotRegular, credfiles.Dangling, credfiles.Denied, credfiles.Failed,
		credfiles.Sealed, credfiles.Locked, credfiles.NoKeyring, credfiles.Slow, credfiles.NotAllowed, credfiles.Double:
		return true
	case credfiles.OddShape:
		return p.Entry == ""
	}
	return false
}

// trouble says what is the matter with a store, and what to do about it.
func (v view) trouble(p credfiles.Problem) (what, do string) {
	store, client := shortPath(v.home, p.Store), credfiles.Title(p.Client)
	if strings.HasPrefix(store, "keyring: ") && p.Entry != "" {
		store += ", " + p.Entry
	}
	again := "sign in again in " + client
	line := ""
	if p.Line > 0 {
		line = fmt.Sprintf(" (line %d)", p.Line)
	}
	said := ""
	if p.Err != nil {
		said = ": " + v.tilde(p.Err.Error())
	}
	may := func(chmod string) string {
		if v.os == "windows" {
			return ""
		}
		return " (" + chmod + ")"
	}
	if p.Kind == undelivered {
		return v.undelivered(p.Entry, p.Err)
	}
	if what, do := ringTrouble(p, store, client); what != "" {
		return what, do
	}
	switch p.Kind {
	case credfiles.Empty:
		return store + " is empty", again + ", or put a backup in its place"
	case credfiles.Torn:
		return store + " ends in the middle" + line, "mend it, or " + again
	case credfiles.Trailing:
		return store + " goes on after its end, as after a crash" + line, "remove what follows the last brace, or " + again
	case credfiles.NotJSON:
		return store + " is not JSON" + line, "mend it, or " + again
	case credfiles.NotUTF8:
		return store + " is not plain UTF-8" + line, "save it as UTF-8 without a byte order mark"
	case credfiles.TooDeep:
		return store + " is nested too deeply to be " + client + "'s", "mend it, or " + again
	case credfiles.TooLarge:
		return store + " is too large to be " + client + "'s", "see what fills it"
	case credfiles.OddShape:
		if p.Entry != "" {
			return store + ": " + p.Entry + " is not written as " + client + " writes it, so it is left alone", again
		}
		return store + " is not written as " + client + " writes it", "mend it, or " + again
	case credfiles.NotRegular:
		return store + " is not a file", "move it away, then " + again
	case credfiles.Dangling:
		return store + " is a link to nothing", "put its target back, or remove the link"
	case credfiles.Denied:
		return "you may not read and write " + store, "give yourself the permission" + may("chmod u+rw")
	case credfiles.Mount:
		return store + " is mounted as a single file, so it cannot be replaced safely", "mount its folder instead"
	case credfiles.ReadOnly:
		return store + " is on a read-only file system", "mount it writable"
	case credfiles.Folder:
		do := advice(said)
		if do == "" || do == permission {
			do = "give yourself the permission to write in its folder" + may("chmod u+w")
		}
		return "nothing can be created beside " + store + said, do
	case credfiles.Owner:
		return store + " belongs to somebody to whom a new file cannot be given", "change its owner, or run as that user"
	case credfiles.Space:
		return "there is no room left for " + store, "free some space"
	case credfiles.BadConfig:
		return store + " cannot be read" + line + ", and a client secret may stand in it, so nothing of " + client + " is refreshed", "mend it"
	case credfiles.Cache:
		return store + " could not be changed" + said + ", so " + client + " may skip a server for 15 minutes", "remove it"
	}
	return store + " cannot be used" + said, advice(said)
}

// upper begins a sentence.
func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
