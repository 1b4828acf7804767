package jsonedit

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

var seeds = []string{
	`{"lab|cd725037a89da004":{"server_name":"lab","expires_at":1795208993895,"refresh_token":null,"scopes":["read","write"]}}`,
	"{\n  \"mcpOAuth\": {\n    \"plugin:a:b|0123\": {\n      \"accessToken\": \"\",\n      \"expiresAt\": 1795235637486.5\n    }\n  },\n  \"e\": {}\n}\n",
	"{\r\n\t\"a\" : 1.50e+2,\r\n\t\"\\u0061\" : \"\\/\\u00e9\\ud83d\\ude00\"\r\n}\r\n",
	`{"a":{"x":1},"a":{"y":-0},"":{"":[[],{}, true]}}`,
	`{ "\ud800": "\udc00", "\ud801": 1e400 }`,
	"[1, \"é\u2028\", false]", `0`, `""`, "\uFEFF{}", "\"\xff\"", `{"a":1}{`, `[01]`, "\xe2\x82",
	strings.Repeat("[", 201) + strings.Repeat("]", 201),
}

// paths lists the path of every member that Get can reach, the outermost
// value first.
func paths(v Value) [][]string {
	list := [][]string{{}}
	for i := 0; i < len(list); i++ {
		at, _ := v.Get(list[i]...)
		seen := map[string]bool{}
		for _, m := range at.Members() {
			if !seen[m.Key] {
				list = append(list, append(slices.Clone(list[i]), m.Key))
			}
			seen[m.Key] = true
		}
	}
	return list
}

// pick returns the path that n chooses.
func pick(v Value, n uint) []string {
	list := paths(v)
	return list[n%uint(len(list))]
}

func FuzzSameValuesSameBytes(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := Parse(text)
		if err != nil {
			return
		}
		var changes []Change
		for _, path := range paths(v) {
			leaf, ok := v.Get(path...)
			if !ok {
				t.Fatalf("no value at %q", path)
			}
			changes = append(changes, Set(path, leaf.Bytes()))
			if s, ok := leaf.Text(); ok {
				changes = append(changes, Set(path, Quote(s)), Set(path, QuoteASCII(s)))
			}
			if n, ok := leaf.Int(); ok {
				changes = append(changes, Set(path, strconv.AppendInt(nil, n, 10)))
			}
			if x, ok := leaf.Float(); ok && strconv.FormatFloat(x, 'g', -1, 64) == string(leaf.Bytes()) {
				changes = append(changes, Set(path, strconv.AppendFloat(nil, x, 'f', -1, 64)))
			}
		}
		got, err := Apply(text, changes...)
		if err != nil || !bytes.Equal(got, text) {
			t.Fatalf("%q became %q, %v", text, got, err)
		}
	})
}

