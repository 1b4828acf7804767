package credfiles

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// One suite for every client and every kind that is written: whatever the
// store looks like and whatever the token is, only the entry's own values
// change, and the client reads back what was written.

// A style is another way to write the same store.
type style struct {
	name string
	make func(c *client, text string) string
}

var styles = []style{
	{"as written", func(_ *client, text string) string { return text }},
	{"pretty", func(_ *client, text string) string { return indent(text, "  ") + "\n" }},
	{"CRLF", func(_ *client, text string) string {
		return strings.ReplaceAll(indent(text, "\t"), "\n", "\r\n") + "\r\n"
	}},
	{"spaced", func(_ *client, text string) string {
		return " \n" + strings.ReplaceAll(strings.ReplaceAll(text, `":`, `" : `), `,"`, ` , "`) + "\n\n  "
	}},
	{"unknown members", func(c *client, text string) string {
		text = beforeAccess(text, `"x-unknown":{"a":[1,2.50,"\u00e9",null,{}],"access_token":"at_inner_EXAMPLE"},`)
		if c == &claude { // Codex refuses a file with a member that is no entry
			text = `{"pluginSecrets":{"a":{"accessToken":"at_other_EXAMPLE"}},` + strings.TrimPrefix(text, "{")
		}
		return text
	}},
	{"duplicates", func(_ *client, text string) string {
		text = beforeAccess(text, `"access_token":"at_first_EXAMPLE","accessToken":"at_first_EXAMPLE","expires_at":1,"expiresAt":1,`)
		return text
	}},
	{"escapes", func(_ *client, text string) string {
		text = strings.NewReplacer(`"access`, `"\u0061ccess`, `"refresh`, `"\u0072efresh`, `"expires`, `"\u0065xpires`, `"scope`, `"\u0073cope`).Replace(text)
		return strings.NewReplacer(`http://`, `http:\/\/`, `"lab|`, `"l\u0061b|`, `"notes|`, `"n\u006ftes|`).Replace(text)
	}},
	{"numbers", func(_ *client, text string) string {
		return regexp.MustCompile(`("expires_?[aA]t":\s*)1(795\d{9})`).ReplaceAllString(text, `${1}1.${2}E+12`)
	}},
	{"fraction", func(_ *client, text string) string {
		return regexp.MustCompile(`("expires_?[aA]t":\s*1795\d{9})`).ReplaceAllString(text, `${1}.250`)
	}},
}

func indent(text, by string) string {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(text), "", by); err != nil {
		panic(err)
	}
	return b.String()
}

func beforeAccess(text, members string) string {
	return strings.NewReplacer(`"access_token"`, members+`"access_token"`, `"accessToken"`, members+`"accessToken"`).Replace(text)
}

// tokens are answers of all sorts.
var tokens = map[string]Token{
	"full":             fresh("full"),
	"no refresh token": {Access: NewSecret("at_new_EXAMPLE"), Expiry: time.UnixMilli(1_900_000_000_001), Scope: "read write offline_access"},
	"no expiry":        {Access: NewSecret("at_new_EXAMPLE"), Refresh: NewSecret("rt_new_EXAMPLE")},
	"other scopes":     {Access: NewSecret("at_new_EXAMPLE"), Refresh: NewSecret("rt_new_EXAMPLE"), Expiry: time.UnixMilli(1_900_000_000_002), Scope: `read "x\y"`},
	"scopes reordered": {Access: NewSecret("at_new_EXAMPLE"), Refresh: NewSecret("rt_new_EXAMPLE"), Expiry: time.UnixMilli(1_900_000_000_003), Scope: "offline_access read write read"},
	"scope not UTF-8":  {Access: NewSecret("at_new_EXAMPLE"), Refresh: NewSecret("rt_new_EXAMPLE"), Expiry: time.UnixMilli(1_900_000_000_004), Scope: "\xff"},
	"long":             {Access: NewSecret(strings.Repeat("a", 20_000)), Refresh: NewSecret(`rt"\/<&>` + "é\u2028😀"), Expiry: time.UnixMilli(1_900_000_000_005), Scope: " "},
	"endless":          {Access: NewSecret("at_new_EXAMPLE"), Refresh: NewSecret("rt_new_EXAMPLE"), Expiry: time.UnixMilli(1 << 60)},
	"short":            {Access: NewSecret("a"), Refresh: NewSecret("r"), Expiry: time.UnixMilli(0)},
}

