package year

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"lamplighter/refresher/authtest"
)

// Bounds on how long a gap lasts after what caused it is over.
var bounds = map[cause]time.Duration{
	asleep:   minute + 10*time.Second,    // timers are late by a minute, however many are due then
	offline:  minute + 10*time.Second,    // the network is looked at once a minute
	noKeeper: 10 * time.Second,           // a keeper looks as it starts
	refused:  30*minute + 10*time.Second, // the longest backoff
	errors5:  30*minute + 2*minute,
	asked:    40 * minute, // what the server asked for, or the longest backoff
	lost:     30*minute + 2*minute,
	held:     minute + 10*time.Second,
	wentBack: 10 * time.Second,
	slow:     5 * time.Second, // a running client is left to do it until the token ends
}

// A gap is a time in which computer, network and server were there, and the
// stored access token was not good.
type gap struct {
	span
	c     *cred
	after time.Duration // since what caused it was over
}

// lead is how long before its end a token is refreshed, by the design.
func (c *cred) lead() time.Duration {
	t := c.home.threshold()
	if c.life-max(minute, c.life/4) < t {
		return c.life / 2
	}
	if c.life < 20*minute {
		return max(t+2*minute, c.life/2)
	}
	return max(t+2*minute, min(30*minute, max(10*minute, c.life/10)))
}

// gaps are a credential's, each with its cause, and the time in which it could
// have been used.
func (c *cred) gaps(now time.Time) (found []gap, reachable time.Duration) {
	w := c.w
	away := union(w.power.all(now), w.network.all(now), c.srv.down.all(now), c.spans(now, dead, revoked, noEntry))
	for _, s := range without(span{from: w.began, to: now}, away) {
		reachable += s.to.Sub(s.from)
	}
	troubles := c.troubles(now)
	after := span{from: now, to: now.Add(100 * day)} // what ends the world is nobody's fault
	for _, bad := range c.bad {
		for _, s := range without(bad, append(away, after)) {
			g := gap{span: s, c: c}
			from := bad.from.Add(-c.lead())
			least := time.Duration(math.MaxInt64)
			for _, t := range troubles { // the one that explains it best
				over := max(0, s.to.Sub(t.to)) - bounds[t.why]
				if t.to.After(from) && t.from.Before(s.to) && over <= least {
					least, g.why, g.after = over, t.why, max(0, s.to.Sub(t.to))
				}
			}
			found = append(found, g)
		}
	}
	return found, reachable
}

// troubles are all that kept a credential from being refreshed.
func (c *cred) troubles(now time.Time) []span {
	w := c.w
	return slices.Concat(w.power.all(now), w.network.all(now), w.keeping.all(now), c.srv.down.all(now), c.holding.all(now), c.hurt, c.spans(now, wentBack))
}

// couldLive reports that a refresh token that ended because it was not used
// after last could have been used in time: for five minutes of the time in
// which it was due, all was there.
func (c *cred) couldLive(last, died time.Time) bool {
	idle := c.policy.IdleLifetime
	if idle == 0 || last.IsZero() {
		return false
	}
	end := last.Add(idle)
	due := last.Add(min(c.life, 7*day, idle-10*minute))
	if end.After(died) {
		return false // it was another end
	}
	free := without(span{from: due, to: end}, union(c.troubles(c.w.began.Add(c.w.span))))
	return length(free) > 5*minute
}

// innocent reports that a violation is not the keeper's: a client sent it; or
// one that takes no lock and keeps what was refused; or a client got an answer
// that it could not read, of which nobody knows.
func (c *cred) innocent(log []authtest.Entry, by []int) bool {
	own := func(n int) bool { return slices.Contains(log[n-1].Keys, "own") }
	return own(by[0]) || c.home.old() || len(by) > 1 && own(by[1]) && log[by[1]-1].Delivery != authtest.Whole
}

// A tally is what a world came to.
type tally struct {
	posts     map[string]int
	deaths    map[string]int
	died      map[string]bool
	revived   int // refused, and alive by what was kept
	unlocked  int // spent values that clients sent
	notices   int
	gaps      []gap
	reachable time.Duration
}

func (w *world) report() {
	now := w.began.Add(w.span)
	y := tally{posts: map[string]int{}, deaths: map[string]int{}, died: map[string]bool{}}
	for _, s := range w.servers {
		w.tally(s, &y)
	}
	for _, c := range w.creds {
		found, reachable := c.gaps(now)
		y.gaps = append(y.gaps, found...)
		y.reachable += reachable
		y.revived += c.revived
		for _, id := range c.grants {
			n := c.notices[id]
			y.notices += n
			switch {
			case n > 1 || n == 1 && !c.deaths[id]:
				w.t.Errorf("%s: %d notices for %s, which died: %t", c.id, n, id, c.deaths[id])
			case n == 0 && c.deaths[id] && !c.hasty[id]:
				w.t.Errorf("%s: nobody was told that %s died%s", c.id, id, c.story(span{from: c.diedAt[id], to: c.diedAt[id]}))
			}
		}
	}
	w.print(&y)
}

