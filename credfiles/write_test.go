package credfiles

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lamplighter/credfiles/clientlock"
)

// The table of the design, as a function. In each row the store's entry is as
// it was read, but for one thing.
func TestTheTableForAWrite(t *testing.T) {
	hour := time.Now().Add(time.Hour)
	old := Credential{
		Token: Token{Access: NewSecret("at_old_EXAMPLE"), Refresh: NewSecret("rt_old_EXAMPLE"), Expiry: hour},
		Grant: Grant{ServerURL: "https://example.com/mcp", ClientID: "c", Issuer: "https://as.example.com"},
	}
	rotated := Token{Access: NewSecret("at_ours_EXAMPLE"), Refresh: NewSecret("rt_ours_EXAMPLE"), Expiry: hour}
	same := Token{Access: NewSecret("at_ours_EXAMPLE"), Refresh: old.Refresh, Expiry: hour}
	none := Token{Access: NewSecret("at_ours_EXAMPLE"), Expiry: hour}
	unknown := Token{Access: NewSecret("at_ours_EXAMPLE")}
	theirs := func(c *Credential) { c.Access = NewSecret("at_theirs_EXAMPLE") }
	both := func(edits ...func(c *Credential)) func(*Credential) {
		return func(c *Credential) {
			for _, e := range edits {
				e(c)
			}
		}
	}
	expiry := func(at time.Time) func(*Credential) { return func(c *Credential) { c.Expiry = at } }
	refresh := func(s string) func(*Credential) { return func(c *Credential) { c.Refresh = NewSecret(s) } }
	blanked := func(c *Credential) { c.Token, c.Blanked = Token{Expiry: time.UnixMilli(0)}, true }
	for _, row := range []struct {
		name  string
		edit  func(c *Credential)
		token Token
		want  Result
	}{
		{"same as read", func(*Credential) {}, rotated, Written},
		{"same as read, not rotated", func(*Credential) {}, none, Written},
		{"same as read, the refresh token repeated", func(*Credential) {}, same, Written},
		{"ours is there already", func(c *Credential) { c.Token = rotated }, rotated, Written},
		{"ours is there already, not rotated", func(c *Credential) { c.Access = none.Access }, none, Written},

		{"another refresh token", both(theirs, refresh("rt_theirs_EXAMPLE")), rotated, Theirs},
		{"another refresh token, the access token kept", refresh("rt_theirs_EXAMPLE"), rotated, Theirs},
		{"another refresh token, we did not rotate", both(theirs, refresh("rt_theirs_EXAMPLE")), none, Theirs},
		{"a login that gave no refresh token", both(theirs, refresh("")), rotated, Theirs},

		{"another access token, ours rotated", theirs, rotated, Written},
		{"another access token, ours rotated and ends sooner", both(theirs, expiry(hour.Add(time.Hour))), rotated, Written},
		{"another access token, ends later", both(theirs, expiry(hour.Add(time.Second))), none, Theirs},
		{"another access token, ends later, the refresh token repeated", both(theirs, expiry(hour.Add(time.Second))), same, Theirs},
		{"another access token, ends sooner", both(theirs, expiry(hour.Add(-time.Second))), none, Written},
		{"another access token, its end not known", both(theirs, expiry(time.Time{})), none, Written},
		{"another access token, ours of unknown end", theirs, unknown, Theirs},
		{"another access token that is over, ours of unknown end", both(theirs, expiry(time.UnixMilli(1))), unknown, Written},

		{"wiped", blanked, rotated, Written},
		{"wiped, its refresh token alone", refresh(""), rotated, Written},
		{"wiped, the very value that we still have", blanked, none, Theirs},
		{"wiped, its refresh token alone, which we still have", refresh(""), same, Theirs},
		{"wiped, and its registration gone", both(blanked, func(c *Credential) { c.ClientID = "" }), rotated, Gone},

		{"another client", func(c *Credential) { c.ClientID = "d" }, rotated, Gone},
		{"another issuer", func(c *Credential) { c.Issuer = "https://other.example.com" }, rotated, Gone},
		{"another server", func(c *Credential) { c.ServerURL += "/" }, rotated, Gone},
		{"another client, ours in it", func(c *Credential) { c.Token, c.ClientID = rotated, "d" }, rotated, Gone},
		{"the issuer dropped, as an older Codex does", func(c *Credential) { c.Issuer = "" }, rotated, Written},
	} {
		now := old
		row.edit(&now)
		if got := decide(now, old, row.token); got != row.want {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
	before := old
	before.Issuer = ""
	if got := decide(old, before, rotated); got != Written {
		t.Error("an issuer that the client learned meanwhile:", got)
	}
}

// entries is the store's text after another program edited it.
func (l *lab) entries(edit func(all map[string]map[string]any)) string {
	l.t.Helper()
	return l.edit(l.get(l.file()), edit)
}

func (l *lab) edit(was string, edit func(all map[string]map[string]any)) string {
	l.t.Helper()
	dec := json.NewDecoder(strings.NewReader(was))
	dec.UseNumber()
	var doc any
	l.must(dec.Decode(&doc))
	all := map[string]map[string]any{}
	if l.store().file.many {
		all[labKey] = doc.(map[string]any)
		edit(all)
		text, err := json.MarshalIndent(all[labKey], "", "  ")
		l.must(err)
		return string(text)
	}
	k := l.kind()
	outer, section := map[string]any{"": doc}, doc
	last := ""
	for _, step := range k.at {
		outer, last = section.(map[string]any), step
		section = outer[step]
	}
	if k.list {
		for _, e := range section.([]any) {
			e := e.(map[string]any)
			all[longKey(e[k.fields.name[0]].(string))] = e
		}
	} else {
		for key, e := range section.(map[string]any) {
			if k.keyed {
				key = longKey(key)
			}
			all[key] = e.(map[string]any)
		}
	}
	edit(all)
	switch {
	case k.list:
		list := []any{}
		for _, key := range slices.Sorted(maps.Keys(all)) {
			list = append(list, all[key])
		}
		outer[last] = list
	case k.keyed:
		short := map[string]any{}
		for key, e := range all {
			key, _, _ = strings.Cut(key, "|")
			short[key] = e
		}
		outer[last] = short
	default:
		outer[last] = all
	}
	if len(k.at) == 0 {
		doc = outer[""]
	}
	text, err := json.Marshal(doc)
	l.must(err)
	return string(text)
}

// longKey is the key that Codex gives the entry of that name, by which tests
// know it.
func longKey(name string) string {
	switch name {
	case "lab":
		return labKey
	case "notes":
		return "notes|1262121f17593025"
	}
	return name + "|0123456789abcdef"
}

// set makes a member of an entry, and the objects around it.
func set(e map[string]any, path []string, value any) {
	for ; len(path) > 1; path = path[1:] {
		inner, ok := e[path[0]].(map[string]any)
		if !ok {
			inner = map[string]any{}
			e[path[0]] = inner
		}
		e = inner
	}
	if len(path) == 1 {
		e[path[0]] = value
	}
}

// copied is an entry that shares nothing with another.
func copied(e map[string]any) map[string]any {
	c := map[string]any{}
	for k, v := range e {
		if inner, ok := v.(map[string]any); ok {
			v = copied(inner)
		}
		c[k] = v
	}
	return c
}

// replace puts a new file in the place of the store, by rename.
func (l *lab) replace(text string) {
	l.t.Helper()
	l.put("their-temporary", text)
	l.must(os.Rename(l.path("their-temporary"), l.path(l.file())))
}

// words are what a client calls the members of an entry.
func (l *lab) words() fields { return l.kind().fields }

// kind is that of the entries that may be written.
func (l *lab) kind() *kind {
	for i, k := range l.store().file.kinds {
		if k.watchOnly == "" {
			return &l.store().file.kinds[i]
		}
	}
	panic("no kind is written")
}

// unstamped is a store's text without the times at which it was written.
func unstamped(text string) string {
	return regexp.MustCompile(`("(updatedAt|expires_in|lastAuthenticatedAt)":\s*)\d+`).ReplaceAllString(text, "${1}0")
}

// labKey is the key of that entry where one store holds many.
const labKey = "lab|cd725037a89da004"

// inOneFile are the rows below that happen to a store of one entry too.
var inOneFile = map[string]bool{
	"nothing but the bytes": true, "the same entry is rotated": true,
	"the same entry got another access token": true, "the same entry is of another issuer": true,
}

// Another program writes between our read and our write, without the client's
// lock. Whatever it wrote is there afterwards, and ours where that belongs.
func TestWhatOthersWriteMeanwhileSurvives(t *testing.T) {
	const one, two = labKey, "notes|1262121f17593025"
	rotate := func(f fields, e map[string]any) {
		set(e, f.access, "at_theirs_EXAMPLE")
		set(e, f.refresh, "rt_theirs_EXAMPLE")
	}
	for _, row := range []struct {
		name string
		edit func(l *lab, f fields, all map[string]map[string]any)
		want Result
	}{
		{"nothing but the bytes", func(*lab, fields, map[string]map[string]any) {}, Written},
		{"another entry is added", func(_ *lab, f fields, all map[string]map[string]any) {
			added := copied(all[two])
			set(added, f.name, "added")
			rotate(f, added)
			all["added|0123456789abcdef"] = added
		}, Written},
		{"another entry is rotated", func(_ *lab, f fields, all map[string]map[string]any) { rotate(f, all[two]) }, Written},
		{"another entry is logged out", func(_ *lab, _ fields, all map[string]map[string]any) { delete(all, two) }, Written},
		{"the same entry is rotated", func(_ *lab, f fields, all map[string]map[string]any) { rotate(f, all[one]) }, Theirs},
		{"the same entry got another access token", func(_ *lab, f fields, all map[string]map[string]any) {
			set(all[one], f.access, "at_theirs_EXAMPLE")
		}, Written},
		{"the same entry is logged out", func(_ *lab, _ fields, all map[string]map[string]any) { delete(all, one) }, Gone},
		{"the same entry is another login", func(_ *lab, f fields, all map[string]map[string]any) {
			rotate(f, all[one])
			set(all[one], f.clientID, "cli_theirs")
		}, Gone},
		{"the same entry is of another issuer", func(_ *lab, f fields, all map[string]map[string]any) {
			set(all[one], f.issuer, "https://as.example.com")
			set(all[one], f.tokenURL, "https://as.example.com")
		}, Gone},
		{"the same entry is wiped", func(l *lab, f fields, all map[string]map[string]any) {
			switch {
			case len(f.access) > 1:
				at := all[one]
				for _, step := range f.access[:len(f.access)-2] {
					at = at[step].(map[string]any)
				}
				delete(at, f.access[len(f.access)-2])
			case l.client == &codex:
				all[one]["refresh_token"] = nil
			default:
				all[one]["accessToken"], all[one]["expiresAt"] = "", 0
				delete(all[one], "refreshToken")
			}
		}, Written},
	} {
		for _, c := range clients {
			if c.files[0].many && !inOneFile[row.name] || c.wipesOnError && row.name == "the same entry is wiped" ||
				c == &opencode && row.name == "the same entry is of another issuer" { // it notes none
				continue
			}
			if (c == &amazonQ || c == &copilot) && row.name == "the same entry is of another issuer" {
				continue // its entries name none
			}
			t.Run(c.name+"/"+row.name, func(t *testing.T) {
				l := realLab(t, c)
				old := l.one("lab")
				h := l.race(old)
				defer h.Close()
				theirs := l.entries(func(all map[string]map[string]any) { row.edit(l, l.words(), all) })
				exchanges := 0
				h.pause = before(func() {
					if exchanges++; exchanges == 1 {
						l.replace(theirs)
					}
				})
				result, err := h.Write(context.Background(), old, fresh("lab"), noImage)
				if err != nil || result != row.want {
					t.Fatalf("%v, %v, want %v", result, err, row.want)
				}
				if exchanges != 2 {
					t.Errorf("%d exchanges: the race did not happen", exchanges)
				}
				want := theirs
				if result == Written {
					s := l.store()
					doc, err := s.parse([]byte(theirs))
					l.must(err)
					next, err := s.spliced(doc, old.Key, fresh("lab"))
					l.must(err)
					want = string(next.text)
				}
				equal(t, "the store", unstamped(l.get(l.file())), unstamped(want))
				l.must(h.Close())
				equal(t, "the store after Close", unstamped(l.get(l.file())), unstamped(want))
				if len(l.files()) != len(realLab(t, c).files()) {
					t.Error("something was left behind")
				}
			})
		}
	}
}

// A program without the lock that read before our exchange writes right after
// it: theirs is what counts then, and ours is put there again where it belongs.
func TestWhatOthersWriteRightAfterOursIsMerged(t *testing.T) {
	for _, c := range together {
		l := realLab(t, c)
		old := l.one("lab")
		h := l.race(old)
		theirs := l.entries(func(all map[string]map[string]any) { delete(all, "notes|1262121f17593025") })
		looks := 0
		h.pause = func(s step) {
			if s == looking {
				if looks++; looks == 1 {
					l.replace(theirs)
				}
			}
		}
		if result, err := h.Write(context.Background(), old, fresh("lab"), noImage); err != nil || result != Written || looks != 2 {
			t.Errorf("%s: %v, %v after %d looks", c.name, result, err, looks)
		}
		l.must(h.Close())
		if all := l.there(); len(all) != 1 || !has(all[0], fresh("lab")) {
			t.Errorf("%s: their logout of the other entry, or our token, is lost: %s", c.name, l.get(l.file()))
		}
	}
}

func TestAStoreThatIsGoneIsNotMadeAnew(t *testing.T) {
	for _, c := range clients {
		for _, when := range []string{"before", "between", "after the first exchange"} {
			t.Run(c.name+"/"+when, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { staysGone(t, c, when) })
			})
		}
	}
}

