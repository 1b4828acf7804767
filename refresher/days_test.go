package refresher_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
)

// A month of a token that lives twelve hours. Whenever the server could be
// reached during the lead, a client that starts finds a token that it need not
// refresh; the server's own oracle says that nothing spent was sent and never
// two at once.
func TestThirtyDays(t *testing.T) {
	for _, keepers := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d keepers", keepers), func(t *testing.T) {
			o := authtest.Options{Policy: authtest.Policy{AccessLifetime: 12 * hour, IdleLifetime: 10 * day}}
			inWorld(t, o, func(w *world) { thirtyDays(w, keepers) })
		})
	}
}

func thirtyDays(w *world, keepers int) {
	all := w.tenants(authtest.GrantOptions{})
	began := time.Now()
	scans, faults := 0, 0
	start := func() {
		for range keepers {
			w.keep()
		}
	}
	stop := func() {
		for _, k := range w.keepers {
			k.end()
			scans += k.scanned()
		}
		w.keepers = nil
	}
	start()
	for d := range 30 {
		w.pass(time.Until(began.Add(time.Duration(d)*day)), all)
		one := all[(d+d/10)%2]
		untilDue := func() { w.pass(time.Until(w.row(one.id).At.Add(-minute)), all) }
		switch d % 10 {
		case 1: // the client refreshes itself, though it need not
			one.refresh()
		case 2: // the lid is closed for a night
			w.suspend(9 * hour)
			time.Sleep(2 * minute)
		case 3: // the server is restarted when it matters
			untilDue()
			w.s.SetReach(authtest.Refused)
			w.pass(10*minute, all)
			w.s.SetReach(authtest.Reachable)
		case 4: // an hour without network, over the end of the token
			untilDue()
			w.connect("")
			time.Sleep(hour)
			w.connect("café")
			time.Sleep(2 * minute)
		case 5: // a new sign-in
			one.signIn(authtest.GrantOptions{})
		case 6: // the computer is off for a night
			stop()
			time.Sleep(10 * hour)
			start()
			time.Sleep(minute)
		case 7: // since it started the clock was two hours ahead, until it was set
			for _, c := range all {
				w.Refresh(context.Background(), w.row(c.id), refresher.Options{Word: true, Force: true})
			}
			w.setBack(2*hour, all)
			time.Sleep(minute)
		case 8: // an error page, and a server that asks to wait
			untilDue()
			w.s.Next(authtest.Token, authtest.Behaviour{Answer: authtest.Status(502)}, authtest.Behaviour{Answer: authtest.RetryAfter(429, "90")})
			faults += 2
		case 9: // the lid is closed in mid-refresh
			untilDue()
			w.s.Next(authtest.Token, authtest.Behaviour{OnArrival: func() { go w.suspend(3 * hour) }, Delay: 10 * time.Second})
			time.Sleep(3*hour + 5*minute)
		}
	}
	w.pass(time.Until(began.Add(30*day)), all)
	stop()

	posts, refreshed := 0, 0
	for _, c := range all {
		n := w.said("refreshed", c.id)
		// 62 by the plan: half an hour of lead, up to three minutes of jitter;
		// a sign-in delays one, a clock that was set brings one.
		if n < 60 || n > 72 {
			w.t.Errorf("%s: refreshed %d times", c.id, n)
		}
		posts += c.posts() - c.own
		refreshed += n
	}
	if posts != refreshed+faults {
		w.t.Errorf("%d POSTs for %d refreshes and %d faults of the server", posts, refreshed, faults)
	}
	if n := w.said("dead", ""); n != 0 {
		w.t.Errorf("%d deaths", n)
	}
	// Two for each refresh and each signal, and for what failed.
	if daily := scans / 30 / keepers; daily > 25 {
		w.t.Errorf("%d scans a day by each keeper", daily)
	}
	if n := len(w.pending()); n != 0 {
		w.t.Errorf("%d records are left in the journal", n)
	}
	w.t.Logf("%d refreshes, %d POSTs, %d faults, %d scans a day by each keeper", refreshed, posts, faults, scans/30/keepers)
}

// Each lifetime is kept as often as the plan says and no oftener, whoever
// looks at it; lifetimes up to the client's own threshold too, where every
// lead is longer than the life.
func TestAWeekOfEachLifetime(t *testing.T) {
	for _, test := range []struct {
		life          time.Duration
		codex, claude time.Duration // from one refresh to the next
		jitter        time.Duration // the most that it is earlier
	}{
		{30 * time.Second, minute, minute, 0},
		{5 * minute, 150 * time.Second, 150 * time.Second, 15 * time.Second},
		{15 * minute, 450 * time.Second, 450 * time.Second, 45 * time.Second},
		{hour, 50 * minute, 50 * minute, minute},
		{8 * hour, 450 * minute, 450 * minute, 3 * minute},
		{12 * hour, 690 * minute, 690 * minute, 3 * minute},
		{day, 1410 * minute, 1410 * minute, 3 * minute},
		{30 * day, 7 * day, 7 * day, 0},
	} {
		// A week, or as long as it takes to see the rule.
		span := max(min(7*day, 60*test.codex), 2*test.codex+hour)
		t.Run(fmt.Sprint(test.life), func(t *testing.T) {
			inWorld(t, authtest.Options{Policy: authtest.Policy{AccessLifetime: test.life}}, func(w *world) {
				all := w.tenants(authtest.GrantOptions{})
				k := w.keep()
				if test.life <= minute {
					time.Sleep(span) // it is dead half of the time, for the sake of its server
				} else {
					for _, c := range all {
						c.threshold = min(c.threshold, test.life/2-test.life/10)
					}
					w.pass(span, all)
				}
				k.end()
				for i, each := range []time.Duration{test.codex, test.claude} {
					least, most := int(span/each)-1, int(span/(each-test.jitter))+2
					if n := all[i].posts(); n < least || n > most {
						t.Errorf("%s: %d refreshes in %v, want %d to %d", all[i].id, n, span, least, most)
					}
					t.Logf("%s: %d refreshes in %v", all[i].id, all[i].posts(), span)
				}
				if n, most := k.scanned(), 3*len(w.s.Log())+10; n > most {
					t.Errorf("%d scans, want at most %d", n, most)
				}
			})
		})
	}
}
