//go:build unix

package torture_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

// Whoever of us looks first refreshes; all others find it done.
func TestTwoKeepersAndCommandsSendOneRequestForEach(t *testing.T) {
	rounds, each := 2, 10
	if everything {
		rounds, each = 10, 50
	}
	t.Logf("-seed %d", *seed)
	rng := rand.New(rand.NewPCG(*seed, 1))
	total := 0
	for range rounds {
		s := authtest.New(t, authtest.Options{})
		s.Behave(authtest.Token, authtest.Behaviour{Delay: time.Duration(rng.IntN(200)) * time.Millisecond})
		l := lab.New(t)
		var all []*lab.Line
		for i := range each {
			left := time.Minute + time.Duration(i)*time.Second
			all = append(all, l.Codex(fmt.Sprintf("s%d", i), s, authtest.GrantOptions{AccessLeft: left}),
				l.Claude(fmt.Sprintf("s%d", i), s, authtest.GrantOptions{AccessLeft: left}))
		}
		var group sync.WaitGroup
		for range 2 {
			group.Go(func() {
				keeper := l.Keep()
				lab.Until(time.Minute, func() bool { return s.TokenPosts("") >= len(all) && l.Quiet() == "" })
				l.Stop(keeper)
			})
		}
		for range 4 {
			after := time.Duration(rng.IntN(400)) * time.Millisecond
			group.Go(func() {
				time.Sleep(after)
				if got := l.Run("refresh", "--within", "15m"); got.Code != 0 {
					t.Errorf("exit code %d: %s", got.Code, got.Output)
				}
			})
		}
		group.Wait()
		for _, line := range all {
			if n := s.TokenPosts(line.Grant.ID); n != 1 {
				t.Errorf("%s: %d requests", line.ID, n)
			}
		}
		if wrong := l.Well(); wrong != "" {
			t.Error(wrong)
		}
		total += len(all)
	}
	t.Logf("%d credentials, two keepers and four commands at once: one request for each", total)
}
