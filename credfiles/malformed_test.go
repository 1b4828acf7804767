package credfiles

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// refused asserts that a store is one Problem of that kind, that no write
// happens, and that nothing is touched. How long it was waited for comes back,
// in the time of the test's bubble.
func refused(l *lab, kind ProblemKind) time.Duration {
	t := l.t
	t.Helper()
	before := l.listing()
	began := time.Now()
	s := l.store()
	all, problems := s.Scan(context.Background())
	took := time.Since(began)
	if len(all) != 0 || len(problems) != 1 || problems[0].Kind != kind || problems[0].Store != s.Path() || problems[0].Client != l.client.name {
		t.Errorf("%d credentials, problems %v, want one of kind %s", len(all), problems, kind)
	}
	if len(problems) == 1 && problems[0].Error() == "" {
		t.Error("it says nothing")
	}
	began = time.Now()
	if s.Scan(context.Background()); time.Since(began) != 0 {
		t.Error("the same bytes were waited for again")
	}
	entry := s.entry
	if entry == "" {
		entry = labKey
		if k := l.kind(); k.list || k.keyed {
			entry = "lab"
		}
	}
	old := Credential{Key: Key{Store: s.Real(), Entry: entry}, Name: "lab", Grant: Grant{ServerURL: "http://127.0.0.1:18700/mcp"}}
	h, err := s.Hold(context.Background(), old)
	l.must(err)
	var p *Problem
	if _, err := h.Read(context.Background()); !errors.As(err, &p) || p.Kind != kind {
		t.Errorf("Read: %v", err)
	}
	if err := h.Ready(); !errors.As(err, &p) || p.Kind != kind {
		t.Errorf("Ready: %v", err)
	}
	if _, err := h.Write(context.Background(), old, fresh("x"), noImage); !errors.As(err, &p) || p.Kind != kind {
		t.Errorf("Write: %v", err)
	}
	l.must(h.Close())
	if after := l.listing(); after != before {
		t.Errorf("touched:\n%s\nbefore:\n%s", after, before)
	}
	return took
}

// listing describes everything in the client's home without opening it.
func (l *lab) listing() string {
	dir := filepath.Dir(l.path(l.file()))
	entries, err := os.ReadDir(dir)
	l.must(err)
	var b strings.Builder
	for _, e := range entries {
		if e.Name() == "mcp-oauth-locks" || strings.HasSuffix(e.Name(), ".json.refresh.lock") || e.Name() == "crush.json.lock" {
			continue
		}
		info, err := e.Info()
		l.must(err)
		link, _ := os.Readlink(filepath.Join(dir, e.Name()))
		fmt.Fprintln(&b, e.Name(), info.Mode(), info.Size(), info.ModTime(), link)
	}
	return b.String()
}

// inBubble runs a test for each client, in a bubble whose time stands still
// unless everybody waits.
func inBubble(t *testing.T, f func(l *lab)) {
	t.Helper()
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(realLab(t, c)) })
		})
	}
}

// otherShape is an array instead of an object, or the other way round.
func otherShape(text string) string {
	if strings.HasPrefix(text, "[") {
		return "{}"
	}
	return "[]"
}