func staysGone(t *testing.T, c *client, when string) {
	l := realLab(t, c)
	old := l.one("lab")
	h := l.race(old)
	defer h.Close()
	exchanges := 0
	h.pause = before(func() {
		switch exchanges++; {
		case when == "between", exchanges == 2:
			l.must(os.Remove(l.path(l.file())))
		case when != "before":
			l.replace(l.get(l.file()) + "\n")
		}
	})
	if when == "before" {
		l.must(os.Remove(l.path(l.file())))
	}
	result, err := h.Write(context.Background(), old, fresh("lab"), noImage)
	if err != nil || result != Gone {
		t.Errorf("%v, %v", result, err)
	}
	l.must(h.Close())
	if _, err := os.Lstat(l.path(l.file())); !errors.Is(err, os.ErrNotExist) {
		t.Error("the store is there again:", err)
	}
	if _, err := h.Read(context.Background()); !errors.Is(err, ErrGone) {
		t.Error("Read:", err)
	}
}

// What cannot be decided about goes back where it was, byte for byte, and the
// token stays with the caller.
func TestWhatCannotBeDecidedIsPutBack(t *testing.T) {
	for name, row := range map[string]struct {
		theirs func(l *lab) string
		kind   ProblemKind
	}{
		"torn":      {func(l *lab) string { text := l.get(l.file()); return text[:min(150, len(text)-9)] }, Torn},
		"empty":     {func(l *lab) string { return "" }, Empty},
		"not JSON":  {func(l *lab) string { return "{]" }, NotJSON},
		"zeros":     {func(l *lab) string { return l.get(l.file()) + "\x00\x00\x00" }, Trailing},
		"not UTF-8": {func(l *lab) string { return `{"` + "\xff" + `":1}` }, NotUTF8},
		"reshaped":  {func(l *lab) string { return otherShape(l.get(l.file())) }, OddShape},
		"seconds": {func(l *lab) string {
			return l.entries(func(all map[string]map[string]any) {
				f, wrong := l.words(), 1795243623
				if f.unit != milliseconds {
					wrong *= 1000
				}
				set(all[labKey], f.expiry, wrong)
				set(all[labKey], f.since, wrong)
			})
		}, OddShape},
		"a number for a token": {func(l *lab) string {
			return l.entries(func(all map[string]map[string]any) {
				set(all[labKey], l.words().access, 1795243623)
			})
		}, OddShape},
	} {
		for _, c := range clients {
			if c == &amazonQ && name == "seconds" {
				continue // it notes no time
			}
			t.Run(c.name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { putBack(t, c, row.theirs, row.kind) })
			})
		}
	}
}

