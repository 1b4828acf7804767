package credfiles

import (
	"os"
	"testing"
)

// Amazon Q deletes the file, Crush what stood in an object that stays.
func TestAWipedFileAndAWipedMemberComeBack(t *testing.T) {
	for _, c := range []*client{&amazonQ, &crush} {
		l := realLab(t, c)
		one := l.one("lab")
		if c == &crush {
			l.put("crush.json", `{"mcp":{"lab":{},"notes":{}}}`)
		} else {
			l.must(os.Remove(l.path(l.file())))
		}
		if now := l.one("lab"); !now.Missing || !now.UnsureWipe {
			t.Errorf("%s: %+v", c.name, now)
		}
		token := fresh("lab")
		result, err := l.putBack(one, token)
		if now := l.one("lab"); err != nil || result != Written || !has(now, token) || now.Missing || now.ClientID != one.ClientID {
			t.Errorf("%s: %v, %v, %+v", c.name, result, err, now)
		}
	}
}
