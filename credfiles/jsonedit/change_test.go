package jsonedit

import (
	"errors"
	"strings"
	"testing"
)

// at splits "a.b" into a path.
func at(path string) []string { return strings.Split(path, ".") }

func TestSetReplacesOneValueAndNoOtherByte(t *testing.T) {
	for _, c := range []struct{ name, text, path, raw, want string }{
		{"compact", `{"a":1,"b":"x","c":[ ]}`, "b", `"y"`, `{"a":1,"b":"y","c":[ ]}`},
		{"pretty", "{\n  \"a\": {\n    \"b\": 1.50\n  }\n}\n", "a.b", `2`, "{\n  \"a\": {\n    \"b\": 2\n  }\n}\n"},
		{"CRLF", "{\r\n\t\"a\" : 1\r\n}\r\n", "a", `2`, "{\r\n\t\"a\" : 2\r\n}\r\n"},
		{"odd spacing", " { \"a\"\t:\n1 , \"b\":2}", "a", `null`, " { \"a\"\t:\nnull , \"b\":2}"},
		{"other forms stay", `{"n":1.0E+2,"u":"\u0041\/","a":0,"z":-0}`, "a", `1`, `{"n":1.0E+2,"u":"\u0041\/","a":1,"z":-0}`},
		{"last duplicate", `{"a":1,"b":0,"a":2}`, "a", `3`, `{"a":1,"b":0,"a":3}`},
		{"below the last duplicate", `{"x":{"a":1},"x":{"a":2}}`, "x.a", `3`, `{"x":{"a":1},"x":{"a":3}}`},
		{"null becomes a token", `{"refresh_token":null}`, "refresh_token", `"rt_EXAMPLE"`, `{"refresh_token":"rt_EXAMPLE"}`},
		{"token becomes null", `{"refresh_token":"rt_EXAMPLE"}`, "refresh_token", `null`, `{"refresh_token":null}`},
		{"object", `{"a":{"b":1}}`, "a", `[1, 2]`, `{"a":[1, 2]}`},
		{"white space around the new value", `{"a":1}`, "a", " \n2\n", `{"a":2}`},
		{"escaped key", `{"caf\u00e9|x":1}`, "café|x", `2`, `{"caf\u00e9|x":2}`},
		{"empty key", `{"":1}`, "", `2`, `{"":2}`},
		{"other type, same look", `{"a":"1"}`, "a", `1`, `{"a":1}`},
		{"nearly the same number", `{"a":9007199254740993}`, "a", `9007199254740992`, `{"a":9007199254740992}`},
		{"exponents too large to compare", `{"a":1e99999999999}`, "a", `10e99999999998`, `{"a":10e99999999998}`},
		{"other key", `{"a":{"x": 1}}`, "a", `{"y":1}`, `{"a":{"y":1}}`},
		{"other order", `{"a":{"x": 1,"y":2}}`, "a", `{"y":2,"x":1}`, `{"a":{"y":2,"x":1}}`},
		{"longer array", `{"a":[ 1 ]}`, "a", `[1,1]`, `{"a":[1,1]}`},
		{"true is not false", `{"a":true}`, "a", `false`, `{"a":false}`},
		{"lone surrogates differ", `{"a":"\ud800"}`, "a", `"\ud801"`, `{"a":"\ud801"}`},
	} {
		got, err := Apply([]byte(c.text), Set(at(c.path), []byte(c.raw)))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %q, %v", c.name, got, err)
		}
	}
}

func TestSettingWhatIsThereAlreadyChangesNoByte(t *testing.T) {
	for _, c := range []struct{ text, raw string }{
		{`"\u0061\/"`, `"a/"`},
		{`"é"`, `"\u00E9"`},
		{`"\ud83d\ude00"`, `"😀"`},
		{`"\ud800"`, `"\uD800"`},
		{`1.0`, `1`}, {`1E3`, `1000`}, {`0.0`, `-0e5`}, {`-1.50`, `-1.5`}, {`1200e-2`, `12`},
		{`1.795235637486e12`, `1795235637486`},
		{`1e99999999999`, `1e99999999999`},
		{`true`, `true`}, {`null`, `null`},
		{"[\n  \"read\",\n  \"\\u0077rite\"\n]", `["read","write"]`},
		{`{ "a": [1.0, {}], "b": "\n" }`, `{"a":[1,{ }],"b":"\u000a"}`},
	} {
		text := `{"a" : ` + c.text + "}\n"
		got, err := Apply([]byte(text), Set(at("a"), []byte(c.raw)))
		if err != nil || string(got) != text {
			t.Errorf("%s set to %s: got %q, %v", c.text, c.raw, got, err)
		}
	}
}

