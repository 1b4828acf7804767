package settings

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

var work = Home{Client: "codex", Path: "~/.codex-work", Name: "work"}

const workTable = "[[home]]\nclient = \"codex\"\npath = \"~/.codex-work\"\nname = \"work\"\n"

func TestAddHomeAppendsATableAndChangesNoOtherByte(t *testing.T) {
	claude := Home{Client: "claude", Path: `~/"a" b\c`}
	for _, c := range []struct {
		name, before string
		home         Home
		added        string
	}{
		{"an empty file", "", work, workTable},
		{"a mark alone", "\ufeff", work, workTable},
		{"after comments", "# one\n\n# two\n", work, "\n" + workTable},
		{"after a comment without its end", "# one", work, "\n\n" + workTable},
		{"after keys", "mode = 'keep' # mine\n", work, "\n" + workTable},
		{"after a key without its end", "mode = 'keep'", work, "\n\n" + workTable},
		{"after blank lines", "mode = 'keep'\n\n  ", work, "\n\n" + workTable},
		{"CRLF", "mode = 'keep'\r\n", work, "\r\n" + strings.ReplaceAll(workTable, "\n", "\r\n")},
		{"CRLF without its end", "# a\r\nmode = 'keep'", work, "\r\n\r\n" + strings.ReplaceAll(workTable, "\n", "\r\n")},
		{"another of this client", "[[home]]\nclient = 'codex'\npath = '~/a'\nname = 'a'\n\n[lead]\nleast = '1m'\n", work, "\n" + workTable},
		{"that name with another client", "[[home]]\nclient = 'claude'\npath = '~/a'\nname = 'work'\n", work, "\n" + workTable},
		{"without a name, twice", "[[home]]\nclient = 'claude'\npath = '~/\"a\" b\\c'\n", claude, "\n[[home]]\nclient = \"claude\"\npath = \"~/\\\"a\\\" b\\\\c\"\n"},
		{"beside mistakes of others", "moed = 1\n[[home]]\nclient = 'no'\n", work, "\n" + workTable},
		{"below a mistake of others without its end", "moed = 1", work, "\n\n" + workTable},
		{"beside texts that look like one", "x = '''\n[[home]]\nname = \"work\"'''\n", work, "\n" + workTable},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := config(t, c.before)
			if err := AddHome(path, c.home, clients); err != nil {
				t.Fatal(err)
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != c.before+c.added {
				t.Errorf("got  %q, %v\nwant %q", after, err, c.before+c.added)
			}
		})
	}
}

