package credfiles

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"
)

// A rival is another program that counts in an entry of its own: it reads the
// store, adds one, and writes the whole document back. A count that was lost
// shows at its next reading.
type rival struct {
	*lab
	lock bool              // under the client's own store lock
	put  func(text []byte) // how it writes
	lost []string          // counts that were gone
	n    int
	// reading keeps it from reading anew while a write of ours is under way:
	// for a moment, before we merge, the store is without what it wrote last.
	reading sync.Mutex
}

const rivalKey = "rival|0123456789abcdef"

// round is one reading and writing. Where the store is not whole it looks
// again another time.
func (r *rival) round() {
	if r.lock {
		lock, err := r.store().lock(context.Background(), r.client.storeLock)
		if err != nil {
			r.t.Error(err)
			return
		}
		defer lock.Release()
	}
	r.reading.Lock()
	text, err := os.ReadFile(r.path(r.file()))
	r.reading.Unlock()
	if err != nil || !json.Valid(text) {
		return
	}
	nap()
	var was json.Number
	next := r.edit(string(text), func(all map[string]map[string]any) {
		f := r.words()
		if e, ok := all[rivalKey]; ok {
			was, _ = e["count"].(json.Number)
		} else {
			e := map[string]any{}
			set(e, f.name, "rival")
			set(e, f.server, "https://example.com/rival")
			set(e, f.clientID, "c")
			set(e, f.access, "at_rival_EXAMPLE")
			set(e, f.refresh, "rt_rival_EXAMPLE")
			all[rivalKey] = e
		}
		all[rivalKey]["count"] = r.n + 1
	})
	if r.n > 0 && was.String() != fmt.Sprint(r.n) {
		r.lost = append(r.lost, fmt.Sprintf("wrote %d, found %q", r.n, was))
	}
	r.n++
	r.put([]byte(next))
}

// byRename replaces the store as Claude Code does.
func (r *rival) byRename(text []byte) {
	r.must(os.WriteFile(r.path("their-temporary"), text, 0o600))
	nap()
	r.must(os.Rename(r.path("their-temporary"), r.path(r.file())))
}

// inPlace writes the store as Codex does since 0.145.0: open, truncate, write.
func (r *rival) inPlace(text []byte) {
	f, err := os.OpenFile(r.path(r.file()), os.O_WRONLY, 0)
	r.must(err)
	defer f.Close()
	nap()
	r.must(f.Truncate(0))
	nap()
	_, err = f.Write(text)
	r.must(err)
}

// atOnce writes it as Codex did before: the opening empties it.
func (r *rival) atOnce(text []byte) {
	f, err := os.OpenFile(r.path(r.file()), os.O_WRONLY|os.O_TRUNC, 0)
	r.must(err)
	defer f.Close()
	nap()
	_, err = f.Write(text)
	r.must(err)
}

func nap() { time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond) }

// contend lets a rival write while we write, rounds times, and reports how
// often the rival was in the middle of one of our writes.
func contend(l *lab, r *rival, writes int) (met int) {
	t := l.t
	t.Helper()
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			r.round()
			nap()
			nap()
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for i := range writes {
		// As the refresher does: what was read under the grant lock is what
		// is written for.
		h := l.race(l.one("lab"))
		old, err := h.Read(context.Background())
		if err != nil {
			t.Error(err)
			break
		}
		exchanges := 0
		h.pause = before(func() {
			if exchanges++; exchanges == 1 {
				r.reading.Lock()
			}
			nap()
		})
		token := fresh(fmt.Sprint(i))
		result, err := h.Write(context.Background(), old, token, noImage)
		if err != nil || result == Gone {
			t.Errorf("write %d: %v, %v", i, result, err)
		}
		if exchanges > 1 {
			met++
		}
		if err := h.Close(); err != nil {
			t.Errorf("write %d: Close: %v", i, err)
		}
		if exchanges > 0 {
			r.reading.Unlock()
		}
	}
	close(done)
	wg.Wait()
	for _, lost := range r.lost {
		t.Error("their write was lost:", lost)
	}
	return met
}

func writesFor(t *testing.T) int {
	if testing.Short() {
		return 15
	}
	return 60
}

// A program that replaces the store by rename and knows no lock.
func TestNoWriteOfAProgramWithoutALockIsLost(t *testing.T) {
	for _, c := range together {
		t.Run(c.name, func(t *testing.T) {
			l := realLab(t, c)
			r := &rival{lab: l}
			r.put = r.byRename
			met := contend(l, r, writesFor(t))
			t.Logf("%d writes of theirs, %d of ours met one and merged", r.n, met)
			if met == 0 {
				t.Error("the race did not happen once")
			}
		})
	}
}

// A program that writes in place and knows no lock, as Codex did before
// 0.145.0.
func TestNoWriteInPlaceWithoutALockIsLost(t *testing.T) {
	for _, c := range together {
		t.Run(c.name, func(t *testing.T) {
			l := realLab(t, c)
			r := &rival{lab: l}
			r.put = r.atOnce
			met := contend(l, r, writesFor(t))
			t.Logf("%d writes of theirs, %d of ours met one and merged", r.n, met)
			if met == 0 {
				t.Error("the race did not happen once")
			}
		})
	}
}