func TestMalformedStores(t *testing.T) {
	for name, row := range map[string]struct {
		make  func(text string) string
		kind  ProblemKind
		waits bool
	}{
		"empty":                 {func(string) string { return "" }, Empty, true},
		"white space":           {func(string) string { return " \r\n\t" }, Empty, true},
		"a word":                {func(string) string { return "logged out" }, NotJSON, true},
		"zeros alone":           {func(text string) string { return strings.Repeat("\x00", len(text)) }, NotJSON, true},
		"zeros after its end":   {func(text string) string { return text + strings.Repeat("\x00", 4096) }, Trailing, true},
		"zeros in the middle":   {func(text string) string { return text[:len(text)/2] + "\x00\x00" + text[len(text)/2+2:] }, NotJSON, true},
		"two documents":         {func(text string) string { return text + text }, Trailing, true},
		"a trailing comma":      {func(text string) string { return regexp.MustCompile(`\s*.\s*$`).ReplaceAllString(text, ",$0") }, NotJSON, true},
		"a comment":             {func(text string) string { return "// mine\n" + text }, NotJSON, true},
		"a byte order mark":     {func(text string) string { return "\uFEFF" + text }, NotUTF8, false},
		"UTF-16":                {func(text string) string { return "\xff\xfe" + strings.Join(strings.Split(text, ""), "\x00") + "\x00" }, NotUTF8, false},
		"Latin-1":               {func(text string) string { return strings.Replace(text, "access", "\xe4ccess", 1) }, NotUTF8, false},
		"deep nesting":          {func(string) string { return strings.Repeat("[", 1<<20) }, TooDeep, false},
		"deep nesting, closed":  {func(string) string { return strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000) }, TooDeep, false},
		"another shape":         {otherShape, OddShape, false},
		"a string":              {func(string) string { return `"x"` }, OddShape, false},
		"null":                  {func(string) string { return "null" }, OddShape, false},
		"a number":              {func(string) string { return "3" }, OddShape, false},
		"50 MB of white space":  {func(text string) string { return text + strings.Repeat(" ", 50<<20) }, TooLarge, false},
		"50 MB of one document": {func(text string) string { return text + `{"a":"` + strings.Repeat("x", 50<<20) + `"}` }, TooLarge, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(l *lab) {
				l.put(l.file(), row.make(l.get(l.file())))
				took := refused(l, row.kind)
				if row.waits != (took >= settle) || took > settle+time.Second {
					l.t.Errorf("waited for %v", took)
				}
			})
		})
	}
}

func TestAStoreCutAtAnyByteIsTorn(t *testing.T) {
	inBubble(t, func(l *lab) {
		text := strings.TrimSpace(l.get(l.file()))
		for n := 0; n < len(text); n += 1 + len(text)/2000 {
			l.put(l.file(), text[:n])
			_, problems := l.store().Scan(context.Background())
			want := Torn
			if n == 0 {
				want = Empty
			}
			if len(problems) != 1 || problems[0].Kind != want {
				l.t.Fatalf("cut at %d: %v", n, problems)
			}
			if got := l.get(l.file()); got != text[:n] {
				l.t.Fatalf("cut at %d: it was written", n)
			}
		}
	})
}

// Whatever stands in the place of any value: no crash, and an entry that is
// still called fit for a refresh takes one and reads it back.
func TestWrongTypesAtEveryLevel(t *testing.T) {
	odd := []any{nil, -1.5e300, "", "\u202e\x00", []any{1}, map[string]any{"x": nil}}
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			l := realLab(t, c)
			var doc any
			l.must(json.Unmarshal([]byte(l.get(l.file())), &doc))
			watched, written := 0, 0
			everywhere(doc, func(v any) { doc = v }, func(was any, set func(any)) {
				for _, v := range odd {
					set(v)
					text, err := json.Marshal(doc)
					l.must(err)
					l.put(l.file(), string(text))
					s := l.store()
					all, _ := s.Scan(context.Background())
					for _, cred := range all {
						if cred.WatchOnly != "" || cred.Missing {
							watched++
							continue
						}
						written++
						h, err := s.Hold(context.Background(), cred)
						l.must(err)
						result, err := h.Write(context.Background(), cred, fresh("odd"), noImage)
						if err != nil || result != Written {
							t.Errorf("%s: %v, %v", text, result, err)
						}
						l.must(h.Close())
					}
				}
				set(was)
			})
			t.Logf("%d only watched, %d written", watched, written)
			if watched == 0 || written == 0 {
				t.Error("the test tried nothing")
			}
		})
	}
}

// everywhere calls try with a function that puts another value in the place of
// one, for each value in turn, the outermost included.
func everywhere(v any, set func(any), try func(was any, set func(any))) {
	try(v, set)
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			everywhere(e, func(e any) { v[k] = e }, try)
		}
	case []any:
		for i, e := range v {
			everywhere(e, func(e any) { v[i] = e }, try)
		}
	}
}

