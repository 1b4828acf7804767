package app

import (
	"strings"
	"testing"
)

func TestADoctorsRefreshIsAskedForOnATerminal(t *testing.T) {
	t.Parallel()
	st, err := newStage()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.close)
	posts := func() (n int) {
		for _, g := range st.well.Grants() {
			n += st.well.TokenPosts(g.ID)
		}
		return n
	}
	for _, test := range []struct {
		answer      string
		code, posts int
		shown       string
	}{
		{"n\n", exitFailed, 0, "Nothing was sent."},
		{"\n", exitFailed, 0, "Nothing was sent."},
		{interrupt, exitLater, 0, "Go on?"},
		{"y\n", exitDone, 1, "done: a new access token"},
	} {
		before := posts()
		shown, code := onTerminal(t, st.dir, 80, nil, map[string]string{"[y/N]": test.answer}, "doctor", "--refresh", "codex/mcp/linear")
		if n := posts() - before; n != test.posts || code != test.code || !strings.Contains(shown, test.shown) {
			t.Errorf("%q: %d POSTs, code %d:\n%s", test.answer, n, code, shown)
		}
	}
}
