package credfiles

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"lamplighter/credfiles/jsonedit"
)

// deleters are the clients that delete an entry of an array after any error.
var deleters = slices.DeleteFunc(slices.Clone(clients), func(c *client) bool { return !c.wipesOnError || !c.files[0].kinds[0].list })

// putBack wipes an entry and puts it back.
func (l *lab) putBack(who Credential, t Token) (Result, error) {
	l.t.Helper()
	var old Credential
	for _, c := range l.scan() {
		if c.Key == who.Key {
			old = c
		}
	}
	h, err := l.storeOf(who).Hold(context.Background(), who)
	l.must(err)
	defer func() { l.must(h.Close()) }()
	return h.PutBack(context.Background(), old, who.Text, t, noImage)
}

func TestAnEntryThatWasDeletedComesBackAsItWas(t *testing.T) {
	for _, c := range deleters {
		for _, what := range []string{"the last", "the first", "the only one", "by name", "compact"} {
			t.Run(c.name+"/"+what, func(t *testing.T) {
				l := realLab(t, c)
				if what == "compact" {
					l.put(l.file(), l.entries(func(map[string]map[string]any) {}))
				}
				who := map[string]string{"the first": "lab"}[what]
				if who == "" {
					who = "notes"
				}
				one := l.one(who)
				before := l.get(l.file())
				gone := l.entries(func(all map[string]map[string]any) { delete(all, longKey(who)) })
				if what == "by name" { // as the client itself writes what is left
					gone = indent(gone, "  ")
				}
				switch {
				case what == "the only one":
					l.must(os.Remove(l.path(l.file())))
				default:
					l.put(l.file(), gone)
				}
				result, err := l.putBack(one, one.Token)
				if err != nil || result != Written {
					t.Fatal(result, err)
				}
				now := l.one(who)
				now.ID, one.ID = "", ""
				if what != "compact" && now.Text.Reveal() != one.Text.Reveal() {
					t.Errorf("the entry is\n%s\nwas\n%s", now.Text.Reveal(), one.Text.Reveal())
				}
				equal(t, "read back", l.describe([]Credential{now}, nil), l.describe([]Credential{one}, nil))
				if what == "the last" && json.Valid([]byte(before)) != json.Valid([]byte(l.get(l.file()))) {
					t.Error("it is no JSON any more")
				}
				// Members that stayed are as they were, and nobody else's came.
				doc, err := jsonedit.Parse([]byte(l.get(l.file())))
				l.must(err)
				if want := map[bool]int{true: 1, false: 2}[what == "the only one"]; len(doc.Elements())+len(doc.Members()) != want {
					t.Errorf("%d entries, want %d", len(doc.Elements())+len(doc.Members()), want)
				}
				if info, err := os.Stat(l.path(l.file())); err != nil || info.Mode().Perm() != 0o600 {
					t.Error(info.Mode(), err)
				}
				// A second time there is nothing to do.
				text := l.get(l.file())
				if result, err := l.putBack(one, one.Token); err != nil || result != Written {
					t.Error("again:", result, err)
				}
				equal(t, "the store", l.get(l.file()), text)
			})
		}
	}
}

// The file of a client that wrote one entry with JSON.stringify comes back byte
// for byte.
func TestAFileThatWasRemovedComesBackByteForByte(t *testing.T) {
	for _, c := range deleters {
		l := realLab(t, c)
		wiped, err := os.ReadFile("testdata/real/" + real[c] + "/after-invalid_grant." + l.file())
		l.must(err)
		l.put(l.file(), string(wiped))
		one := l.one("notes")
		l.must(os.Remove(l.path(l.file())))
		if result, err := l.putBack(one, one.Token); err != nil || result != Written {
			t.Fatal(c.name, result, err)
		}
		equal(t, c.name, l.get(l.file()), string(wiped))
	}
}