// tally reads a server's log.
func (w *world) tally(s *server, y *tally) {
	of := map[string]*cred{}
	for _, c := range s.creds {
		for _, id := range c.grants {
			of[id] = c
		}
	}
	log := s.Log()
	for i, broken := range s.Check() {
		if by := numbers(broken); len(by) > 0 && of[log[by[0]-1].Grant].innocent(log, by) {
			y.unlocked++
		} else if i < 20 {
			w.t.Errorf("%s (%s): %s", s.host, s.kind.name, broken)
		}
	}
	last := map[string]time.Time{} // when a grant was used last
	unheard := map[string]bool{}   // refresh tokens whose successor nobody was given
	for _, e := range log {
		if e.Endpoint != authtest.Token || e.Refresh == "" {
			continue
		}
		value := e.Grant + " " + e.Refresh
		own := slices.Contains(e.Keys, "own")
		what := ""
		switch {
		case e.Condemned && e.Delivery == authtest.Whole:
			what = "refused"
		case e.Verdict == "scripted answer" && e.Status == 429:
			what = "answered 429"
		case e.Verdict == "scripted answer":
			what = "answered 5xx"
		case e.Delivery == authtest.Whole && e.Status == 200:
			what = "answered"
		case e.Delivery == authtest.TokensOnly && e.Successor != "" && !own: // a client makes nothing of it
			what = "answered, cut behind the tokens"
		case e.Successor == "" && e.Delivery == authtest.Withheld && e.Verdict == "":
			what = "dropped before"
		default:
			what = "answer lost"
			unheard[value] = true // what of it came is of use only where it is a pair
		}
		if strings.HasPrefix(what, "answered") && e.Status == 200 || what == "answer lost" {
			last[e.Grant] = e.At
		}
		if own {
			what = "by clients: " + what
		}
		y.posts[what]++
		if !strings.HasSuffix(what, "refused") {
			continue
		}
		why := strings.TrimPrefix(e.Verdict, "grant is dead: ")
		c := of[e.Grant]
		if !c.deaths[e.Grant] || y.died[e.Grant+s.host] {
			continue // it lived on, or it is known
		}
		y.died[e.Grant+s.host] = true
		switch {
		case why == "killed":
			y.deaths["revoked by its server"]++
		case why == "refresh token expired" && c.couldLive(last[e.Grant], e.At):
			y.deaths["LOST: an idle end"]++
			w.t.Errorf("%s (%s, %s): %s ended by not being used from %s on, and could have been", c.id, s.kind.name, short(c.life), e.Grant, last[e.Grant])
		case why == "refresh token expired":
			y.deaths["end of the refresh token"]++
		case unheard[value]:
			y.deaths["its successor was lost on the way"]++
		case own:
			y.deaths["by a client: "+why]++
		default:
			y.deaths["LOST: "+why]++
			w.t.Errorf("%s (%s): %s was lost: %s%s", c.id, s.kind.name, e.Grant, e, c.story(span{from: e.At, to: e.At}))
		}
	}
}

