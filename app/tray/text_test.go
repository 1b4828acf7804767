//go:build !darwin || cgo

package tray

import (
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
)

func TestALineOfTheMenuIsCutWhereItIsTooWide(t *testing.T) {
	long := strings.Repeat("long — ", 30)
	for s, want := range map[string]string{
		"server — 8 h left": "server — 8 h left",
		long:                string([]rune(long)[:widest-1]) + "…",
	} {
		if got := fit(s); got != want {
			t.Errorf("%q is shown as %q", s, got)
		}
	}
	for _, s := range []string{long, strings.Repeat("é", 100), strings.Repeat("日本", 60), "a" + strings.Repeat("日", 100), strings.Repeat("한", 99), strings.Repeat("😀", 50), strings.Repeat("→≤", 99)} {
		got := fit(s)
		if n := runewidth.StringWidth(got); n > widest || n < widest-2 || !strings.HasSuffix(got, "…") {
			t.Errorf("%.20q... has %d columns", s, n)
		}
	}
}
