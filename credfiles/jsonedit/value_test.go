package jsonedit

import "testing"

func parse(t testing.TB, text string) Value {
	t.Helper()
	v, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("%.60q: %v", text, err)
	}
	return v
}

func TestGetFindsTheValueThatTheClientReads(t *testing.T) {
	for _, c := range []struct {
		text string
		path []string
		want string // "" where there is none
	}{
		{` {"a" : {"b" : [1, 2]} } `, []string{"a", "b"}, `[1, 2]`},
		{`{"a":1}`, nil, `{"a":1}`},
		{`{"a":1}`, []string{"b"}, ``},
		{`{"a":1}`, []string{"a", "b"}, ``},
		{`{"a":[{"b":1}]}`, []string{"a", "b"}, ``},
		{`{"a":1,"b":2,"a":3}`, []string{"a"}, `3`},
		{`{"a":1,"\u0061":2}`, []string{"a"}, `2`},
		{`{"x":{"a":1},"x":{"a":2,"a":3},"y":{"a":4}}`, []string{"x", "a"}, `3`},
		{`{"x":{"a":1},"x":{"b":2}}`, []string{"x", "a"}, ``},
		{`{"x":{"a":1},"x":null}`, []string{"x", "a"}, ``},
		{`{"lab|cd725037a89da004":1}`, []string{"lab|cd725037a89da004"}, `1`},
		{`{"plugin:a:b":1}`, []string{"plugin:a:b"}, `1`},
		{`{"a\/b":1}`, []string{"a/b"}, `1`},
		{`{"a\"\\b":1}`, []string{`a"\b`}, `1`},
		{`{"é":1}`, []string{"é"}, `1`},
		{`{"\u00E9\ud83d\ude00":1}`, []string{"é😀"}, `1`},
		{`{"":{"":1}}`, []string{"", ""}, `1`},
		{`{"a":1}`, []string{""}, ``},
		{`{"ab":1}`, []string{"a"}, ``},
		{`{"a":1}`, []string{"ab"}, ``},
		{`{"\ud800":1}`, []string{"\uFFFD"}, ``},
		{`{"\ud800":1,"\ud801":2}`, []string{"\xed\xa0\x80"}, `1`},
	} {
		v, ok := parse(t, c.text).Get(c.path...)
		if got := string(v.Bytes()); got != c.want || ok != (c.want != "") {
			t.Errorf("%s at %q: got %q, %v", c.text, c.path, got, ok)
		}
	}
}

func TestMembersAndElementsComeAsTheyStand(t *testing.T) {
	v := parse(t, `{ "b" : 1 , "a\n" : [ ] , "b":{"c":"}"} , "\ud800":[ "]" , 2 ,{ }], "\ud801":0}`)
	want := []struct{ key, value string }{
		{"b", "1"}, {"a\n", "[ ]"}, {"b", `{"c":"}"}`}, {"\xed\xa0\x80", `[ "]" , 2 ,{ }]`}, {"\xed\xa0\x81", "0"},
	}
	members := v.Members()
	if len(members) != len(want) {
		t.Fatalf("%d members, want %d", len(members), len(want))
	}
	for i, m := range members {
		if m.Key != want[i].key || string(m.Value.Bytes()) != want[i].value {
			t.Errorf("member %d is %q: %s", i, m.Key, m.Value.Bytes())
		}
	}
	var elements []string
	for _, e := range members[3].Value.Elements() {
		elements = append(elements, string(e.Bytes()))
	}
	if len(elements) != 3 || elements[0] != `"]"` || elements[1] != "2" || elements[2] != "{ }" {
		t.Errorf("elements are %q", elements)
	}
	if v.Elements() != nil || members[3].Value.Members() != nil || members[1].Value.Elements() != nil {
		t.Error("what has none gave some")
	}
}

func TestKindOfEachValue(t *testing.T) {
	for text, want := range map[string]Kind{
		`{}`: Object, `[]`: Array, `""`: String, `0`: Number, `-1`: Number, `true`: Bool, `false`: Bool, `null`: Null,
	} {
		if got := parse(t, text).Kind(); got != want {
			t.Errorf("%s is a %s", text, got)
		}
	}
}

func TestTheZeroValueIsNoValue(t *testing.T) {
	var v Value
	_, got := v.Get()
	_, below := v.Get("a")
	_, text := v.Text()
	_, number := v.Int()
	_, float := v.Float()
	if v.Kind() != "" || v.Bytes() != nil || v.Members() != nil || v.Elements() != nil || got || below || text || number || float {
		t.Error("it has something")
	}
}

func TestAppendingToBytesLeavesTheTextAlone(t *testing.T) {
	text := `{"a":1,"b":2}`
	v := parse(t, text)
	a, _ := v.Get("a")
	_ = append(a.Bytes(), "000"...)
	if got := string(v.Bytes()); got != text {
		t.Errorf("the text became %s", got)
	}
}

