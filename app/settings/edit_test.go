package settings

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"
)

func TestSetChangesOneKeyAndNoOtherByte(t *testing.T) {
	for _, c := range []struct {
		name, before string
		key          string
		value        any
		after        string
	}{
		{"value", "# mine\n mode  =  'keep'\t# as it was\n[lead]\n", "mode", "watch-only", "# mine\n mode  =  \"watch-only\"\t# as it was\n[lead]\n"},
		{"value at the end of the file", "mode = 'keep'", "mode", "watch-only", "mode = \"watch-only\""},
		{"value, CRLF", "mode = 'keep'\r\nx = 1\r\n", "mode", "watch-only", "mode = \"watch-only\"\r\nx = 1\r\n"},
		{"value in many lines", "a = '''\n[lead]\nmode = 1\n'''\nmode = [ # odd\n 1, # one\n]\n", "mode", "keep", "a = '''\n[lead]\nmode = 1\n'''\nmode = \"keep\"\n"},
		{"value under a quoted key", "\"mode\" = 1\n", "mode", "keep", "\"mode\" = \"keep\"\n"},
		{"value in a table", "[lead]\nleast='1m'\nmost='2m'\n[log]\nmost=1\n", "lead.most", "3m", "[lead]\nleast='1m'\nmost=\"3m\"\n[log]\nmost=1\n"},
		{"value by dotted keys", "lead . most = '2m'\n", "lead.most", "3m", "lead . most = \"3m\"\n"},
		{"value in an inline table", "lead = { least = '1m', most = '2m' } # x\n", "lead.least", "3m", "lead = { least = \"3m\", most = '2m' } # x\n"},
		{"the same value", "mode = \"keep\"\n", "mode", "keep", "mode = \"keep\"\n"},
		{"byte order mark", "\ufeffmode = 1\n", "mode", "keep", "\ufeffmode = \"keep\"\n"},

		{"new in an empty file", "", "mode", "keep", "mode = \"keep\"\n"},
		{"new after comments", "# one\n\n# two\n", "mode", "keep", "# one\n\n# two\nmode = \"keep\"\n"},
		{"new after a comment without its end", "# one", "mode", "keep", "# one\nmode = \"keep\"\n"},
		{"new after the last key", "a = 1\n  b = [\n 2\n] # two\n\n# lead\n[lead]\n", "mode", "keep", "a = 1\n  b = [\n 2\n] # two\n  mode = \"keep\"\n\n# lead\n[lead]\n"},
		{"new after a key without its end", "a = 1", "mode", "keep", "a = 1\nmode = \"keep\"\n"},
		{"new above the first table", "[lead]\nleast = '1m'\n", "mode", "keep", "mode = \"keep\"\n\n[lead]\nleast = '1m'\n"},
		{"new below the file's comment", "# Lamplighter\n[lead]\n", "mode", "keep", "# Lamplighter\nmode = \"keep\"\n\n[lead]\n"},
		{"new above the table's comment", "# Lamplighter\n\n# how early\n# or late\n[[home]]\n", "mode", "keep", "# Lamplighter\n\nmode = \"keep\"\n\n# how early\n# or late\n[[home]]\n"},
		{"new below a mark", "\ufeff[lead]\n", "mode", "keep", "\ufeffmode = \"keep\"\n\n[lead]\n"},
		{"new, CRLF", "[lead]\r\n", "mode", "keep", "mode = \"keep\"\r\n\r\n[lead]\r\n"},

		{"new in a table", "[lead]\n  least = '1m' # x\n\n# the log\n[log]\n", "lead.most", "3m", "[lead]\n  least = '1m' # x\n  most = \"3m\"\n\n# the log\n[log]\n"},
		{"new in an empty table", "[lead] # x\n[log]\nkeep = 1\n", "lead.most", "3m", "[lead] # x\nmost = \"3m\"\n[log]\nkeep = 1\n"},
		{"new in the last table", "[lead]", "lead.most", "3m", "[lead]\nmost = \"3m\"\n"},
		{"new in a table with tables in it", "[lead]\na = { b = 1 }\n[lead.deep]\nx = 1\n", "lead.most", "3m", "[lead]\na = { b = 1 }\nmost = \"3m\"\n[lead.deep]\nx = 1\n"},
		{"new beside dotted keys", "lead.least = '1m'\nx = 1\n[lead.deep]\nz = 1\n", "lead.most", "3m", "lead.least = '1m'\nlead.most = \"3m\"\nx = 1\n[lead.deep]\nz = 1\n"},
		{"new beside dotted keys in a table", "[a]\nlead.least = 1\n", "a.lead.most", 3, "[a]\nlead.least = 1\nlead.most = 3\n"},
		{"new in an inline table", "lead = { least = '1m', a = {b = 1} }\n", "lead.most", "3m", "lead = { least = '1m', a = {b = 1}, most = \"3m\" }\n"},
		{"new in an empty inline table", "lead = {}\n", "lead.most", "3m", "lead = { most = \"3m\" }\n"},
		{"new table", "mode = 'keep'\n", "lead.most", "3m", "mode = 'keep'\n\n[lead]\nmost = \"3m\"\n"},
		{"new table, no end of line", "mode = 'keep'", "lead.most", "3m", "mode = 'keep'\n\n[lead]\nmost = \"3m\"\n"},
		{"new table in an empty file", "", "lead.most", "3m", "[lead]\nmost = \"3m\"\n"},
		{"new table above a table of its own", "[lead.deep]\nx = 1\n", "lead.most", "3m", "[lead.deep]\nx = 1\n\n[lead]\nmost = \"3m\"\n"},
		{"new beside unknown content", "[[home]]\n[home.odd]\nx = 1 # ?\n[zoo]\n", "zoo.a b", true, "[[home]]\n[home.odd]\nx = 1 # ?\n[zoo]\n\"a b\" = true\n"},

		{"a text with everything", "", "x", "\"\\\t\n\x01\x7f<é\u2028", "x = \"\\\"\\\\\\t\\n\\u0001\\u007f<é\\u2028\"\n"},
		{"a time", "", "x", time.Date(2027, 1, 31, 8, 0, 0, 0, time.FixedZone("", 3600)), "x = 2027-01-31T08:00:00+01:00\n"},
		{"an odd offset", "", "x", time.Date(1890, 1, 31, 8, 0, 0, 0, time.FixedZone("", 1172)), "x = 1890-01-31T07:40:28Z\n"},
		{"a fraction", "", "x", 3.0, "x = 3.0\n"},
		{"a list", "", "x", []string{"a", "b\""}, "x = [\"a\", \"b\\\"\"]\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := config(t, c.before)
			if err := Set(path, strings.Split(c.key, "."), c.value); err != nil {
				t.Fatal(err)
			}
			after, err := os.ReadFile(path)
			if err != nil || string(after) != c.after {
				t.Errorf("got  %q, %v\nwant %q", after, err, c.after)
			}
		})
	}
}