func TestRemoveHomeRemovesItsTableAndItsCommentsOnly(t *testing.T) {
	for _, c := range []struct{ name, before, after string }{
		{"the whole file", workTable, ""},
		{"the whole file, after a mark", "\ufeff" + workTable, "\ufeff"},
		{"at the end", "mode = 'keep'\n\n" + workTable, "mode = 'keep'\n"},
		{"at the end, without its end", "mode = 'keep'\n\n" + strings.TrimSpace(workTable), "mode = 'keep'\n"},
		{"in the middle", "mode = 'keep'\n\n" + workTable + "\n[lead]\n", "mode = 'keep'\n\n[lead]\n"},
		{"in the middle, CRLF", strings.ReplaceAll("mode = 'keep'\n\n"+workTable+"\n[lead]\n", "\n", "\r\n"), "mode = 'keep'\r\n\r\n[lead]\r\n"},
		{"in the middle, no blank line below", "mode = 'keep'\n\n" + workTable + "[lead]\n", "mode = 'keep'\n\n[lead]\n"},
		{"in the middle, no blank line above", "mode = 'keep'\n" + workTable + "\n[lead]\n", "mode = 'keep'\n\n[lead]\n"},
		{"in the middle, no blank lines", "[log]\n" + workTable + "[lead]\n", "[log]\n[lead]\n"},
		{"in the middle, more blank lines", "[log]\n\n \t\n" + workTable + "\n\n[lead]\n", "[log]\n\n\n\n[lead]\n"},
		{"first", workTable + "\n[lead]\n", "[lead]\n"},
		{"first, after a mark", "\ufeff" + workTable + "\n[lead]\n", "\ufeff[lead]\n"},
		{"first, after a blank line", "\n" + workTable + "[lead]\n", "\n[lead]\n"},

		{"between others", "[[home]]\nclient = 'codex'\npath = '~/a'\n\n" + workTable + "\n[[home]]\nclient = 'codex'\npath = '~/b'\n",
			"[[home]]\nclient = 'codex'\npath = '~/a'\n\n[[home]]\nclient = 'codex'\npath = '~/b'\n"},
		{"the last of equal ones", workTable + "# one\n\n" + workTable + "# two\n", workTable + "# one\n"},
		{"with a table of another list in between", "[[home]]\nclient = 'codex'\npath = '~/a'\n[[credential]]\nid = 'x'\n" + workTable,
			"[[home]]\nclient = 'codex'\npath = '~/a'\n[[credential]]\nid = 'x'\n"},

		{"comments above, in it and below", "mode = 'keep'\n\n# apart\n\n# mine\n  # at work\n[[home]] # one\n# two\nclient = 'codex' # three\n\n# four\npath = '~/.codex-work'\nname = 'work' # five\n# six\n\n# apart too\n",
			"mode = 'keep'\n\n# apart\n\n# apart too\n"},
		{"the next table's comment", "mode = 'keep'\n\n" + workTable + "# how early\n# or late\n[lead]\n", "mode = 'keep'\n\n# how early\n# or late\n[lead]\n"},
		{"the file's comment", "# Lamplighter\n" + workTable, "# Lamplighter\n"},
		{"the file's comment, after a mark", "\ufeff# Lamplighter\n" + workTable, "\ufeff# Lamplighter\n"},
		{"a comment on the line above", "mode = 'keep' # mine\n" + workTable, "mode = 'keep' # mine\n"},

		{"after a text that ends like a comment", "x = '''\n# a\n# b'''\n" + workTable, "x = '''\n# a\n# b'''\n"},
		{"after a list that ends like a comment", "x = [\n1\n# a\n]\n# mine\n" + workTable, "x = [\n1\n# a\n]\n"},
		{"texts that look like tables", "x = '''\n" + workTable + "'''\n[[home]]\nclient = '''codex'''\npath = '''\n~/.codex-work'''\nname = \"\"\"\nwork\"\"\"\n[lead]\n", "x = '''\n" + workTable + "'''\n[lead]\n"},
		{"odd spelling", "[log]\n  [[ \"home\" ]]\n  'client'='codex'\n\"path\" = \"~\\u002f.codex-work\"\n\tname=\"work\"", "[log]\n"},

		{"not there", "mode = 'keep'\n# " + workTable, "mode = 'keep'\n# " + workTable},
		{"another name", "[[home]]\nclient = 'codex'\npath = '~/.codex-work'\n", "[[home]]\nclient = 'codex'\npath = '~/.codex-work'\n"},
		{"more than a home", workTable + "x = 1\n", workTable + "x = 1\n"},
		{"more than a home, in a table", workTable + "[home.x]\ny = 1\n", workTable + "[home.x]\ny = 1\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := config(t, c.before)
			if err := RemoveHome(path, work); err != nil {
				t.Fatal(err)
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != c.after {
				t.Errorf("got  %q, %v\nwant %q", after, err, c.after)
			}
		})
	}
	missing := filepath.Join(t.TempDir(), "no", "config.toml")
	if err := RemoveHome(missing, work); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Dir(missing)); err == nil {
		t.Error("RemoveHome made a folder")
	}
}

