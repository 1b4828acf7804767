package discovery

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestChallenges(t *testing.T) {
	type params = map[string]string
	for _, test := range []struct {
		lines []string
		want  []challenge
	}{
		{nil, nil},
		{[]string{""}, nil},
		{[]string{"Bearer"}, []challenge{{"Bearer", params{}}}},
		{[]string{`Bearer realm="a, b=c", error="x"`}, []challenge{{"Bearer", params{"realm": "a, b=c", "error": "x"}}}},
		{[]string{`Bearer realm="say \"hi\", \\ ok", x=1`}, []challenge{{"Bearer", params{"realm": `say "hi", \ ok`, "x": "1"}}}},
		{[]string{`Bearer realm = "a" , X = 1`}, []challenge{{"Bearer", params{"realm": "a", "x": "1"}}}},
		{[]string{`Negotiate YIIabc/+==, Bearer a="b"`}, []challenge{{"Negotiate", params{}}, {"Bearer", params{"a": "b"}}}},
		{[]string{`Negotiate, NTLM, Bearer a="b"`}, []challenge{{"Negotiate", params{}}, {"NTLM", params{}}, {"Bearer", params{"a": "b"}}}},
		{[]string{`Bearer a=https://h/p?q=1, b="2"`}, []challenge{{"Bearer", params{"a": "https://h/p?q=1", "b": "2"}}}},
		{[]string{`Bearer a="1" b="2"`}, []challenge{{"Bearer", params{"a": "1", "b": "2"}}}},
		{[]string{`, ,Bearer a="1",,b="2",`}, []challenge{{"Bearer", params{"a": "1", "b": "2"}}}},
		{[]string{`Basic realm="x", Bearer`, `DPoP a="1"`}, []challenge{{"Basic", params{"realm": "x"}}, {"Bearer", params{}}, {"DPoP", params{"a": "1"}}}},
		{[]string{`Bearer a="1", a="2", A="3"`}, []challenge{{"Bearer", params{"a": "1"}}}},
		{[]string{`Bearer a="1"`, `b="2`, `c="3"`}, []challenge{{"Bearer", params{"a": "1", "c": "3"}}}},
		{[]string{`a="1", Bearer b="2"`}, []challenge{{"Bearer", params{"b": "2"}}}},
		{[]string{`Bearer a="1`}, []challenge{{"Bearer", params{}}}},
		{[]string{`Bearer a="1\`}, []challenge{{"Bearer", params{}}}},
		{[]string{`Bearer a=`}, []challenge{{"Bearer", params{}}}},
		{[]string{`Bearer (junk "a, b" =) , b="2"`}, []challenge{{"Bearer", params{"b": "2"}}}},
		{[]string{`"Bearer a=1", Bearer b=2`}, []challenge{{"Bearer", params{"b": "2"}}}},
		{[]string{"Bearer\ta=\"1\""}, []challenge{{"Bearer", params{"a": "1"}}}},
	} {
		got := parseChallenges(test.lines)
		if !slices.EqualFunc(got, test.want, equalChallenge) {
			t.Errorf("%q:\n got %v\nwant %v", test.lines, got, test.want)
		}
	}
}

func equalChallenge(a, b challenge) bool {
	return a.scheme == b.scheme && maps.Equal(a.params, b.params)
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// Whatever else is in the header: nothing is invented, what is understood can
// be written and read again, and a well-formed challenge in a line of its own,
// or before others, is read as it is.
func FuzzChallenges(f *testing.F) {
	f.Add(`Negotiate YII=, Bearer realm="a, b", x=y`, "https://h/p?q=\"1\", 2")
	f.Add(`Bearer a="1\`, `\`)
	f.Add("\"\x00, =, a==b , ,,", "")
	f.Fuzz(func(t *testing.T, line, value string) {
		size, form := 0, []string{}
		for _, c := range parseChallenges([]string{line}) {
			s := c.scheme + " "
			for name, v := range c.params {
				size += len(name) + len(v)
				s += name + "=" + quote(v) + ","
			}
			size += len(c.scheme)
			form = append(form, s)
		}
		if size > len(line) {
			t.Fatalf("%q: %d bytes came out of %d", line, size, len(line))
		}
		if again := parseChallenges(form); !slices.EqualFunc(again, parseChallenges([]string{line}), equalChallenge) {
			t.Fatalf("%q: read again as %v", line, again)
		}
		own := "Bearer resource_metadata=" + quote(value)
		for _, lines := range [][]string{{line, own}, {own, line}, {own + "," + line}} {
			i := slices.IndexFunc(parseChallenges(lines), func(c challenge) bool {
				return c.scheme == "Bearer" && c.params["resource_metadata"] == value
			})
			if i < 0 {
				t.Fatalf("%q: the challenge was lost", lines)
			}
		}
	})
}
