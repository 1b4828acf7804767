package jsonedit

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestParseAcceptsWhatRFC8259Accepts(t *testing.T) {
	for _, text := range []string{
		`{}`, `[]`, `""`, `0`, `-0`, `true`, `false`, `null`,
		" \t\r\n{ } \t\r\n", "[ ]", "\"\x7f\"",
		`1`, `-12.50`, `0.1`, `1e5`, `1E+5`, `0e-0`, `1.5e-300`, `1e99999999999999999999`,
		strings.Repeat("9", 5000),
		`"\"\\\/\b\f\n\r\t\u0000\u00e9\uD83D\uDE00"`, `"\ud800"`, `"\udc00\ud800"`,
		"\"é€😀\u2028\u2029\uFFFD\uFFFF\"", "{\"\":{\"\":[[],{}]}}",
		`{"a":1,"a":2}`, `[1,"a",null,true,{"b":[]}]`,
		strings.Repeat("[", 200) + strings.Repeat("]", 200),
		strings.Repeat(`{"a":`, 199) + "[]" + strings.Repeat("}", 199),
		strings.Repeat("[[],", 199) + "1" + strings.Repeat("]", 199),
	} {
		v, err := Parse([]byte(text))
		if err != nil {
			t.Errorf("%.40q: %v", text, err)
		} else if got := string(v.Bytes()); got != strings.Trim(text, " \t\r\n") {
			t.Errorf("%.40q: the value is %.40q", text, got)
		}
	}
}

func TestParseSaysWhatIsWrongAndWhere(t *testing.T) {
	for _, c := range []struct {
		text         string
		kind         ErrorKind
		offset, line int
	}{
		{"", Empty, 0, 1},
		{" \r\n\t", Empty, 4, 2},
		{"\uFEFF{}", BOM, 0, 1},
		{"\uFEFF", BOM, 0, 1},
		{"\xff\xfe{\x00}\x00", NotUTF8, 0, 1}, // UTF-16, as old PowerShell redirects
		{"\"caf\xe9\"", NotUTF8, 4, 1},
		{"\"\xed\xa0\x80\"", NotUTF8, 1, 1}, // a surrogate
		{"\"\xc0\xaf\"", NotUTF8, 1, 1},     // overlong
		{"\"\xf4\x90\x80\x80\"", NotUTF8, 1, 1},
		{"{\n \xff}", NotUTF8, 3, 2},

		{"{", Truncated, 1, 1},
		{"{\"a\":1,\n", Truncated, 8, 2},
		{`{"a"`, Truncated, 4, 1},
		{`{"a":`, Truncated, 5, 1},
		{`{"a":"b`, Truncated, 7, 1},
		{`"\`, Truncated, 2, 1},
		{`"\u12`, Truncated, 5, 1},
		{"\"\xe2\x82", Truncated, 1, 1}, // cut inside a character
		{`[1`, Truncated, 2, 1},
		{`[tru`, Truncated, 4, 1},
		{`-`, Truncated, 1, 1},
		{`1.`, Truncated, 2, 1},
		{`1e+`, Truncated, 3, 1},

		{"{,}", Syntax, 1, 1},
		{"{\r\n\"a\":1,\r\n}", Syntax, 11, 3},
		{"[1,]", Syntax, 3, 1},
		{"[,1]", Syntax, 1, 1},
		{"[1 2]", Syntax, 3, 1},
		{"[1}", Syntax, 2, 1},
		{"]", Syntax, 0, 1},
		{`{"a" 1}`, Syntax, 5, 1},
		{`{"a":1 "b":2}`, Syntax, 7, 1},
		{`{a:1}`, Syntax, 1, 1},
		{`{'a':1}`, Syntax, 1, 1},
		{`{1:1}`, Syntax, 1, 1},
		{"// c\n{}", Syntax, 0, 1},
		{"\"a\nb\"", Syntax, 2, 1},
		{"\"a\tb\"", Syntax, 2, 1},
		{"\"a\x00b\"", Syntax, 2, 1},
		{"\x00\x00", Syntax, 0, 1},
		{`"\a"`, Syntax, 2, 1},
		{`"\u12g4"`, Syntax, 5, 1},
		{`"\U0041"`, Syntax, 2, 1},
		{"\v1", Syntax, 0, 1},
		{"\u00a0{}", Syntax, 0, 1},
		{`[01]`, Syntax, 2, 1},
		{`+1`, Syntax, 0, 1},
		{`.5`, Syntax, 0, 1},
		{`[1.]`, Syntax, 3, 1},
		{`[1.e1]`, Syntax, 3, 1},
		{`[1e]`, Syntax, 3, 1},
		{`[-a]`, Syntax, 2, 1},
		{`NaN`, Syntax, 0, 1},
		{`[nulL]`, Syntax, 4, 1},
		{`True`, Syntax, 0, 1},

		{"{}\n{}", TrailingData, 3, 2},
		{"{}}", TrailingData, 2, 1},
		{"{}\n\x00\x00", TrailingData, 3, 2}, // as a crash can leave a file
		{"1 \xff", TrailingData, 2, 1},
		{`nullnull`, TrailingData, 4, 1},

		{strings.Repeat("[", 201), TooDeep, 200, 1},
		{strings.Repeat(`{"a":`, 200) + "{}", TooDeep, 1000, 1},
		{strings.Repeat("[", 50_000_000), TooDeep, 200, 1},
	} {
		v, err := Parse([]byte(c.text))
		var got *SyntaxError
		if !errors.As(err, &got) {
			t.Errorf("%.40q: error is %v", c.text, err)
			continue
		}
		if want := (SyntaxError{c.kind, c.offset, c.line}); *got != want {
			t.Errorf("%.40q: got %v, want %v", c.text, got, &want)
		}
		if v.Kind() != "" {
			t.Errorf("%.40q: a value came with the error", c.text)
		}
	}
}

func TestEveryCutOfATextIsTruncatedAndNothingElse(t *testing.T) {
	text := "{\"aé\\u00e9\\n\": [-1.5e+3, true, null, \"😀\"], \"b\":{}}"
	for i := 1; i < len(text); i++ {
		_, err := Parse([]byte(text[:i]))
		var got *SyntaxError
		if !errors.As(err, &got) || got.Kind != Truncated {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
}

func TestNeitherErrorsNorValuesShowTheText(t *testing.T) {
	const secret = "rt_EXAMPLE"
	_, err := Parse([]byte(`{"refresh_token":"` + secret + `"x}`))
	if err == nil || strings.Contains(err.Error(), "EXAMPLE") {
		t.Errorf("error is %q", err)
	}
	_, err = Apply([]byte(`{}`), Set([]string{"a"}, []byte(secret)))
	if err == nil || strings.Contains(err.Error(), "EXAMPLE") {
		t.Errorf("error is %q", err)
	}

	text := []byte(`{"a":"` + secret + `"}`)
	v, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	change := Set([]string{"a"}, text)
	hidden := struct {
		v Value
		c Change
		p *Value
	}{v, change, &v}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, x := range []any{v, &v, []Value{v}, v.Members(), change, &change, hidden, &hidden} {
			shown := fmt.Sprintf(verb, x)
			for _, leak := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprint([]byte(secret[3:6]))[1:9]} {
				if strings.Contains(shown, leak) {
					t.Errorf("%s of a %T shows the text", verb, x)
				}
			}
		}
	}
}