func putBack(t *testing.T, c *client, make func(l *lab) string, kind ProblemKind) {
	l := realLab(t, c)
	old := l.one("lab")
	h := l.race(old)
	defer h.Close()
	theirs := make(l)
	exchanges := 0
	h.pause = before(func() {
		if exchanges++; exchanges == 1 {
			l.replace(theirs)
		}
	})
	_, err := h.Write(context.Background(), old, fresh("lab"), noImage)
	var p *Problem
	if !errors.As(err, &p) || p.Kind != kind {
		t.Errorf("%v, want the kind %s", err, kind)
	}
	if exchanges != 2 {
		t.Errorf("%d exchanges", exchanges)
	}
	l.must(h.Close())
	equal(t, "the store", l.get(l.file()), theirs)
	if len(l.files()) != len(realLab(t, c).files()) {
		t.Error("something was left behind")
	}
}

// Claude Code 2.1.329 puts a file in the place of a link when it writes.
func TestALinkThatBecameAFileMeanwhile(t *testing.T) {
	for _, c := range clients {
		for _, when := range []string{"before the exchange", "after an exchange", "before the merge"} {
			t.Run(c.name+"/"+when, func(t *testing.T) { becomesAFile(t, c, when) })
		}
	}
}

func becomesAFile(t *testing.T, c *client, when string) {
	l := realLab(t, c)
	target := filepath.Join(l.host.Home, "elsewhere.json")
	l.must(os.Rename(l.path(l.file()), target))
	l.must(os.Symlink(target, l.path(l.file())))
	old := l.one("lab")
	h := l.race(old)
	theirs := l.get(l.file()) + "\n"
	exchanges := 0
	h.pause = before(func() {
		exchanges++
		switch {
		case when == "before the merge" && exchanges == 1:
			l.must(os.WriteFile(target, []byte(theirs), 0o600))
		case when == "before the merge" && exchanges == 2, when == "before the exchange" && exchanges == 1:
			l.replace(theirs)
		}
	})
	result, err := h.Write(context.Background(), old, fresh("lab"), noImage)
	switch when {
	case "before the merge": // what came out of the one file has no place in the other
		var p *Problem
		if !errors.As(err, &p) || p.Kind != Dangling {
			t.Errorf("%v, %v", result, err)
		}
		equal(t, "their new file", l.get(l.file()), theirs)
	case "after an exchange":
		l.replace(theirs)
		result, err = h.Write(context.Background(), old, fresh("lab"), noImage)
		fallthrough
	default:
		if err != nil || result != Written {
			t.Errorf("%v, %v", result, err)
		}
		if !has(l.one("lab"), fresh("lab")) {
			t.Error("the new file has not got the token")
		}
	}
	l.must(h.Close())
	if when == "before the exchange" {
		if text, err := os.ReadFile(target); err != nil || strings.Contains(string(text), "new_lab_EXAMPLE") {
			t.Errorf("the former target was written: %v", err)
		}
	}
	if text := l.get(l.file()); !strings.HasSuffix(text, "\n") {
		t.Error("theirs is lost")
	}
}