func TestAWriteChangesOnlyTheValuesOfItsEntry(t *testing.T) {
	for _, c := range clients {
		for i, s := range styles {
			t.Run(c.name+"/"+s.name, func(t *testing.T) {
				l := realLab(t, c)
				l.put(l.file(), s.make(c, l.get(l.file())))
				conform(l, i, "full", tokens["full"])
			})
		}
		for name, token := range tokens {
			for _, s := range styles[:2] {
				t.Run(c.name+"/"+s.name+"/"+name, func(t *testing.T) {
					l := realLab(t, c)
					l.put(l.file(), s.make(c, l.get(l.file())))
					conform(l, len(name), name, token)
				})
			}
		}
	}
}

// conform writes a token into each entry in turn. i varies what does not
// concern the bytes: the mode, the group, and whether the store is a link.
func conform(l *lab, i int, name string, token Token) {
	t := l.t
	t.Helper()
	store := l.path(l.file())
	target := store
	if i%2 == 1 {
		target = filepath.Join(l.host.Home, "dotfiles", "store.json")
		l.must(os.Mkdir(filepath.Dir(target), 0o700))
		l.must(os.Rename(store, target))
		link, err := filepath.Rel(filepath.Dir(store), target)
		l.must(err)
		l.must(os.Symlink(link, store))
	}
	mode := []os.FileMode{0o600, 0o640, 0o644}[i%3]
	l.must(os.Chmod(target, mode))
	group := regroup(t, target)

	// The other entry first, so that its write is among what must stay.
	for _, who := range []string{"notes", "lab"} {
		old := l.one(who)
		file := l.fileOf(l.storeOf(old))
		before, text := l.files(), l.get(file)
		token := token
		if !token.Refresh.IsZero() {
			token.Refresh = NewSecret(token.Refresh.Reveal() + who) // two grants never share one
		}
		if got := l.write(old, token); got != Written {
			t.Fatalf("%s: %v", who, got)
		}
		k, place := l.place(old, text)
		was, now := cut(t, text, k, place), cut(t, l.get(file), k, place)
		if token.Expiry.Year() > 9999 || len(k.fields.since) > 0 && token.Expiry.Year() < 1971 {
			token.Expiry = time.Time{} // no client could read it
		}
		if token.Expiry.IsZero() && k.fields.expiryGone == asMissing {
			for _, field := range [][]string{k.fields.expiry, k.fields.lifetime} {
				if len(field) > 0 {
					was = without(was, field[len(field)-1])
				}
			}
		}
		if was != now {
			t.Errorf("%s: more changed than the values:\n got %s\nwant %s", who, now, was)
		}
		want := old
		want.Access, want.Expiry = token.Access, token.Expiry
		if !token.Refresh.IsZero() {
			want.Refresh = token.Refresh
		}
		if name == "other scopes" && len(k.fields.scope) > 0 {
			want.Scope, want.Scopes = token.Scope, strings.Fields(token.Scope)
		}
		switch now := l.one(who); {
		case l.client == &crush && want.Expiry.Unix() == 0:
			want.Expiry = time.Time{}
		case k.fields.unit == wholeSeconds:
			want.Expiry = want.Expiry.Truncate(time.Second)
		case len(k.fields.expiry) == 0 && want.Expiry.Before(time.Now()):
			want.Expiry = time.Time{}
		case len(k.fields.expiry) == 0 && want.Expiry.Sub(now.Expiry).Abs() < 2*time.Second:
			want.Expiry = now.Expiry // the file's time is all there is to count from
		}
		equal(t, who+" read back", l.describe([]Credential{l.one(who)}, nil), l.describe([]Credential{want}, nil))

		after := l.files()
		for _, name := range []string{store, target, l.path(file), l.path(l.client.marks)} {
			delete(before, name)
			delete(after, name)
		}
		equal(t, "all other files", after, before)
	}

	info, err := os.Lstat(target)
	l.must(err)
	if info.Mode() != mode || groupOf(info) != group {
		t.Errorf("the store is %v of group %d now, was %v of %d", info.Mode(), groupOf(info), mode, group)
	}
	if link, err := os.Lstat(store); err != nil || (link.Mode()&os.ModeSymlink != 0) != (target != store) {
		t.Errorf("the link is not what it was: %v", err)
	}
}