func TestUnsetRemovesOneKeyAndNoComment(t *testing.T) {
	for _, c := range []struct{ name, before, key, after string }{
		{"a line", "a = 1\n  mode = 'x'  \nb = 2\n", "mode", "a = 1\nb = 2\n"},
		{"CRLF", "a = 1\r\nmode = 'x'\r\nb = 2\r\n", "mode", "a = 1\r\nb = 2\r\n"},
		{"the last line", "a = 1\nmode = 'x'", "mode", "a = 1\n"},
		{"the only line", "mode = 'x'", "mode", ""},
		{"many lines", "mode = [\n 1, # one\n]\nb = 2\n", "mode", "b = 2\n"},
		{"a comment on the line stays", "# above\n  mode = 'x' # until May\n", "mode", "# above\n  # until May\n"},
		{"in a table", "[lead]\nleast = '1m'\n[log]\n", "lead.least", "[lead]\n[log]\n"},
		{"dotted", "lead.least = '1m'\nx = 1\n", "lead.least", "x = 1\n"},
		{"first of an inline table", "lead = { least = '1m' , most = '2m' }\n", "lead.least", "lead = { most = '2m' }\n"},
		{"last of an inline table", "lead = { least = '1m' , most = '2m' }\n", "lead.most", "lead = { least = '1m'  }\n"},
		{"only one of an inline table", "lead = {least='1m'}\n", "lead.least", "lead = {}\n"},
		{"after a mark", "\ufeffmode = 1\nx = 2\n", "mode", "\ufeffx = 2\n"},
		{"not there", "a = 1 # mode\n", "mode", "a = 1 # mode\n"},
		{"not there, nor its table", "a = 1\n", "lead.least", "a = 1\n"},
		{"a table stays", "[lead]\nleast = '1m'\n", "lead", "[lead]\nleast = '1m'\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := config(t, c.before)
			if err := Unset(path, strings.Split(c.key, ".")...); err != nil {
				t.Fatal(err)
			}
			after, err := os.ReadFile(path)
			if err != nil || string(after) != c.after {
				t.Errorf("got  %q, %v\nwant %q", after, err, c.after)
			}
		})
	}
	missing := filepath.Join(t.TempDir(), "no", "config.toml")
	if err := Unset(missing, "mode"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Dir(missing)); err == nil {
		t.Error("Unset made a folder")
	}
}