func TestAHomeThatLoadWouldRefuseIsNotAdded(t *testing.T) {
	const before = "moed = 1 # not its mistake\n" + workTable
	for _, c := range []struct {
		home Home
		want string
	}{
		{Home{"gemini", "~/a", ""}, `home.client: must be "codex" or "claude"`},
		{Home{"codx", "~/a", ""}, `home.client: must be "codex" or "claude"; did you mean "codex"?`},
		{Home{"", "~/a", ""}, "home: client is missing"},
		{Home{"codex", "", ""}, "home: path is missing"},
		{Home{"codex", "a/b", ""}, `home.path: must be an absolute path or one that begins with "~/"`},
		{Home{"codex", "~/a\x1b", ""}, "home.path: holds a control character"},
		{Home{"codex", "~/a\xff", ""}, "home.path: a text that is not UTF-8 cannot be a setting"},
		{Home{"codex", "~/a", "a@b"}, "home.name: must not hold / or @"},
		{Home{"codex", "~/a", " "}, "home.name: is empty; leave the line out instead"},
		{Home{"codex", "~/a", "work"}, "home.name: is the name of another home of this client"},
	} {
		path := config(t, before)
		err := AddHome(path, c.home, clients)
		if err == nil || err.Error() != path+": "+c.want {
			t.Errorf("%+v\ngot  %v\nwant %s: %s", c.home, err, path, c.want)
		}
		if after, _ := os.ReadFile(path); string(after) != before {
			t.Errorf("%+v: it wrote %q", c.home, after)
		}
	}

	path := config(t, "")
	var e *Error
	if err := AddHome(path, Home{"gemini", "a", "/"}, clients); !errors.As(err, &e) || len(e.Faults) != 3 {
		t.Errorf("three mistakes: %v", err)
	}
}

func TestHomesThatAreNoTablesOfTheirOwnAreLeftToTheUser(t *testing.T) {
	const inline = `{ client = "codex", path = "~/.codex-work", name = "work" }`
	for _, before := range []string{"home = [" + inline + "]\n", "home = [\n  " + inline + ", # mine\n  {}\n]\n"} {
		for name, change := range map[string]func(string) error{
			"add":    func(path string) error { return AddHome(path, Home{Client: "codex", Path: "~/a"}, clients) },
			"remove": func(path string) error { return RemoveHome(path, work) },
		} {
			path := config(t, before)
			err := change(path)
			if err == nil || err.Error() != path+": home is not written as [[home]] tables; edit it by hand" {
				t.Errorf("%s, %q: %v", name, before, err)
			}
			if after, _ := os.ReadFile(path); string(after) != before {
				t.Errorf("%s, %q: it wrote %q", name, before, after)
			}
		}
	}
	for _, before := range []string{"home = []\n", "home = 3\n", "[home]\n", "home.client = 'codex'\n", "mode = \n", "\xff"} {
		path := config(t, before)
		err := AddHome(path, work, clients)
		if after, _ := os.ReadFile(path); err == nil || string(after) != before {
			t.Errorf("%q: %v, %q", before, err, after)
		}
	}
}

func TestWhatAddHomeWritesIsWhatLoadReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lamplighter", "config.toml")
	absolute := filepath.Join(t.TempDir(), `it's "é`)
	homes := []Home{work, {Client: "claude", Path: absolute}, {Client: "claude", Path: "~/#", Name: "[[home]] #"}}
	for _, h := range homes {
		if err := AddHome(path, h, clients); err != nil {
			t.Fatal(err)
		}
	}
	for len(homes) > 0 {
		s, err := Load(path, clients)
		if err != nil || !reflect.DeepEqual(s.Homes, homes) {
			t.Fatalf("got  %+v, %v\nwant %+v", s.Homes, err, homes)
		}
		if err := RemoveHome(path, homes[0]); err != nil {
			t.Fatal(err)
		}
		homes = homes[1:]
	}
	if text, err := os.ReadFile(path); err != nil || len(text) > 0 {
		t.Errorf("left over: %q, %v", text, err)
	}
}

