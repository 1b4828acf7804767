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
// four digits of their key's hash behind a tilde, so that an ID never moves
// from one entry to another.
func NameAll(all []Credential) {
	count := map[string]int{}
	for i := range all {
		all[i].ID = plainID(all[i])
		count[all[i].ID]++
	}
	for i := range all {
		if c := &all[i]; count[c.ID] > 1 {
			sum := sha256.Sum256([]byte(c.Key.Store + "\x00" + c.Key.Entry))
			c.ID = c.id("~" + hex.EncodeToString(sum[:2]))
		}
	}
}

func plainID(c Credential) string { return c.id("") }

func (c Credential) id(suffix string) string {
	id := c.Client + "/" + c.Kind
	if c.Name != "" {
		id += "/" + c.Name
	}
	id += suffix
	if c.Profile != "" {
		id += "@" + c.Profile
	}
	return printable(id)
}

// printable keeps a name from doing things to a terminal: whatever is not
// shown as a character of its own is written as its code point.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == ' ' || unicode.IsGraphic(r) && !unicode.IsSpace(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "<%04X>", r)
		}
	}
	return b.String()
}

// Match finds the credentials that an argument means: the one whose ID it is,
// else those of whose ID it is a tail that begins at a slash.
func Match(ids []string, arg string) []string {
	var tails []string
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