func TestTextDecodesOrRefuses(t *testing.T) {
	for _, c := range []struct {
		text, want string
		ok         bool
	}{
		{`"at_EXAMPLE"`, "at_EXAMPLE", true},
		{`""`, "", true},
		{`"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t", true},
		{`"\u0000\u0041\u00e9\u20AC"`, "\x00Aé€", true},
		{`"\ud83d\ude00x"`, "😀x", true},
		{`"\uFFFD"`, "\uFFFD", true},
		{"\"é\u2028😀\"", "é\u2028😀", true},
		{`"\\u0041"`, `\u0041`, true},
		{`"\ud800"`, "", false},
		{`"a\udc00"`, "", false},
		{`"\ud83d\ud83d\ude00"`, "", false},
		{`"\ud83dx"`, "", false},
		{`"\ud83d\n"`, "", false},
		{`"\ude00\ud83d"`, "", false},
		{`1`, "", false},
		{`null`, "", false},
		{`["a"]`, "", false},
	} {
		if got, ok := parse(t, c.text).Text(); got != c.want || ok != c.ok {
			t.Errorf("%s: got %q, %v", c.text, got, ok)
		}
	}
}

func TestIntTakesWholeNumbersHoweverWritten(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
		ok   bool
	}{
		{`1795208993895`, 1795208993895, true},
		{`0`, 0, true}, {`-0`, 0, true}, {`0.000`, 0, true}, {`0e99999999999`, 0, true},
		{`1.5e3`, 1500, true}, {`15000e-1`, 1500, true}, {`1795235637486.0`, 1795235637486, true}, {`1e0`, 1, true},
		{`1.795235637486E+12`, 1795235637486, true},
		{`9223372036854775807`, 1<<63 - 1, true}, {`-9223372036854775808`, -1 << 63, true},
		{`9223372036854775808`, 0, false}, {`-9223372036854775809`, 0, false}, {`1e19`, 0, false},
		{`1795235637486.5`, 0, false}, {`1e-1`, 0, false},
		{`1e999999999`, 0, false}, {`1e99999999999999999999`, 0, false}, {`1e-99999999999999999999`, 0, false},
		{`"1"`, 0, false}, {`null`, 0, false},
	} {
		got, ok := parse(t, c.text).Int()
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%s: got %d, %v", c.text, got, ok)
		}
	}
}

func TestFloatTakesWhatFloat64Holds(t *testing.T) {
	for _, c := range []struct {
		text string
		want float64
		ok   bool
	}{
		{`1795235637486.5`, 1795235637486.5, true},
		{`1795206620.456`, 1795206620.456, true},
		{`-2.5e-1`, -0.25, true}, {`0`, 0, true}, {`1e-400`, 0, true},
		{`1e400`, 0, false}, {`"1"`, 0, false}, {`true`, 0, false},
	} {
		got, ok := parse(t, c.text).Float()
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%s: got %v, %v", c.text, got, ok)
		}
	}
}

func TestQuoteEscapesOnlyWhatItMust(t *testing.T) {
	for _, c := range []struct{ s, want, ascii string }{
		{"", `""`, `""`},
		{"https://a.example/?x=1&y=<z>", `"https://a.example/?x=1&y=<z>"`, `"https://a.example/?x=1&y=<z>"`},
		{`"\/`, `"\"\\/"`, `"\"\\/"`},
		{"\b\f\n\r\t", `"\b\f\n\r\t"`, `"\b\f\n\r\t"`},
		{"\x00\x1b\x1f~", `"\u0000\u001b\u001f~"`, `"\u0000\u001b\u001f~"`},
		{"a b", `"a b"`, `"a b"`},
		{"\x7f", "\"\x7f\"", `"\u007f"`},
		{"é\u2028\u2029\uFFFD\uFFFF", "\"é\u2028\u2029\uFFFD\uFFFF\"", `"\u00e9\u2028\u2029\ufffd\uffff"`},
		{"😀\U0010FFFF", "\"😀\U0010FFFF\"", `"\ud83d\ude00\udbff\udfff"`},
	} {
		if got := string(Quote(c.s)); got != c.want {
			t.Errorf("Quote(%q) is %s", c.s, got)
		}
		if got := string(QuoteASCII(c.s)); got != c.ascii {
			t.Errorf("QuoteASCII(%q) is %s", c.s, got)
		}
	}
}

func TestWhatIsNotUTF8IsNeverQuotedAltered(t *testing.T) {
	for _, s := range []string{"a\xffb", "\xed\xa0\x80", "\xe2\x82"} {
		if Quote(s) != nil || QuoteASCII(s) != nil {
			t.Errorf("%q was quoted", s)
		}
		if _, err := Apply([]byte(`{"a":1}`), Set([]string{"a"}, Quote(s))); err == nil {
			t.Errorf("%q was set", s)
		}
		if _, err := Apply([]byte(`{"a":1}`), Set([]string{s}, []byte("1"))); err == nil {
			t.Errorf("%q became a key", s)
		}
	}
}