func TestSetInsertsInTheStyleOfTheNeighbours(t *testing.T) {
	for _, c := range []struct{ name, text, path, want string }{
		{"compact", `{"a":1}`, "k", `{"a":1,"k":0}`},
		{"compact, nested", `{"a":{"b":1,"c":2},"d":3}`, "a.k", `{"a":{"b":1,"c":2,"k":0},"d":3}`},
		{"python, one member", `{"a": 1}`, "k", `{"a": 1, "k": 0}`},
		{"python, two members", `{"a": 1, "b": 2}`, "k", `{"a": 1, "b": 2, "k": 0}`},
		{"spaced braces", `{ "a":1 }`, "k", `{ "a":1, "k":0 }`},
		{"pretty", "{\n  \"a\": 1\n}\n", "k", "{\n  \"a\": 1,\n  \"k\": 0\n}\n"},
		{"pretty, nested", "{\n  \"a\": {\n    \"b\": 1\n  }\n}", "a.k", "{\n  \"a\": {\n    \"b\": 1,\n    \"k\": 0\n  }\n}"},
		{"tabs and CRLF", "{\r\n\t\"a\": 1\r\n}\r\n", "k", "{\r\n\t\"a\": 1,\r\n\t\"k\": 0\r\n}\r\n"},
		{"comma first", "{ \"a\" : 1\n, \"b\" : 2\n}", "k", "{ \"a\" : 1\n, \"b\" : 2\n, \"k\" : 0\n}"},
		{"last two on one line", "{\n \"a\":1,\n \"b\":2, \"c\":3\n}", "k", "{\n \"a\":1,\n \"b\":2, \"c\":3, \"k\":0\n}"},
		{"last member is an object", `{"a":{"b":1}}`, "k", `{"a":{"b":1},"k":0}`},
		{"escaped key", `{"a":1}`, "q\"\\\nü", `{"a":1,"q\"\\\nü":0}`},
		{"empty key", `{"a":1}`, "", `{"a":1,"":0}`},
		{"into the last duplicate", `{"x":{"a":1},"x":{"b":2}}`, "x.k", `{"x":{"a":1},"x":{"b":2,"k":0}}`},

		{"empty", `{}`, "k", `{"k":0}`},
		{"empty with a space", `{ }`, "k", `{ "k":0 }`},
		{"empty over two lines", "{\n}\n", "k", "{\n  \"k\": 0\n}\n"},
		{"empty, nested", `{"a":{},"b":1}`, "a.k", `{"a":{"k":0},"b":1}`},
		{"empty, python", `{"a": {}}`, "a.k", `{"a": {"k": 0}}`},
		{"empty, pretty", "{\n  \"a\": {}\n}", "a.k", "{\n  \"a\": {\n    \"k\": 0\n  }\n}"},
		{"empty, pretty, second", "{\n  \"z\": 1,\n  \"a\": {}\n}", "a.k", "{\n  \"z\": 1,\n  \"a\": {\n    \"k\": 0\n  }\n}"},
		{"empty, pretty, deeper", "{\n   \"a\": {\n      \"b\": { }\n   }\n}", "a.b.k", "{\n   \"a\": {\n      \"b\": {\n         \"k\": 0\n      }\n   }\n}"},
		{"empty, tabs and CRLF", "{\r\n\t\"a\": {}\r\n}", "a.k", "{\r\n\t\"a\": {\r\n\t\t\"k\": 0\r\n\t}\r\n}"},
		{"empty, not indented", "{\n\"a\": {}\n}", "a.k", "{\n\"a\": {\n\"k\": 0\n}\n}"},
		{"empty, brace on the last line", "{\n  \"a\": {}}", "a.k", "{\n  \"a\": {\n    \"k\": 0\n  }}"},
		{"empty over two lines in a compact one", "{\"a\":{\n}}", "a.k", "{\"a\":{\n  \"k\":0\n}}"},
	} {
		got, err := Apply([]byte(c.text), Set(at(c.path), []byte("0")))
		if err != nil || string(got) != c.want {
			t.Errorf("%s:\ngot  %q, %v\nwant %q", c.name, got, err, c.want)
		}
	}
}

