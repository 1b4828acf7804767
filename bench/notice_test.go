//go:build bench && linux

package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

// A client signs in anew with a token that ends soon, and replaces its store as
// clients do. The keeper sees it, waits until the store has been quiet for
// 200 ms, decides, and asks the server: the arrival of its POST is what is
// timed, so that all that comes before a POST is in it.
func TestNotice(t *testing.T) {
	const most = 300 * time.Millisecond
	rounds := few(100, 20)
	tb := newTable(fmt.Sprintf("Store changed to decision made, %d sign-ins, 10 credentials", rounds), "from the rename to", "p50", "p99", "target of p50")

	s := authtest.New(t, eightHours)
	l := ten(t, s)
	line := l.Codex("late", s, authtest.GrantOptions{})
	keeper := l.Keep()
	if !lab.Until(20*time.Second, func() bool { _, err := os.Stat(l.State + "/memory"); return err == nil }) {
		t.Fatal("the keeper does not start")
	}
	time.Sleep(2 * time.Second)

	var took sample
	for range rounds {
		text, err := os.ReadFile(line.Store)
		if err != nil {
			t.Fatal(err)
		}
		c, ok := l.Stored(line)
		if !ok {
			t.Fatal("the credential is not in its store")
		}
		g := s.Grant(authtest.GrantOptions{AccessLeft: time.Minute})
		next := strings.NewReplacer(
			c.Access.Reveal(), g.AccessToken, c.Refresh.Reveal(), g.RefreshToken, c.ClientID, g.ClientID,
			strconv.FormatInt(c.Expiry.UnixMilli(), 10), strconv.FormatInt(g.Expiry.UnixMilli(), 10),
		).Replace(string(text))
		if err := os.WriteFile(line.Store+".new", []byte(next), 0o600); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := os.Rename(line.Store+".new", line.Store); err != nil {
			t.Fatal(err)
		}
		line.Grant = g
		if !lab.Until(30*time.Second, func() bool { return s.TokenPosts(g.ID) > 0 && l.Landed(line) == "" && l.Quiet() == "" }) {
			t.Fatal("no new token lands")
		}
		took = append(took, s.Last(g.ID).At.Sub(began))
		time.Sleep(500 * time.Millisecond) // until what was written has been looked at
		if n := s.TokenPosts(g.ID); n != 1 {
			t.Errorf("%d POSTs for one token", n)
		}
	}
	if code := l.Stop(keeper); code != 0 {
		t.Errorf("the keeper ended with %d", code)
	}
	tb.add("the POST's arrival", ms(took.p50()), ms(took.p99()), fmt.Sprintf("%s, %s", ms(most), judged(took.p50().Seconds(), most.Seconds())))
	tb.add("- without the quiet time", ms(took.p50()-200*time.Millisecond), ms(took.p99()-200*time.Millisecond), "")
	tb.note("Between decision and arrival are the locks, the journal on disk, and the connection.")
	tb.print(t)
}