// cut takes the values of an entry's token out of a store. It finds them by
// encoding/json, not by what is tested.
func cut(t testing.TB, text string, k *kind, place []string) string {
	t.Helper()
	spans := map[string][2]int{}
	dec := json.NewDecoder(strings.NewReader(text))
	start := func() int {
		at := int(dec.InputOffset())
		for strings.IndexByte(" \t\r\n:,", text[at]) >= 0 {
			at++
		}
		return at
	}
	var walk func(path string)
	walk = func(path string) {
		from := start()
		token, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		for known := range spans {
			if strings.HasPrefix(known, path+"\x00") {
				delete(spans, known) // of an earlier member of this name
			}
		}
		switch token {
		case json.Delim('{'):
			for dec.More() {
				key, err := dec.Token()
				if err != nil {
					t.Fatal(err)
				}
				walk(path + "\x00" + key.(string))
			}
			dec.Token()
		case json.Delim('['):
			for i := 0; dec.More(); i++ {
				walk(fmt.Sprint(path, "\x00", i))
			}
			dec.Token()
		}
		spans[path] = [2]int{from, int(dec.InputOffset())}
	}
	walk("")
	var out [][2]int
	for _, field := range append(k.written(), k.fields.scope) {
		if span, ok := spans["\x00"+strings.Join(join(place, field), "\x00")]; ok && len(field) > 0 {
			out = append(out, span)
		}
	}
	slices.SortFunc(out, func(a, b [2]int) int { return b[0] - a[0] })
	for _, span := range out {
		text = text[:span[0]] + "␀" + text[span[1]:]
	}
	return text
}

// written are the places that a client's refresh writes.
func (k *kind) written() [][]string {
	f := k.fields
	return slices.Concat([][]string{f.access, f.refresh, f.expiry, f.lifetime, f.since}, f.copies, f.stamps)
}

// without takes the one member with a cut value of that name out.
func without(text, name string) string {
	return regexp.MustCompile(`,\s*"`+name+`"\s*:\s*␀`).ReplaceAllString(text, "")
}

// What the client left when its refresh token was refused takes a token that
// is newer, and the members that a wipe takes away come back.
func TestAWipedEntryTakesANewerToken(t *testing.T) {
	for _, c := range together {
		if c.wipesOnError {
			continue // no entry is left
		}
		t.Run(c.name, func(t *testing.T) {
			l := realLab(t, c)
			name := filepath.Base(c.files[0].name)
			wiped, err := os.ReadFile(filepath.Join("testdata", "real", real[c], "after-invalid_grant."+strings.TrimPrefix(name, ".")))
			l.must(err)
			l.put(l.file(), string(wiped))
			old := l.one("lab")
			if old.Blanked {
				old.Access = NewSecret("at_before_EXAMPLE")
			}
			old.Refresh = NewSecret("rt_before_EXAMPLE")
			h := l.hold(old)
			defer h.Close()
			result, err := h.Write(context.Background(), old, fresh("lab"), noImage)
			if err != nil || result != Written {
				t.Fatal(result, err)
			}
			now := l.one("lab")
			if !has(now, fresh("lab")) || !now.Expiry.Equal(fresh("lab").Expiry) || now.Blanked {
				t.Errorf("read back: %+v", now)
			}
			k, place := l.place(old, string(wiped))
			was, is := cut(t, string(wiped), k, place), cut(t, l.get(l.file()), k, place)
			if len(k.fields.access) > 1 {
				equal(t, "the rest", members(t, l.get(l.file()), place, k), members(t, string(wiped), place, k))
				return
			}
			if !strings.Contains(was, `"`+k.fields.refresh[0]+`":␀`) {
				is = without(is, k.fields.refresh[0])
			}
			equal(t, "the rest", is, was)
		})
	}
}

// members are what a store says, without the token of one entry and the object
// that holds it.
func members(t *testing.T, text string, place []string, k *kind) (doc map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	for _, path := range [][]string{k.fields.access[:len(k.fields.access)-1], k.fields.since} {
		at := doc
		for i, step := range join(place, path) {
			if inner, ok := at[step].(map[string]any); ok && i < len(place)+len(path)-1 {
				at = inner
			} else if len(path) > 0 {
				delete(at, step)
			}
		}
	}
	return doc
}