func TestWhatIsNoFileIsAProblem(t *testing.T) {
	inBubble(t, func(l *lab) {
		store := l.path(l.file())
		for name, row := range map[string]struct {
			make func() error
			kind ProblemKind
		}{
			"a folder":        {func() error { return os.Mkdir(store, 0o700) }, NotRegular},
			"a dangling link": {func() error { return os.Symlink("nowhere", store) }, Dangling},
			"a loop of links": {func() error { return os.Symlink(filepath.Base(store), store) }, Dangling},
			"a device":        {func() error { return os.Symlink(os.DevNull, store) }, NotRegular},
		} {
			l.must(os.RemoveAll(store))
			l.must(row.make())
			if took := refused(l, row.kind); took != 0 {
				l.t.Errorf("%s: waited for %v", name, took)
			}
			_, problems := l.look()
			if len(problems) != 1 || problems[0].Kind != row.kind {
				l.t.Errorf("%s: %v", name, problems)
			}
		}
		// No store at all is none of these: its client was never used.
		l.must(os.RemoveAll(store))
		began := time.Now()
		all, problems := l.store().Scan(context.Background())
		all = slices.DeleteFunc(all, func(c Credential) bool { return c.Missing })
		if len(all)+len(problems) > 0 || time.Since(began) != 0 {
			l.t.Error(all, problems, time.Since(began))
		}
		// Nor is a home that is a file.
		l.must(os.RemoveAll(l.dir))
		l.must(os.WriteFile(l.dir, nil, 0o600))
		if _, problems := l.look(); len(problems) == 0 && !l.client.files[0].many {
			l.t.Error("a file for a home is no Problem")
		}
	})
}

// Somebody is writing the store in place when we look.
func TestAStoreThatIsBeingWrittenIsReadWhenItIsWhole(t *testing.T) {
	for name, interrupt := range map[string]func(l *lab, text string){
		"emptied": func(l *lab, _ string) { l.put(l.file(), "") },
		"torn":    func(l *lab, text string) { l.put(l.file(), text[:min(150, len(text)-9)]) },
		"mixed":   func(l *lab, text string) { l.put(l.file(), text+text[:20]) },
		"gone":    func(l *lab, _ string) { l.must(os.Remove(l.path(l.file()))) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(l *lab) {
				text := l.get(l.file())
				s := l.store()
				before, _ := s.Scan(context.Background())
				interrupt(l, text)
				time.AfterFunc(settle-100*time.Millisecond, func() { l.put(l.file(), text) })
				after, problems := s.Scan(context.Background())
				if l.client == &amazonQ {
					before[0].Expiry = after[0].Expiry // it goes by the file's time
				}
				if len(problems) > 0 || !reflect.DeepEqual(l.describe(after, nil), l.describe(before, nil)) {
					l.t.Errorf("%d credentials, %v", len(after), problems)
				}
				// What is torn in another way, or gone again, is waited for anew.
				interrupt(l, text)
				s.Scan(context.Background())
				began := time.Now()
				s.Scan(context.Background())
				if time.Since(began) != 0 {
					l.t.Error("the same bytes were waited for again")
				}
				l.put(l.file(), text[:100])
				if s.Scan(context.Background()); time.Since(began) < settle {
					l.t.Error("other bytes were not waited for")
				}
			})
		})
	}
}

func TestWhoHasNoTimeIsNotKeptWaiting(t *testing.T) {
	inBubble(t, func(l *lab) {
		s := l.store()
		l.put(l.file(), "")
		ctx, cancel := context.WithTimeout(context.Background(), settle/4)
		defer cancel()
		began := time.Now()
		if _, problems := s.Scan(ctx); len(problems) != 1 || problems[0].Kind != Empty {
			l.t.Error(problems)
		}
		if took := time.Since(began); took != settle/4 {
			l.t.Errorf("waited for %v", took)
		}
		// That was no proof that the store stays so.
		began = time.Now()
		if s.Scan(context.Background()); time.Since(began) < settle {
			l.t.Error("it was given up after a look that was cut short")
		}
	})
}

func TestAHugeNumberOfEntries(t *testing.T) {
	for _, c := range together {
		l := realLab(t, c)
		const many = 5_000
		l.put(l.file(), l.entries(func(all map[string]map[string]any) {
			for i := range many {
				e := copied(all[labKey])
				if l.kind().list {
					set(e, l.words().name, fmt.Sprint("n", i))
				}
				all[fmt.Sprintf("n%d|cd725037a89da004", i)] = e
			}
		}))
		all := l.scan()
		if len(all) != many+2 {
			t.Errorf("%s: %d credentials", c.name, len(all))
		}
	}
}
