package credfiles

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func named(names ...string) []Credential {
	var all []Credential
	for _, name := range names {
		all = append(all, Credential{Client: "codex", Kind: "mcp", Name: name, Key: Key{Store: "/s", Entry: name + "|1"}})
	}
	return all
}

func TestAnIDIsTheNameAsFarAsItCanBeShown(t *testing.T) {
	for name, want := range map[string]string{
		"linear":               "codex/mcp/linear",
		"my server":            "codex/mcp/my server",
		"a/b":                  "codex/mcp/a/b",
		"me@work":              "codex/mcp/me@work",
		"日本 العربية עברית é":   "codex/mcp/日本 العربية עברית é",
		"a😀":                   "codex/mcp/a😀",
		"a\x1b[2Jb":            "codex/mcp/a<001B>[2Jb",
		"a\r\nb\tc\x7f\u0085":  "codex/mcp/a<000D><000A>b<0009>c<007F><0085>",
		"a\u202Ecba":           "codex/mcp/a<202E>cba", // right to left
		"a\u2066b\u2069":       "codex/mcp/a<2066>b<2069>",
		"a\u200Bb\u200D\uFEFF": "codex/mcp/a<200B>b<200D><FEFF>", // no width
		"a\u00ADb":             "codex/mcp/a<00AD>b",
		"a\u034Fb\uFE0F":       "codex/mcp/a<034F>b<FE0F>",
		"a\u115F\u3164\u2800":  "codex/mcp/a<115F><3164><2800>",
		"a\u00A0b\u2003c":      "codex/mcp/a<00A0>b<2003>c", // spaces that are no space
		"a\u2028b":             "codex/mcp/a<2028>b",
		"a\U000E0061b":         "codex/mcp/a<E0061>b", // a tag
		"a\ue000b":             "codex/mcp/a<E000>b",  // for private use
	} {
		all := named(name)
		NameAll(all)
		if all[0].ID != want {
			t.Errorf("%+q: %+q, want %+q", name, all[0].ID, want)
		}
	}
}

// Whatever a name holds, its ID moves no cursor and hides nothing.
func FuzzAnIDIsHarmless(f *testing.F) {
	f.Add("a\x1b]0;title\a", "p\u202e")
	f.Fuzz(func(t *testing.T, name, profile string) {
		all := []Credential{{Client: "codex", Kind: "mcp", Name: name, Profile: profile}}
		NameAll(all)
		id := all[0].ID
		if !utf8.ValidString(id) {
			t.Errorf("%q is not UTF-8", id)
		}
		for _, r := range id {
			if unicode.In(r, unicode.C, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point) || r != ' ' && unicode.IsSpace(r) {
				t.Errorf("%+q has %U", id, r)
			}
		}
		if got := Match([]string{id}, id); !slices.Equal(got, []string{id}) {
			t.Errorf("%q does not find itself: %q", id, got)
		}
	})
}

func TestTwoOfOneNameBothGetPartOfTheirKey(t *testing.T) {
	all := named("one", "two", "two", "a\u200b", "a<200B>")
	all[2].Key.Entry = "two|2"
	all = append(all, Credential{Client: "claude", Kind: "mcp", Name: "two"}, Credential{Client: "codex", Kind: "login"})
	NameAll(all)
	ids := map[string]bool{}
	for _, c := range all {
		ids[c.ID] = true
	}
	if len(ids) != len(all) {
		t.Errorf("%d IDs for %d credentials", len(ids), len(all))
	}
	for i, prefix := range []string{"codex/mcp/one", "codex/mcp/two~", "codex/mcp/two~", "codex/mcp/a<200B>~", "codex/mcp/a<200B>~", "claude/mcp/two", "codex/login"} {
		suffix, ok := strings.CutPrefix(all[i].ID, prefix)
		if !ok || len(suffix) != 4*strings.Count(prefix, "~") {
			t.Errorf("%q, want %q and four digits or none", all[i].ID, prefix)
		}
	}
	// The suffix is the entry's, not the place's in the list, nor the store's.
	back := slices.Clone(all)
	slices.Reverse(back)
	for i := range back {
		back[i].Key.Store = "/elsewhere"
	}
	NameAll(back)
	for i, c := range back {
		if c.ID != all[len(all)-1-i].ID {
			t.Errorf("%q was %q", c.ID, all[len(all)-1-i].ID)
		}
	}
}

// Four digits of 300 keys are the same somewhere (with near certainty); then
// all get more, and a name that looks like a suffix keeps its own.
func TestIDsAreUniqueHoweverManyThereAre(t *testing.T) {
	var all []Credential
	for i := range 2000 {
		all = append(all, Credential{Client: "codex", Kind: "mcp", Name: "x", Key: Key{Entry: fmt.Sprint("x|", i)}})
	}
	NameAll(all)
	taken := map[string]bool{all[0].ID[:len("codex/mcp/x~0000")]: true}
	imitation := Credential{Client: "codex", Kind: "mcp", Name: strings.TrimPrefix(all[7].ID, "codex/mcp/"), Key: Key{Entry: "other"}}
	all = append(all, imitation)
	NameAll(all)
	clear(taken)
	for _, c := range all {
		if taken[c.ID] {
			t.Fatalf("%s twice", c.ID)
		}
		taken[c.ID] = true
	}
}

func TestAnyTailMatches(t *testing.T) {
	ids := []string{
		"codex/mcp/linear", "claude/mcp/linear", "claude/mcp/slack", "claude/mcp/slack@work", "codex/login", "claude/login",
		"codex/mcp/login", "codex/mcp/a/b", "codex/mcp/my server", "own/graph", "codex/mcp/codex/login", "claude/mcp/日本",
	}
	for arg, want := range map[string][]string{
		"codex/mcp/linear": {"codex/mcp/linear"},
		"linear":           {"codex/mcp/linear", "claude/mcp/linear"},
		"mcp/linear":       {"codex/mcp/linear", "claude/mcp/linear"},
		"slack":            {"claude/mcp/slack"},
		"slack@work":       {"claude/mcp/slack@work"},
		"work":             nil,
		"inear":            nil,
		"/linear":          nil,
		"LINEAR":           nil,
		"":                 nil,
		"/":                nil,
		"login":            {"codex/login", "claude/login", "codex/mcp/login", "codex/mcp/codex/login"},
		"codex/login":      {"codex/login"}, // its whole ID, also where it is another's tail
		"mcp/login":        {"codex/mcp/login"},
		"b":                {"codex/mcp/a/b"},
		"a/b":              {"codex/mcp/a/b"},
		"my server":        {"codex/mcp/my server"},
		"graph":            {"own/graph"},
		"日本":               {"claude/mcp/日本"},
		"nothing":          nil,
	} {
		if got := Match(ids, arg); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", arg, got, want)
		}
	}
}