func (w *world) print(y *tally) {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	now := w.began.Add(w.span)
	days := w.span.Hours() / 24
	line("seed %d: %d credentials of %d servers, %.0f days", w.seed, len(w.creds), len(w.servers), days)
	lives := map[time.Duration]int{}
	for _, c := range w.creds {
		lives[c.life]++
	}
	for _, d := range slices.Sorted(maps.Keys(lives)) {
		line("  %4d live %s", lives[d], short(d))
	}
	line("the computer slept %.0f %% of the time, was without network for %.1f %% and without keeper for %.1f %%",
		share100(length(w.power.all(now)), w.span), share100(length(w.network.all(now)), w.span), share100(length(w.keeping.all(now)), w.span))
	served, tight := 0, 0
	for _, c := range w.creds {
		served, tight = served+c.served, tight+c.tight
	}
	line("%d refreshes, %.1f a day; %d scans, %.1f for each", w.events["refreshed"], float64(w.events["refreshed"])/days, w.scans, float64(w.scans)/float64(w.events["refreshed"]))
	line("clients found a token with time left %d times, and refreshed %d times themselves", served, tight)
	for _, what := range slices.Sorted(maps.Keys(y.posts)) {
		line("  POSTs %s: %d", what, y.posts[what])
	}
	for _, what := range slices.Sorted(maps.Keys(y.deaths)) {
		line("  deaths, %s: %d", what, y.deaths[what])
	}
	answered := y.posts["answered"] + y.posts["answered, cut behind the tokens"]
	if answered != w.landed {
		w.t.Errorf("%d POSTs were answered with tokens, of which %d came to something", answered, w.landed)
	}
	line("%d writes to stores", w.events["refreshed"]+w.events["restored"]+w.events["successor"])
	line("%.4f answered POSTs for each refresh", float64(answered)/float64(w.events["refreshed"]))
	line("%d notices; %d times a client without locks made somebody send a spent value; %d refused, and alive by what was kept", y.notices, y.unlocked, y.revived)
	told := 0
	for _, n := range w.events {
		told += n
	}
	line("%.1f events a day: %v", float64(told)/days, w.events)

	total := time.Duration(0)
	byCause := map[cause][]gap{}
	for _, g := range y.gaps {
		total += g.to.Sub(g.from)
		byCause[g.why] = append(byCause[g.why], g)
		if g.why == "" {
			w.t.Errorf("%s (%s, %s, %s): a gap of %s at %s without a cause%s", g.c.id, g.c.srv.kind.name, g.c.srv.host, short(g.c.life), g.to.Sub(g.from), g.from, g.c.story(g.span))
		} else if g.after > bounds[g.why] {
			w.t.Errorf("%s (%s, %s): a gap of %s at %s, until %s after: %s%s", g.c.id, g.c.srv.kind.name, short(g.c.life), g.to.Sub(g.from), g.from, g.after, g.why, g.c.story(g.span))
		}
	}
	line("availability %.4f %% of the reachable time, %.4f %% where all was there during the lead",
		100-share100(total, y.reachable), 100-share100(length(spansOf(byCause[""])), y.reachable))
	for _, why := range slices.Sorted(maps.Keys(byCause)) {
		all := byCause[why]
		slices.SortFunc(all, func(a, b gap) int { return cmp.Compare(a.to.Sub(a.from), b.to.Sub(b.from)) })
		middle, longest := all[len(all)/2], all[len(all)-1]
		line("  %5d gaps: %s; %s in all, half of them under %s, the longest %s", len(all), cmp.Or(why, "NO CAUSE"),
			length(spansOf(all)).Round(time.Second), middle.to.Sub(middle.from).Round(time.Second), longest.to.Sub(longest.from).Round(time.Second))
	}
	if len(w.creds) <= 100 {
		w.each(y.gaps, line)
	}
	sizes := map[string]int64{}
	filepath.WalkDir(w.state, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if info, err := os.Stat(path); err == nil {
				rel, _ := filepath.Rel(w.state, path)
				top, _, _ := strings.Cut(rel, string(filepath.Separator))
				sizes[top] += info.Size()
			}
		}
		return nil
	})
	var all []string
	for _, name := range slices.Sorted(maps.Keys(sizes)) {
		all = append(all, fmt.Sprintf("%s %d", name, sizes[name]))
	}
	line("the state folder in the end, in bytes: %s", strings.Join(all, ", "))
	w.t.Log("\n" + b.String())
}

// requests are those that a violation is about.
var requests = regexp.MustCompile(`#([0-9]+)`)

func numbers(violation string) (all []int) {
	for _, m := range requests.FindAllStringSubmatch(violation, -1) {
		n, _ := strconv.Atoi(m[1])
		all = append(all, n)
	}
	return all
}

// each lists all gaps, those of one credential and cause in one line.
func (w *world) each(gaps []gap, line func(string, ...any)) {
	for _, c := range w.creds {
		of := map[cause][]gap{}
		for _, g := range gaps {
			if g.c == c {
				of[g.why] = append(of[g.why], g)
			}
		}
		for _, why := range slices.Sorted(maps.Keys(of)) {
			var all []string
			for _, g := range of[why] {
				all = append(all, g.from.Format("2 Jan 15:04:05")+" "+g.to.Sub(g.from).Round(time.Second).String())
			}
			line("  %s (%s), %s: %s", c.id, short(c.life), why, strings.Join(all, ", "))
		}
	}
}

func spansOf(gaps []gap) (all []span) {
	for _, g := range gaps {
		all = append(all, g.span)
	}
	return all
}

func share100(part, whole time.Duration) float64 {
	return 100 * part.Seconds() / whole.Seconds()
}

// short is a duration as people write it.
func short(d time.Duration) string {
	switch {
	case d%day == 0:
		return fmt.Sprintf("%d d", d/day)
	case d%hour == 0:
		return fmt.Sprintf("%d h", d/hour)
	}
	return fmt.Sprintf("%d min", d/minute)
}
