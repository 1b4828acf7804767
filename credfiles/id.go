package credfiles

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
)

// NameAll gives every credential its ID: client/kind/name, with @profile for
// a home that is not the default one. Where two would have the same, both get
// four digits of their key's hash behind a tilde, or more if those are the
// same too, so that an ID never moves from one entry to another.
func NameAll(all []Credential) {
	same := map[string][]int{}
	for i := range all {
		id := all[i].id("")
		same[id] = append(same[id], i)
	}
	for digits := 4; ; digits += 4 {
		taken := map[string]bool{}
		for id, which := range same {
			for _, i := range which {
				all[i].ID = id
				if len(which) > 1 {
					sum := sha256.Sum256([]byte(all[i].tag(all, which)))
					all[i].ID = all[i].id("~" + hex.EncodeToString(sum[:])[:digits])
				}
				taken[all[i].ID] = true
			}
		}
		if len(taken) == len(all) || digits == 2*sha256.Size {
			return
		}
	}
}

// tag tells a credential from others of its ID: by its place in the home, which
// is the same on every computer, and by the store only where there are two, as
// in items of the macOS keychain for two accounts.
func (c Credential) tag(all []Credential, which []int) string {
	tag := c.Profile + "\x00" + c.Key.Entry
	for _, i := range which {
		if o := all[i]; o.Profile == c.Profile && o.Key.Entry == c.Key.Entry && o.Key.Store != c.Key.Store {
			return tag + "\x00" + c.Key.Store
		}
	}
	return tag
}

func (c Credential) id(suffix string) string {
	id := c.Client
	if c.Kind != c.Client { // own/graph, not own/own/graph
		id += "/" + c.Kind
	}
	if c.Name != "" {
		id += "/" + c.Name
	}
	id += suffix
	if c.Profile != "" {
		id += "@" + c.Profile
	}
	return printable(id)
}

// printable keeps a name from doing things to a terminal, or to the person
// before it: whatever is not shown as a character of its own is written as its
// code point.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == ' ' || unicode.IsGraphic(r) && !unicode.IsSpace(r) && !invisible(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "<%04X>", r)
		}
	}
	return b.String()
}

// invisible finds what Unicode counts among letters, marks and symbols and
// draws as nothing: fillers, joiners, variation selectors, the empty braille
// pattern.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) || r == '\u2800'
}

// Match finds the credentials that an argument means: the one whose ID it is,
// else those of whose ID it is a tail that begins at a slash.
func Match(ids []string, arg string) []string {
	var tails []string
	if arg == "" {
		return nil
	}
	for _, id := range ids {
		if id == arg {
			return []string{id}
		}
		if strings.HasSuffix(id, "/"+arg) {
			tails = append(tails, id)
		}
	}
	return tails
}