// A program that writes at every moment: in the end the store is as it left
// it, and the token stays with the caller.
func TestAProgramThatNeverStopsWritingWins(t *testing.T) {
	for _, c := range clients {
		for _, always := range []step{exchanging, looking} {
			l := realLab(t, c)
			old := l.one("lab")
			h := l.race(old)
			text, times := l.get(l.file()), 0
			h.pause = func(s step) {
				if s == always {
					times++
					l.replace(text + strings.Repeat("\n", times))
				}
			}
			_, err := h.Write(context.Background(), old, fresh("lab"), noImage)
			var p *Problem
			if !errors.As(err, &p) || times < rounds/2 || times > 2*rounds {
				t.Errorf("%s: %v after %d times", c.name, err, times)
			}
			l.must(h.Close())
			equal(t, c.name, l.get(l.file()), text+strings.Repeat("\n", times))
			if len(l.files()) != len(realLab(t, c).files()) {
				t.Errorf("%s: something was left behind", c.name)
			}
		}
	}
}

// Between two exchanges of one write the path comes to lead elsewhere: what
// came out of the first file says nothing about the second.
func TestAPathThatMovesBetweenTwoExchanges(t *testing.T) {
	inBubble(t, func(l *lab) {
		t := l.t
		target := filepath.Join(l.host.Home, "elsewhere.json")
		l.must(os.Rename(l.path(l.file()), target))
		l.must(os.Symlink(target, l.path(l.file())))
		old := l.one("lab")
		h := l.hold(old)
		theirs := l.get(l.file()) + "\n"
		w := &write{Hold: h, old: old, token: fresh("lab")}
		w.came, w.there = []byte("of an exchange before"), []byte("put there before")
		doc, err := l.store().parse([]byte(theirs))
		l.must(err)
		done, err := l.store().spliced(doc, old.Key, fresh("lab"))
		l.must(err)
		l.replace(string(done.text)) // the new file has it already
		began := time.Now()
		result, err := w.merge(context.Background(), []byte(theirs), []byte(theirs))
		if err != nil || result != Written || !has(l.one("lab"), fresh("lab")) {
			t.Errorf("%v, %v: %q", result, err, l.get(l.file()))
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("waited %v for what came out of the first file", took)
		}
		l.must(h.Close())
	})
}

