package keychain

import (
	"encoding/hex"
	"strings"
	"time"
)

// parse reads what security prints of an item, one attribute a line:
//
//	0x00000007 <blob>="a label"
//	"acct"<blob>="a name"
//	"mdat"<timedate>=0x3230...00  "20261121150405Z\000"
//
// A value with other bytes than printable ASCII has its hexadecimal digits
// before the text, or instead of it; one that is not there is <NULL>.
func parse(printed []byte) (item Item) {
	for text := range strings.Lines(string(printed)) {
		name, value, ok := strings.Cut(strings.TrimSpace(text), "=")
		if !ok {
			continue
		}
		switch {
		case strings.HasPrefix(name, "0x00000007 "):
			item.Label = attribute(value)
		case strings.HasPrefix(name, `"acct"`):
			item.Account = attribute(value)
		case strings.HasPrefix(name, `"svce"`):
			item.Service = attribute(value)
		case strings.HasPrefix(name, `"mdat"`):
			// Without a time it is as one that never changes.
			item.Modified, _ = time.Parse("20060102150405Z", strings.TrimRight(attribute(value), "\x00"))
		}
	}
	return item
}

func attribute(printed string) string {
	if digits, ok := strings.CutPrefix(printed, "0x"); ok {
		digits, _, _ = strings.Cut(digits, " ")
		text, err := hex.DecodeString(digits)
		if err != nil {
			return ""
		}
		return string(text)
	}
	if len(printed) < 2 || printed[0] != '"' || printed[len(printed)-1] != '"' {
		return "" // <NULL>
	}
	return printed[1 : len(printed)-1]
}