func FuzzSetChangesOneValue(f *testing.F) {
	for i, s := range seeds {
		f.Add([]byte(s), uint(i), "at_2_EXAMPLE\"\\\n é😀")
	}
	f.Fuzz(func(t *testing.T, text []byte, n uint, s string) {
		v, err := Parse(text)
		if err != nil {
			return
		}
		path := pick(v, n)
		old, _ := v.Get(path...)
		got, err := Apply(text, Set(path, Quote(s)))
		if !utf8.ValidString(s) {
			if err == nil {
				t.Fatalf("set to %q", s)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		changed, err := Parse(got)
		if err != nil {
			t.Fatalf("%q at %q became %q: %v", text, path, got, err)
		}
		now, ok := changed.Get(path...)
		if read, isText := now.Text(); !ok || !isText || read != s {
			t.Fatalf("%q at %q became %q, which reads %q", text, path, got, read)
		}
		if cut(t, text, old) != cut(t, got, now) {
			t.Fatalf("%q at %q became %q", text, path, got)
		}
	})
}

// cut returns what stands in text before and after one of its values, which
// is found by its address.
func cut(t *testing.T, text []byte, v Value) [2]string {
	t.Helper()
	for i := range text {
		if &text[i] == &v.Bytes()[0] {
			return [2]string{string(text[:i]), string(text[i+len(v.Bytes()):])}
		}
	}
	t.Fatal("the value is not in the text")
	return [2]string{}
}

func FuzzInsertThenDelete(f *testing.F) {
	for i, s := range seeds {
		f.Add([]byte(s), uint(i), "k\"\\\u2028")
	}
	f.Fuzz(func(t *testing.T, text []byte, n uint, key string) {
		v, err := Parse(text)
		if err != nil || !utf8.ValidString(key) {
			return
		}
		holder := pick(v, n)
		obj, _ := v.Get(holder...)
		path := append(slices.Clone(holder), key)
		if _, ok := obj.Get(key); ok || obj.Kind() != Object {
			return
		}
		longer, err := Apply(text, Set(path, []byte("0")))
		if err != nil {
			t.Fatal(err)
		}
		got := parse(t, string(longer))
		at, _ := got.Get(holder...)
		members := at.Members()
		if last := members[len(members)-1]; last.Key != key || string(last.Value.Bytes()) != "0" {
			t.Fatalf("%q at %q became %q", text, path, longer)
		}
		again, err := Apply(longer, Delete(path))
		if err != nil {
			t.Fatal(err)
		}
		// Of an empty object only the white space in it may go.
		want := text
		if len(obj.Members()) == 0 {
			if want, err = Apply(text, Set(holder, []byte("null")), Set(holder, []byte("{}"))); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(again, want) {
			t.Fatalf("%q with %q became %q and then %q", text, path, longer, again)
		}
	})
}

func FuzzDeleteTakesOneKey(f *testing.F) {
	for i, s := range seeds {
		f.Add([]byte(s), uint(i))
	}
	f.Fuzz(func(t *testing.T, text []byte, n uint) {
		v, err := Parse(text)
		if err != nil {
			return
		}
		path := pick(v, n)
		if len(path) == 0 {
			return
		}
		got, err := Apply(text, Delete(path))
		if err != nil {
			t.Fatal(err)
		}
		holder, key := path[:len(path)-1], path[len(path)-1]
		before, _ := v.Get(holder...)
		after, ok := parse(t, string(got)).Get(holder...)
		if !ok {
			t.Fatalf("%q without %q became %q", text, path, got)
		}
		want := slices.DeleteFunc(before.Members(), func(m Member) bool { return m.Key == key })
		same := func(m, n Member) bool { return m.Key == n.Key && bytes.Equal(m.Value.Bytes(), n.Value.Bytes()) }
		if !slices.EqualFunc(after.Members(), want, same) {
			t.Fatalf("%q without %q became %q", text, path, got)
		}
		// The holder is the only value that may differ.
		null, err := Apply(text, Set(holder, []byte("null")))
		if err != nil {
			t.Fatal(err)
		}
		nullAfter, err := Apply(got, Set(holder, []byte("null")))
		if err != nil || !bytes.Equal(null, nullAfter) {
			t.Fatalf("%q without %q became %q, %v", text, path, got, err)
		}
	})
}

// The differences from encoding/json: it takes bytes that are not UTF-8 and
// 10,000 levels, and reads a lone surrogate as U+FFFD.
func FuzzAgreesWithEncodingJSON(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := Parse(text)
		want := json.Valid(text) && utf8.Valid(text) && depth(text) <= 200
		if (err == nil) != want {
			t.Fatalf("%q: %v", text, err)
		}
		if err != nil {
			e := err.(*SyntaxError)
			if e.Offset < 0 || e.Offset > len(text) || e.Line != 1+bytes.Count(text[:e.Offset], []byte("\n")) {
				t.Fatalf("%q: %+v", text, e)
			}
			return
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		agree(t, v, d)
	})
}

// depth counts the open brackets of valid JSON.
func depth(text []byte) int {
	d := json.NewDecoder(bytes.NewReader(text))
	open, most := 0, 0
	for {
		token, err := d.Token()
		if err != nil {
			return most
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			open++
			most = max(most, open)
		case json.Delim('}'), json.Delim(']'):
			open--
		}
	}
}

// agree compares v with the next tokens.
func agree(t *testing.T, v Value, d *json.Decoder) {
	t.Helper()
	next := func() json.Token {
		token, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	var same bool
	switch token := next().(type) {
	case json.Delim:
		for _, m := range v.Members() {
			if key := next().(string); key != m.Key && (utf8.ValidString(m.Key) || !strings.Contains(key, "\uFFFD")) {
				t.Fatalf("key %q, want %q", m.Key, key)
			}
			agree(t, m.Value, d)
		}
		for _, e := range v.Elements() {
			agree(t, e, d)
		}
		end := next()
		same = token == '{' && v.Kind() == Object && end == json.Delim('}') ||
			token == '[' && v.Kind() == Array && end == json.Delim(']')
	case string:
		s, ok := v.Text()
		same = v.Kind() == String && (ok && s == token || !ok && strings.Contains(token, "\uFFFD"))
	case json.Number:
		same = v.Kind() == Number && string(v.Bytes()) == string(token)
		if n, err := token.Int64(); err == nil {
			got, ok := v.Int()
			same = same && ok && got == n
		}
		x, err := token.Float64()
		got, ok := v.Float()
		same = same && ok == (err == nil) && (!ok || got == x)
	case bool:
		same = v.Kind() == Bool && string(v.Bytes()) == strconv.FormatBool(token)
	case nil:
		same = v.Kind() == Null && string(v.Bytes()) == "null"
	}
	if !same {
		t.Fatalf("%q is not what encoding/json reads", v.Bytes())
	}
}