// A client that takes our lock for dead may be between its reading and its
// writing: then we do not write, and its lock is not ours to remove.
func TestAStoreLockThatWasLostStopsTheWrite(t *testing.T) {
	for _, c := range locked {
		for _, inTheirStead := range []bool{false, true} {
			l := realLab(t, c)
			old := l.one("lab")
			h := l.race(old)
			lock := l.path(c.storeLock.path)
			h.pause = before(func() {
				l.must(os.RemoveAll(lock))
				if inTheirStead && (c.storeLock.dir || c.storeLock.filled != nil) {
					l.must(os.Mkdir(lock, 0o755))
				} else if inTheirStead {
					l.must(os.WriteFile(lock, nil, 0o644))
				}
			})
			before := l.get(l.file())
			_, err := h.Write(context.Background(), old, fresh("lab"), noImage)
			var busy *clientlock.BusyError
			if !errors.As(err, &busy) || busy.Path != lock {
				t.Errorf("%s: %v", c.name, err)
			}
			equal(t, c.name+": the store", l.get(l.file()), before)
			if _, err := os.Stat(lock); inTheirStead != (err == nil) {
				t.Errorf("%s: their lock: %v", c.name, err)
			}
			// The next attempt, with nobody in the way, lands it.
			h.pause = nil
			os.Remove(lock)
			if result, err := h.Write(context.Background(), old, fresh("lab"), noImage); err != nil || result != Written {
				t.Errorf("%s: %v, %v", c.name, result, err)
			}
			l.must(h.Close())
		}
	}
}