func TestDeleteTakesTheMemberAndAllThatSetItOff(t *testing.T) {
	for _, c := range []struct{ name, text, path, want string }{
		{"first", `{"k":1,"a":2,"b":3}`, "k", `{"a":2,"b":3}`},
		{"middle", `{"a":1,"k":2,"b":3}`, "k", `{"a":1,"b":3}`},
		{"last", `{"a":1,"b":2,"k":3}`, "k", `{"a":1,"b":2}`},
		{"only", ` { "k" : 1 } `, "k", ` {} `},
		{"only, pretty", "{\n  \"a\": {\n    \"k\": 1\n  }\n}\n", "a.k", "{\n  \"a\": {}\n}\n"},
		{"pretty, first", "{\n  \"k\": 1,\n  \"a\": 2\n}\n", "k", "{\n  \"a\": 2\n}\n"},
		{"pretty, middle", "{\n  \"a\": 1,\n  \"k\": {\n    \"x\": 1\n  },\n  \"b\": 2\n}\n", "k", "{\n  \"a\": 1,\n  \"b\": 2\n}\n"},
		{"pretty, last, CRLF", "{\r\n  \"a\": 1,\r\n  \"k\": 2\r\n}", "k", "{\r\n  \"a\": 1\r\n}"},
		{"spaces", `{ "a": 1, "k": 2 }`, "k", `{ "a": 1 }`},
		{"all duplicates", `{"k":1,"a":2,"k":3,"b":4,"\u006b":5}`, "k", `{"a":2,"b":4}`},
		{"duplicates in front", `{ "k":1, "k":3, "b":4 }`, "k", `{ "b":4 }`},
		{"nothing but duplicates", `{"k":1,"k":3}`, "k", `{}`},
		{"in the last duplicate object", `{"x":{"k":1},"x":{"k":2,"a":0}}`, "x.k", `{"x":{"k":1},"x":{"a":0}}`},
		{"not there", `{"a":{"b":1}}`, "a.k", `{"a":{"b":1}}`},
		{"nothing to hold it", `{"a":[1]}`, "a.k", `{"a":[1]}`},
		{"no object", `[1]`, "k", `[1]`},
	} {
		got, err := Apply([]byte(c.text), Delete(at(c.path)))
		if err != nil || string(got) != c.want {
			t.Errorf("%s:\ngot  %q, %v\nwant %q", c.name, got, err, c.want)
		}
	}
}

