package credfiles

import (
	"crypto/sha256"
	"encoding/hex"
	"unicode/utf8"

	"lamplighter/credfiles/jsonedit"
)

// EntryKey is the key under which Codex and Claude Code file the credential of
// a server at url that has no headers of its own: the name, and half of a hash
// of the transport (observed: Codex 0.169.0, four URLs; Claude Code 2.1.74 to
// 2.1.329).
func EntryKey(name, url string) string { return entryKey(name, "http", url, []byte("{}")) }

// entryKey hashes what serde_json and JSON.stringify make of a transport, in
// this order and without spaces. Neither escapes more than it must, so
// encoding/json, which escapes <, > and &, would give another key. It is empty
// for what no store can hold, because it is not UTF-8.
func entryKey(name, typ, url string, headers []byte) string {
	if !utf8.ValidString(name + typ + url) {
		return ""
	}
	text := append([]byte(`{"type":`), jsonedit.Quote(typ)...)
	text = append(append(text, `,"url":`...), jsonedit.Quote(url)...)
	text = append(append(append(text, `,"headers":`...), headers...), '}')
	sum := sha256.Sum256(text)
	return name + "|" + hex.EncodeToString(sum[:8])
}