// Once what is theirs is out of the file, it goes back whether the lock is
// ours or not.
func TestALostLockDoesNotKeepTheirsOut(t *testing.T) {
	for _, c := range locked {
		l := realLab(t, c)
		old := l.one("lab")
		h := l.race(old)
		exchanges := 0
		h.pause = before(func() {
			if exchanges++; exchanges == 1 {
				l.replace(l.entries(func(all map[string]map[string]any) { delete(all, "notes|1262121f17593025") }))
			} else {
				l.must(os.RemoveAll(l.path(c.storeLock.path)))
			}
		})
		result, err := h.Write(context.Background(), old, fresh("lab"), noImage)
		if err != nil || result != Written {
			t.Errorf("%s: %v, %v", c.name, result, err)
		}
		h.Close()
		if all := l.there(); len(all) != 1 || !has(all[0], fresh("lab")) {
			t.Errorf("%s: their logout of the other entry, or our token, is lost", c.name)
		}
	}
}

// A client that took our grant lock for dead: Check tells before a POST. After
// the answer the token is written all the same, and their lock stays.
func TestALostGrantLockIsFoundAndTheirsIsLeft(t *testing.T) {
	for _, c := range clients {
		if c.grantLock == nil {
			continue
		}
		l := realLab(t, c)
		old := l.one("lab")
		h := l.hold(old)
		l.must(h.Check())
		name := c.grantLock(l.store(), old).path
		if !filepath.IsAbs(name) {
			name = l.path(name)
		}
		l.must(os.RemoveAll(name))
		theirs := l.busy(c.grantLock(l.store(), old))
		if err := h.Check(); !errors.Is(err, clientlock.ErrLost) {
			t.Errorf("%s: Check: %v", c.name, err)
		}
		if result, err := h.Write(context.Background(), old, fresh("lab"), noImage); err != nil || result != Written {
			t.Errorf("%s: Write: %v, %v", c.name, result, err)
		}
		if err := h.Close(); !errors.Is(err, clientlock.ErrLost) {
			t.Errorf("%s: Close: %v", c.name, err)
		}
		l.must(theirs.Check())
		l.must(theirs.Release())
	}
}