func TestWhatCannotBeChangedAloneIsNotTouched(t *testing.T) {
	for _, c := range []struct {
		before, key string
		value       any
	}{
		{"mode = \n", "mode", "keep"},
		{"mode = 'a'\nmode = 'b'\n", "mode", "keep"},
		{"[lead]\n", "lead", "keep"},
		{"lead = { least = '1m' }\n", "lead", "keep"},
		{"lead.least = '1m'\n", "lead", "keep"},
		{"lead = 3\n", "lead.least", "1m"},
		{"[[lead]]\n", "lead.least", "1m"},
		{"lead = [{}]\n", "lead.least", "1m"},
		{"a = { b = 1 }\n", "a.c.d", "x"},
		{"\xff\n", "mode", "keep"},
		{"", "mode", "\xff"},
		{"", "mode", 3.5i},
	} {
		path := config(t, c.before)
		err := Set(path, strings.Split(c.key, "."), c.value)
		after, _ := os.ReadFile(path)
		if err == nil || string(after) != c.before {
			t.Errorf("%q, %s: %v, %q", c.before, c.key, err, after)
		}
	}
}

func TestWhatSetWritesIsWhatLoadReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	end := time.Date(2027, 1, 31, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		key   string
		value any
	}{
		{"mode", "watch-only"}, {"paused_until", end}, {"lead.share", 0.25}, {"lead.least", "1m"},
		{"network.allow_private", []string{"10.0.0.0/8"}}, {"log.keep", 7}, {"notifications", false}, {"mode", "keep"},
	} {
		if err := Set(path, strings.Split(c.key, "."), c.value); err != nil {
			t.Fatal(err)
		}
	}
	if err := Unset(path, "lead", "least"); err != nil {
		t.Fatal(err)
	}
	want := Defaults()
	want.Begun, want.Notifications = true, false
	want.PausedUntil, want.Lead.Share, want.AllowPrivate, want.Log.Keep = end, 0.25, []string{"10.0.0.0/8"}, 7
	s, err := Load(path, clients)
	if err != nil || !reflect.DeepEqual(s, want) {
		t.Errorf("got  %+v, %v\nwant %+v", s, err, want)
	}
}