// FuzzHome checks on any text that a home comes and goes and nothing else
// does.
func FuzzHome(f *testing.F) {
	for _, text := range []string{
		"", "\ufeff", "\n", "# one", "mode = 'keep' # mine\r\n", "[lead]\n\n\n", workTable, "# c\n" + workTable + "# d\n\n[lead]\n", "home = [{}]", "[home]", "a = '''\n[[home]]\n# '''",
		"[[home]]\nclient = 'codex'\npath = '~/a'\n# next\n[[home]]\npath = '~/b'\nclient = \"claude\"\n[[home.x]]\n", "[[\"home\"]] # x\r\nname = 'a'\r\nclient = 'codex'\r\n\r\npath = \"\"\"\r\n~/b\"\"\"\r\n[a.home]\r\nx = nan",
		"[[home]]\nclient='codex'\npath='~/a'\n[[a.home]]\nclient='codex'\npath='~/a'\n[[\"home[0]\"]]\nclient='codex'\npath='~/a'\n",
	} {
		f.Add(text, "codex", "~/.codex-work", "work")
		f.Add(text, "claude", "/a\"\\é'''", "")
	}
	f.Fuzz(func(t *testing.T, text, client, folder, name string) {
		if _, fault := parseDocument([]byte(text)); fault != nil {
			return
		}
		path := config(t, text)
		now := func() string {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}

		// What is there already goes, and what goes is that home alone.
		for _, h := range homesOf(valuesOf(t, text)) {
			before := now()
			d, _ := parseDocument([]byte(before))
			err := RemoveHome(path, h)
			after := now()
			if err != nil {
				if after != before {
					t.Fatalf("%v, but it wrote %q", err, after)
				}
				break
			}
			e := d.cut(d.find(element("home", lastOf(d.values, h))))
			cut := before[e.start:e.end]
			if after != before[:e.start]+before[e.end:] {
				t.Fatalf("%q became %q", before, after)
			}
			if gone := valuesOf(t, cut); len(gone) != 1 || !slices.Equal(homesOf(gone), []Home{h}) {
				t.Fatalf("%+v is to go, and gone is %q", h, cut)
			}
			if !reflect.DeepEqual(without(valuesOf(t, before), h), valuesOf(t, after)) {
				t.Fatalf("%q became %q", before, after)
			}
		}

		// What comes goes without a trace.
		before := now()
		h := Home{Client: client, Path: folder, Name: name}
		err := AddHome(path, h, clients)
		added := now()
		if err != nil {
			if added != before {
				t.Fatalf("%v, but it wrote %q", err, added)
			}
			return
		}
		homes := homesOf(valuesOf(t, added))
		if !strings.HasPrefix(added, before) || homes[len(homes)-1] != h || !reflect.DeepEqual(without(valuesOf(t, added), h), valuesOf(t, before)) {
			t.Fatalf("%q became %q", before, added)
		}
		if err := RemoveHome(path, h); err != nil {
			t.Fatal(err)
		}
		if after := now(); after != before && after != before+"\n" && after != before+"\r\n" {
			t.Fatalf("%q became %q and then %q", before, added, after)
		}
	})
}

// valuesOf are the values as go-toml reads them.
func valuesOf(t *testing.T, text string) map[string]any {
	t.Helper()
	values := map[string]any{}
	if err := toml.Unmarshal([]byte(strings.TrimPrefix(text, string(bom))), &values); err != nil {
		t.Fatalf("%q does not parse: %v", text, err)
	}
	return values
}

// homesOf are the homes that say what a home can say, and nothing else.
func homesOf(values map[string]any) (homes []Home) {
	list, _ := values["home"].([]any)
	for _, e := range list {
		members, _ := e.(map[string]any)
		var h Home
		h.Client, _ = members["client"].(string)
		h.Path, _ = members["path"].(string)
		h.Name, _ = members["name"].(string)
		if is(members, h) {
			homes = append(homes, h)
		}
	}
	return homes
}

func is(members any, h Home) bool {
	want := map[string]any{"client": h.Client, "path": h.Path, "name": h.Name}
	maps.DeleteFunc(want, func(_ string, v any) bool { return v == "" })
	return reflect.DeepEqual(members, any(want))
}

// lastOf is the index of the last home that is h.
func lastOf(values map[string]any, h Home) int {
	list := values["home"].([]any)
	for i := len(list) - 1; ; i-- {
		if is(list[i], h) {
			return i
		}
	}
}

// without is the values with one home less.
func without(values map[string]any, h Home) map[string]any {
	list, i := values["home"].([]any), lastOf(values, h)
	if list = slices.Delete(list, i, i+1); len(list) == 0 {
		delete(values, "home")
	} else {
		values["home"] = list
	}
	return values
}