func TestANewerTokenIsPutIntoTheEntryThatComesBack(t *testing.T) {
	for _, c := range deleters {
		l := realLab(t, c)
		one := l.one("lab")
		l.must(os.Remove(l.path(l.file())))
		if result, err := l.putBack(one, fresh("lab")); err != nil || result != Written {
			t.Fatal(c.name, result, err)
		}
		if now := l.one("lab"); !has(now, fresh("lab")) || now.ClientID != one.ClientID {
			t.Errorf("%s: %+v", c.name, now)
		}
	}
}

func TestNothingIsPutBackOverASignIn(t *testing.T) {
	for _, c := range deleters {
		l := realLab(t, c)
		one := l.one("lab")
		before := l.get(l.file())
		l.put(l.file(), strings.ReplaceAll(before, one.Refresh.Reveal(), "rt_theirs_EXAMPLE"))
		theirs := l.get(l.file())
		if result, err := l.putBack(one, one.Token); err != nil || result != Theirs {
			t.Error(c.name, result, err)
		}
		equal(t, "the store", l.get(l.file()), theirs)
		// Nor where the name is another server's by now, nor in a home that is gone.
		l.must(os.Remove(l.path(l.file())))
		l.put(geminiSettings, strings.ReplaceAll(l.get(geminiSettings), "18700", "18799"))
		if result, err := l.putBack(one, one.Token); err == nil {
			t.Error(c.name, "another server:", result)
		}
		if _, err := os.Stat(l.path(l.file())); !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
		l.must(os.RemoveAll(l.dir))
		if result, err := l.putBack(one, one.Token); err == nil && result != Gone {
			t.Error(c.name, "no home:", result)
		}
	}
}

// Somebody signs in while the file is made.
func TestAnEntryThatComesBackMeetsAProgramThatWrites(t *testing.T) {
	for _, c := range deleters {
		l := realLab(t, c)
		one, both := l.one("lab"), l.get(l.file())
		only := l.entries(func(all map[string]map[string]any) { delete(all, longKey("lab")) })
		for i, theirs := range []string{only, both} {
			l.put(l.file(), only)
			h, err := l.storeOf(one).Hold(context.Background(), one)
			l.must(err)
			times := 0
			h.pause = before(func() {
				if times++; times == 1 {
					l.replace(theirs + "\n")
				}
			})
			result, err := h.PutBack(context.Background(), Credential{Key: one.Key}, one.Text, one.Token, noImage)
			l.must(err)
			l.must(h.Close())
			if result != Written || times < 1 || len(l.there()) != 2 {
				t.Errorf("%s, %d: %v after %d", c.name, i, result, times)
			}
		}
	}
}

func TestADocumentOfOneEntryLooksAsItsClientWritesIt(t *testing.T) {
	for _, row := range []struct {
		k           kind
		entry, want string
	}{
		{kind{list: true}, "{\n    \"a\": 1\n  }", "[\n  {\n    \"a\": 1\n  }\n]"},
		{kind{list: true}, `{"a":1}`, `[{"a":1}]`},
		{kind{list: true, at: at("x")}, "{\n      \"a\": 1\n    }", "{\n  \"x\": [\n    {\n      \"a\": 1\n    }\n  ]\n}"},
		{kind{keyed: true}, "{\n    \"a\": 1\n  }", "{\n  \"k\": {\n    \"a\": 1\n  }\n}"},
		{kind{at: at("x")}, "{\n      \"a\": 1\n    }", "{\n  \"x\": {\n    \"k\": {\n      \"a\": 1\n    }\n  }\n}"},
		{kind{at: at("x")}, `{"a":1}`, `{"x":{"k":{"a":1}}}`},
		{kind{single: true}, "{\n  \"a\": 1\n}", "{\n  \"a\": 1\n}"},
	} {
		s := Store{client: &client{}, file: &file{kinds: []kind{row.k}}, entry: "k"}
		if got := s.alone(Key{Entry: "k"}, row.entry); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
	}
}