// A program that takes the client's lock: then nothing of ours is lost either.
func TestUnderTheClientsLockNothingIsLost(t *testing.T) {
	for _, c := range locked {
		t.Run(c.name, func(t *testing.T) {
			l := realLab(t, c)
			r := &rival{lab: l}
			r.lock = true
			r.put = map[bool]func([]byte){true: r.inPlace, false: r.byRename}[c == &codex]
			if met := contend(l, r, writesFor(t)/3); met > 0 {
				t.Errorf("%d times both wrote at once", met)
			}
			t.Logf("%d writes of theirs", r.n)
			last := fresh(fmt.Sprint(writesFor(t)/3 - 1))
			if now := l.one("lab"); !has(now, last) {
				t.Error("our last token is not in the store")
			}
		})
	}
}

// Claude Code marks servers while we clear one: no mark of another is lost,
// and ours is gone whenever we say so.
func TestMarksThatAreMadeMeanwhileSurvive(t *testing.T) {
	l := realLab(t, &claude)
	l.put(claudeMarks, `{"lab":{"timestamp":1}}`)
	var reading sync.Mutex // as a rival's
	done := make(chan struct{})
	var wg sync.WaitGroup
	made := 0
	wg.Go(func() {
		for {
			reading.Lock()
			marks := map[string]any{}
			err := json.Unmarshal([]byte(l.get(claudeMarks)), &marks)
			reading.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			if len(marks) < made {
				t.Errorf("%d marks were made, %d are left", made, len(marks))
				return
			}
			delete(marks, "lab")
			made++
			marks[fmt.Sprint("server-", made)] = made
			marks["lab"] = made
			text, err := json.Marshal(marks)
			l.must(err)
			nap()
			l.must(os.WriteFile(l.path("their-temporary"), text, 0o600))
			l.must(os.Rename(l.path("their-temporary"), l.path(claudeMarks)))
			nap()
			select {
			case <-done:
				return
			default:
			}
		}
	})
	h := l.hold(l.one("notes"))
	for range writesFor(t) {
		reading.Lock()
		if err := h.ClearMark(Credential{Name: "lab"}); err != nil {
			t.Error(err)
		}
		reading.Unlock()
		nap()
	}
	l.must(h.Close())
	close(done)
	wg.Wait()
	t.Logf("%d marks were made", made)
}

// A program that had the store open before we exchanged it writes into the old
// file. It may do so at any step of ours until Close.
func TestAWriteIntoTheFormerFileIsMerged(t *testing.T) {
	for _, c := range together {
		for _, steps := range []struct {
			name            string
			truncate, write string
		}{
			{"emptied before, written soon after", "before", "soon"},
			{"emptied and written before the exchange", "before", "before"},
			{"emptied and written before Close", "closing", "closing"},
			{"emptied before Close and written while it waits", "closing", "soon"},
		} {
			t.Run(c.name+"/"+steps.name, func(t *testing.T) {
				l := realLab(t, c)
				old := l.one("lab")
				h := l.race(old)
				theirs := l.entries(func(all map[string]map[string]any) { delete(all, "notes|1262121f17593025") })
				f, err := os.OpenFile(l.path(l.file()), os.O_WRONLY, 0)
				l.must(err)
				defer f.Close()
				var wg sync.WaitGroup
				step := func(now string) {
					if steps.truncate == now {
						l.must(f.Truncate(0))
					}
					if steps.truncate == now && steps.write == "soon" {
						wg.Go(func() {
							time.Sleep(100 * time.Millisecond)
							f.WriteString(theirs)
						})
					}
					if steps.write == now {
						_, err := f.WriteString(theirs)
						l.must(err)
					}
				}
				exchanges := 0
				h.pause = before(func() {
					if exchanges++; exchanges == 1 {
						step("before")
					}
				})
				if result, err := h.Write(context.Background(), old, fresh("lab"), noImage); err != nil || result != Written {
					t.Errorf("%v, %v", result, err)
				}
				step("closing")
				l.must(h.Close())
				wg.Wait()
				if all := l.there(); len(all) != 1 || !has(all[0], fresh("lab")) {
					t.Errorf("their logout of the other entry, or our token, is lost: %s", l.get(l.file()))
				}
				if len(l.files()) != len(realLab(t, c).files()) {
					t.Error("something was left behind")
				}
			})
		}
	}
}

// Somebody else wrote the store since: what was written into the former file
// is older than that.
func TestAWriteIntoTheFormerFileIsOlderThanTheNextOne(t *testing.T) {
	for _, c := range together {
		l := realLab(t, c)
		old := l.one("lab")
		h := l.race(old)
		late := l.entries(func(all map[string]map[string]any) { delete(all, "notes|1262121f17593025") })
		f, err := os.OpenFile(l.path(l.file()), os.O_WRONLY, 0)
		l.must(err)
		if result, err := h.Write(context.Background(), old, fresh("lab"), noImage); err != nil || result != Written {
			t.Errorf("%s: %v, %v", c.name, result, err)
		}
		newer := l.get(l.file()) + "\n"
		l.replace(newer)
		l.must(f.Truncate(0))
		_, err = f.WriteString(late)
		l.must(err)
		l.must(f.Close())
		l.must(h.Close())
		equal(t, c.name, l.get(l.file()), newer)
	}
}