// A busy client is waited for as long as the context lasts, and then the error
// says who.
func TestABusyLockIsABusyError(t *testing.T) {
	for _, c := range clients {
		if c.grantLock == nil {
			continue
		}
		synctest.Test(t, func(t *testing.T) { busyError(t, c) })
	}
}

func busyError(t *testing.T, c *client) {
	l := realLab(t, c)
	old := l.one("lab")
	var busy *clientlock.BusyError
	if c.grantLock != nil {
		grant := l.busy(c.grantLock(l.store(), old))
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		if _, err := l.store().Hold(ctx, old); !errors.As(err, &busy) || busy.Path != grant.Path() {
			t.Errorf("%s: Hold: %v", c.name, err)
		}
		cancel()
		l.must(grant.Release())
	}

	if c.storeLock.path == "" {
		return
	}
	h := l.hold(old)
	store := l.busy(c.storeLock)
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	before := l.get(l.file())
	if _, err := h.Write(ctx, old, fresh("lab"), noImage); !errors.As(err, &busy) || busy.Path != store.Path() {
		t.Errorf("%s: Write: %v", c.name, err)
	}
	cancel()
	equal(t, c.name+": the store", l.get(l.file()), before)
	l.must(store.Release())
	l.must(h.Close())
}

func TestAVendorsLoginIsNeverHeld(t *testing.T) {
	for _, c := range clients {
		l := realLab(t, c)
		for _, s := range l.stores() {
			if k := s.kind(Key{Entry: "login"}); k == nil || !k.single {
				continue
			}
			_, err := s.Hold(context.Background(), Credential{Key: Key{Store: s.Real(), Entry: "login"}})
			var p *Problem
			if !errors.As(err, &p) {
				t.Errorf("%s: %v", s.Path(), err)
			}
		}
		if len(l.files()) != len(realLab(t, c).files()) {
			t.Errorf("%s: a lock was made", c.name)
		}
	}
}

// A home that is gone, as on a disk that was taken out, does not come into
// being through a lock.
func TestAHomeThatIsGoneStaysGone(t *testing.T) {
	inBubble(t, func(l *lab) {
		t, c := l.t, l.client
		old := l.one("lab")
		h := l.hold(old)
		l.must(os.RemoveAll(l.dir))
		if result, err := h.Write(context.Background(), old, fresh("lab"), noImage); err != nil || result != Gone {
			t.Errorf("%s: Write: %v, %v", c.name, result, err)
		}
		h.Close()
		if _, err := l.store().Hold(context.Background(), old); err == nil && c.grantLock != nil {
			t.Errorf("%s: a lock in a home that is gone", c.name)
		}
		if _, err := h.Read(context.Background()); !errors.Is(err, ErrGone) {
			t.Errorf("%s: Read: %v", c.name, err)
		}
		if err := h.Ready(); !errors.Is(err, ErrGone) {
			t.Errorf("%s: Ready: %v", c.name, err)
		}
		if _, err := os.Lstat(l.dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the home is there again: %v", c.name, err)
		}
	})
}

func TestReadyTwiceAndNoWriteLeaveNothing(t *testing.T) {
	for _, c := range clients {
		l := realLab(t, c)
		before := l.files()
		h := l.hold(l.one("lab"))
		l.must(h.Ready())
		l.must(h.Ready())
		l.must(h.Check())
		l.must(h.Close())
		equal(t, c.name, l.files(), before)
	}
}

// What no client could read back is refused before anything is touched.
func TestATokenThatCannotBeStoredIsRefused(t *testing.T) {
	for _, c := range clients {
		for name, token := range map[string]Token{
			"not UTF-8": {Access: NewSecret("at\xff_EXAMPLE"), Refresh: NewSecret("rt_EXAMPLE")},
			"a control": {Access: NewSecret("at_EXAMPLE"), Refresh: NewSecret("rt\n_EXAMPLE")},
			"empty":     {Refresh: NewSecret("rt_EXAMPLE")},
		} {
			l := realLab(t, c)
			old := l.one("lab")
			h := l.hold(old)
			before := l.get(l.file())
			_, err := h.Write(context.Background(), old, token, noImage)
			var p *Problem
			if !errors.As(err, &p) || strings.Contains(err.Error(), "EXAMPLE") {
				t.Errorf("%s: %s: %v", c.name, name, err)
			}
			l.must(h.Close())
			equal(t, c.name+": "+name, l.get(l.file()), before)
		}
	}
}