func TestAChangeMadeMeanwhileIsKept(t *testing.T) {
	path := config(t, "mode = \"keep\"\n")
	once := false
	err := change(path, func(d *document) (edit, bool, error) {
		if !once {
			once = true
			if err := os.WriteFile(path, []byte("# an editor was here\nmode = \"keep\"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return d.set([]string{"mode"}, `"watch-only"`)
	}, func(values map[string]any) { values["mode"] = "watch-only" })
	after, _ := os.ReadFile(path)
	if err != nil || string(after) != "# an editor was here\nmode = \"watch-only\"\n" {
		t.Errorf("%q, %v", after, err)
	}
}

func TestAnEditThatChangesMoreThanItsKeyIsNotWritten(t *testing.T) {
	const text = "mode = 'keep'\nx = 1\n"
	for _, e := range []edit{
		{0, len(text), "mode = 'watch-only'\n"},          // loses x
		{0, 13, "mode = 'keep'"},                         // changes nothing
		{0, 13, "mode = 'watch-only'\ny = 1"},            // brings y
		{0, 13, "mode = 'watch-only"},                    // does not parse
		{0, len(text), "mode = 'watch-only'\nx = 1.0\n"}, // changes a type
	} {
		path := config(t, text)
		err := change(path, func(*document) (edit, bool, error) { return e, true, nil },
			func(values map[string]any) { values["mode"] = "watch-only" })
		if after, _ := os.ReadFile(path); err == nil || string(after) != text {
			t.Errorf("%q: %v, %q", e.text, err, after)
		}
	}
}

// FuzzSet checks on any text that it changes nothing but what it says.
func FuzzSet(f *testing.F) {
	for _, text := range []string{
		"", "# x\nmode = 'keep' # y\n[lead]\nleast = '1m'\n", "lead = { least = '1m' }", "lead.least = 1\r\n[[home]]\r\npath = '''\r\n[lead]'''",
		"[a]\nlead.most = 1\n[lead.deep]\nx = {y = [{z = 1}, 2]}\n", "\ufeff# c\n\n[lead]\n", "\"lead\".'least' = \"\"\"\n\"\"\"\n# end",
	} {
		for key := range 4 {
			f.Add(text, key, "keep", true)
			f.Add(text, key, "a\"\n\x7fé", false)
		}
	}
	keys := [][]string{{"mode"}, {"lead", "least"}, {"a", "lead", "most"}, {"zoo", "a b"}}
	f.Fuzz(func(t *testing.T, text string, which int, value string, set bool) {
		key := keys[uint(which)%uint(len(keys))]
		d, fault := parseDocument([]byte(text))
		if fault != nil {
			return
		}
		code, err := encode(value)
		if err != nil {
			return
		}
		var e edit
		var ok bool
		if set {
			e, ok, err = d.set(key, code)
		} else {
			e, ok = d.unset(key)
		}
		if err != nil || !ok {
			return
		}
		edited := e.apply([]byte(text))

		// The bytes: only the key's value goes, or the key with its line.
		switch i := d.find(join("", key...)); {
		case i < 0:
			if e.start != e.end {
				t.Fatalf("adding removed %q", text[e.start:e.end])
			}
		case set:
			if e.start != d.entries[i].value || e.end != d.entries[i].end {
				t.Fatalf("%q went for %q", text[e.start:e.end], text[d.entries[i].value:d.entries[i].end])
			}
		default:
			at := d.entries[i]
			if e.start > at.start || e.end < at.end || strings.Trim(text[e.start:at.start]+text[at.end:e.end], " \t\r\n,") != "" {
				t.Fatalf("%q went for %q", text[e.start:e.end], text[at.start:at.end])
			}
		}
		if string(edited[:e.start]) != text[:e.start] || !strings.HasSuffix(string(edited), text[e.end:]) {
			t.Fatalf("other bytes changed: %q", edited)
		}

		// The values: as go-toml reads them, all but the key are as before. An
		// edit that the parsed values refuse is not written.
		var before, after map[string]any
		plain := func(b []byte) []byte { return []byte(strings.TrimPrefix(string(b), string(bom))) }
		if err := toml.Unmarshal(plain([]byte(text)), &before); err != nil {
			t.Fatal(err)
		}
		path := config(t, text)
		if set {
			err = Set(path, key, value)
		} else {
			err = Unset(path, key...)
		}
		written, readErr := os.ReadFile(path)
		if readErr != nil {
			t.Fatal(readErr)
		}
		if err != nil {
			if string(written) != text {
				t.Fatalf("%v, but it wrote %q", err, written)
			}
			return
		}
		if string(written) != string(edited) {
			t.Fatalf("wrote %q, not %q", written, edited)
		}
		if err := toml.Unmarshal(plain(written), &after); err != nil {
			t.Fatalf("%q does not parse: %v", written, err)
		}
		if before == nil {
			before = map[string]any{}
		}
		if set {
			put(before, key, value)
		} else {
			put(before, key, nil)
		}
		if !reflect.DeepEqual(pruned(before), pruned(after)) {
			t.Fatalf("%q became %q", text, written)
		}
	})
}