func TestChangesApplyInOrder(t *testing.T) {
	text := []byte(`{"mcpOAuth":{"lab|1":{"accessToken":"at_1_EXAMPLE","expiresAt":1795235637486.5}},"other":1}`)
	// One backing array, as append leaves it.
	entry := append(make([]string, 0, 8), "mcpOAuth", "lab|1")
	got, err := Apply(text,
		Set(append(entry, "accessToken"), Quote("at_2_EXAMPLE")),
		Set(append(entry, "refreshToken"), Quote("rt_2_EXAMPLE")),
		Set(append(entry, "expiresAt"), []byte("1795239237486")),
		Set(append(entry, "meta"), []byte("{}")),
		Set(append(entry, "meta", "x"), []byte("1")),
		Delete(append(entry, "accessToken")),
		Set(append(entry, "meta", "x"), []byte("2")),
		Delete([]string{"other"}),
	)
	want := `{"mcpOAuth":{"lab|1":{"expiresAt":1795239237486,"refreshToken":"rt_2_EXAMPLE","meta":{"x":2}}}}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestApplyLeavesItsArgumentsAlone(t *testing.T) {
	const before = `{"a":"1","b":{"c":[]}}      `
	text, raw := []byte(before), []byte(` "2" `)
	got, err := Apply(text, Set(at("a"), raw), Delete(at("b.c")), Set(at("b.d"), raw))
	if err != nil || string(got) != `{"a":"2","b":{"d":"2"}}      ` {
		t.Fatalf("got %s, %v", got, err)
	}
	same, err := Apply(text)
	if err != nil {
		t.Fatal(err)
	}
	got[0], same[0] = 'x', 'x'
	if string(text) != before || string(raw) != ` "2" ` {
		t.Error("an argument changed")
	}
}

func TestTheOutermostValueCanBeSetButNotDeleted(t *testing.T) {
	got, err := Apply([]byte(" [1]\n"), Set(nil, []byte("{}")))
	if err != nil || string(got) != " {}\n" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, c := range []Change{Delete(nil), {}} {
		if _, err := Apply([]byte("{}"), c); err == nil {
			t.Error("deleted")
		}
	}
}

func TestAnErrorSaysWhatIsWrongAndOnlyAFaultOfTheTextIsASyntaxError(t *testing.T) {
	deep := []byte(strings.Repeat("[", 200) + strings.Repeat("]", 200))
	for _, c := range []struct {
		name, text string
		change     Change
		syntax     bool
		says       string
	}{
		{"text", `{"a":1`, Set(at("a"), []byte("2")), true, `ends too soon`},
		{"no change, but text", ``, Delete(at("a")), true, `no value`},
		{"new value", `{"a":1}`, Set(at("a"), []byte("{")), false, `new value for ["a"]`},
		{"two new values", `{"a":1}`, Set(at("a"), []byte(`2,"b":3`)), false, `new value for ["a"]`},
		{"no new value", `{"a":1}`, Set(at("a"), nil), false, `new value for ["a"]`},
		{"result too deep", `{"a":1}`, Set(at("a"), deep), false, `changed text`},
		{"key not UTF-8", `{"a":1}`, Set([]string{"\xff"}, []byte("2")), false, `is not UTF-8`},
		{"missing parent", `{"a":1}`, Set(at("b.c"), []byte("2")), false, `no object at ["b"]`},
		{"missing parent further up", `{"a":1}`, Set(at("b.c.d"), []byte("2")), false, `no object at ["b" "c"]`},
		{"parent is a string", `{"a":"b"}`, Set(at("a.b"), []byte("2")), false, `no object at ["a"]`},
		{"parent is an array", `{"a":[]}`, Set(at("a.0"), []byte("2")), false, `no object at ["a"]`},
		{"the text is an array", `[{"a":1}]`, Set(at("a"), []byte("2")), false, `no object at []`},
	} {
		got, err := Apply([]byte(c.text), c.change)
		var syntax *SyntaxError
		if err == nil || got != nil || errors.As(err, &syntax) != c.syntax || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %q, %v", c.name, got, err)
		}
	}
}

func TestAHostileTextTakesNoMoreThanItsLength(t *testing.T) {
	// One pass over the text for each member would take minutes.
	many := "{" + strings.Repeat(`"k":0,`, 500_000) + `"a":[` + strings.Repeat("[],", 500_000) + "0]}"
	got, err := Apply([]byte(many), Delete(at("k")), Delete(at("a")))
	if err != nil || string(got) != "{}" {
		t.Errorf("%d bytes left, %v", len(got), err)
	}
	digits := strings.Repeat("9", 3_000_000)
	got, err = Apply([]byte(`{"a":`+digits+`}`), Set(at("a"), []byte(digits+".0")))
	if err != nil || len(got) != len(digits)+len(`{"a":}`) {
		t.Errorf("%d bytes left, %v", len(got), err)
	}
}

func TestAPathLeadsIntoTheElementsOfAnArray(t *testing.T) {
	for _, c := range []struct{ name, text, path, raw, want string }{
		{"compact", `[{"a":1},{"a":2}]`, "1.a", `3`, `[{"a":1},{"a":3}]`},
		{"pretty", "[\n  {\n    \"a\": 1\n  }\n]", "0.a", `2`, "[\n  {\n    \"a\": 2\n  }\n]"},
		{"a new member", "[\n  {\n    \"a\": 1\n  }\n]", "0.b", `2`, "[\n  {\n    \"a\": 1,\n    \"b\": 2\n  }\n]"},
		{"in an empty element", `[{}]`, "0.b", `2`, `[{"b":2}]`},
		{"below", `{"x":[[1,[2]]]}`, "x.0.1.0", `3`, `{"x":[[1,[3]]]}`},
		{"a number is a key of an object", `{"0":1}`, "0", `2`, `{"0":2}`},
		{"one more", `[{"a":1},{"a":2}]`, "-", `3`, `[{"a":1},{"a":2},3]`},
		{"one more, pretty", "[\n  {\n    \"a\": 1\n  }\n]", "-", `{}`, "[\n  {\n    \"a\": 1\n  },\n  {}\n]"},
		{"one more, spaced", `[1, 2]`, "-", `3`, `[1, 2, 3]`},
		{"one more, in one line", `[ 1 ]`, "-", `2`, `[ 1, 2 ]`},
		{"one more, CRLF", "[\r\n\t1,\r\n\t2\r\n]", "-", `3`, "[\r\n\t1,\r\n\t2,\r\n\t3\r\n]"},
		{"the first", `[]`, "-", `1`, `[1]`},
		{"the first, pretty", "{\"x\": [\n]}", "x.-", `1`, "{\"x\": [\n  1\n]}"},
		{"a dash is a key of an object", `{}`, "-", `1`, `{"-":1}`},
	} {
		got, err := Apply([]byte(c.text), Set(at(c.path), []byte(c.raw)))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %q, %v", c.name, got, err)
		}
	}
	// A number that no element has, or that is no number, leads nowhere.
	for _, path := range []string{"1", "2", "-1", "00", "+0", "0x0", "a", "", "-.a"} {
		if got, err := Apply([]byte(`[1]`), Set(at(path), []byte(`2`))); err == nil {
			t.Errorf("%s: %s", path, got)
		}
		if got, err := Apply([]byte(`[1]`), Delete(at(path))); err != nil || string(got) != `[1]` {
			t.Errorf("%s: deleting makes it %s, %v", path, got, err)
		}
	}
}