// Only the mark of that server goes, and every other byte stays.
func TestARepairClearsTheClientsMark(t *testing.T) {
	l := realLab(t, &claude)
	const marks = "mcp-needs-auth-cache.json"
	if !l.one("notes").NeedsAuth && time.Now().UnixMilli() < 1795240063955+900_000 {
		t.Error("the mark is not seen")
	}
	l.put(marks, `{"other":{"timestamp":1,"ttlMs":90000 } ,"notes":{"timestamp":4000000000000}, "lab" : {"timestamp":4000000000000}}`+"\n")
	if !l.one("notes").NeedsAuth || !l.one("lab").NeedsAuth {
		t.Error("the marks are not seen")
	}
	l.must(os.Chmod(l.path(marks), 0o644))
	l.write(l.one("notes"), fresh("notes"))
	equal(t, "the marks", l.get(marks), `{"other":{"timestamp":1,"ttlMs":90000 }, "lab" : {"timestamp":4000000000000}}`+"\n")
	if l.one("notes").NeedsAuth || !l.one("lab").NeedsAuth {
		t.Error("another mark went")
	}
	if info, err := os.Stat(l.path(marks)); err != nil || info.Mode() != 0o644 {
		t.Error(info.Mode(), err)
	}
	// A second one finds nothing to do, and a server may be called anything.
	before := l.files()
	h := l.hold(l.one("notes"))
	defer h.Close()
	for _, name := range []string{"notes", "", "\x00", "timestamp"} {
		l.must(h.ClearMark(Credential{Name: name}))
	}
	l.must(h.Close())
	equal(t, "the files", l.files(), before)
}

func TestMarksThatCannotBeChangedAreAProblem(t *testing.T) {
	for name, make := range map[string]func(l *lab, name string){
		"torn":   func(l *lab, name string) { l.put(name, `{"lab":{"times`) },
		"folder": func(l *lab, name string) { l.must(os.Mkdir(l.path(name), 0o700)) },
		"loop":   func(l *lab, name string) { l.must(os.Symlink(name, l.path(name))) },
	} {
		l := realLab(t, &claude)
		l.must(os.Remove(l.path(claudeMarks)))
		make(l, claudeMarks)
		h := l.hold(l.one("lab"))
		err := h.ClearMark(l.one("lab"))
		l.must(h.Close())
		if p, ok := err.(*Problem); !ok || p.Kind != Cache || p.Store != l.path(claudeMarks) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// No marks, or none that say so, are no Problem.
	for _, text := range []string{"", `[]`, `null`, `{}`} {
		l := realLab(t, &claude)
		l.must(os.Remove(l.path(claudeMarks)))
		if text != "" {
			l.put(claudeMarks, text)
		}
		h := l.hold(l.one("lab"))
		l.must(h.ClearMark(l.one("lab")))
		l.must(h.Close())
	}
}

func TestALockOfTheClientIsLeftAsTheClientLeavesIt(t *testing.T) {
	l := realLab(t, &codex)
	l.write(l.one("lab"), fresh("lab"))
	for _, name := range []string{"aa0c8b854bf95911f04cc2a4fc5c2686afe3cbf7076d79120d284e243de738cd.lock", "file-store.lock"} {
		info, err := os.Stat(l.path("mcp-oauth-locks/" + name))
		if err != nil || info.Size() != 0 || info.Mode() != 0o644 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if info, err := os.Stat(l.path("mcp-oauth-locks")); err != nil || info.Mode() != os.ModeDir|0o755 {
		t.Error(info.Mode(), err)
	}

	l = realLab(t, &claude)
	h := l.hold(l.one("lab"))
	if info, err := os.Stat(l.path("mcp-refresh-lab_cd725037a89da004.lock.lock")); err != nil || !info.IsDir() {
		t.Error("the refresh lock is not a folder:", err)
	}
	l.must(h.Close())
	left, err := filepath.Glob(l.path("*.lock"))
	l.must(err)
	if len(left) > 0 {
		t.Error("left behind:", left)
	}
}
