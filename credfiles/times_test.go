package credfiles

import (
	"testing"
	"time"

	"lamplighter/credfiles/jsonedit"
)

// changed is what a kind makes of an entry.
func changed(t *testing.T, k *kind, entry string, token Token) string {
	t.Helper()
	e, err := jsonedit.Parse([]byte(entry))
	if err != nil {
		t.Fatal(err)
	}
	x := edits{entry: e}
	k.changes(&x, token)
	text, err := jsonedit.Apply([]byte(entry), x.all...)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Versions that note no expiry count from the file's own time, and so do we.
func TestAnExpiryIsWrittenAsTheVersionComputesIt(t *testing.T) {
	now := time.UnixMilli(1_795_250_000_400)
	lifetime := kind{fields: fields{access: at("a"), expiry: at("at"), expiryGone: asMissing, lifetime: at("in"), sinceFile: true}}
	both := kind{fields: fields{access: at("a"), expiry: at("at"), unit: wholeSeconds, lifetime: at("in")}}
	since := kind{fields: fields{access: at("a"), lifetime: at("o", "in"), since: at("last")}}
	stamps := kind{fields: fields{access: at("a"), expiry: at("at"), stamps: [][]string{at("updated"), at("o", "seen")}}}
	for _, row := range []struct {
		what        string
		k           kind
		entry, want string
		expiry      time.Time
	}{
		{"both", lifetime, `{"in":90,"at":1,"a":"x"}`, `{"in":3600,"at":1795253600400,"a":"new"}`, now.Add(time.Hour)},
		{"only a lifetime", lifetime, `{"in":90,"a":"x"}`, `{"in":3600,"a":"new"}`, now.Add(time.Hour + 400*time.Millisecond)},
		{"none was named before", lifetime, `{"a":"x"}`, `{"a":"new","in":3600,"at":1795253600400}`, now.Add(time.Hour)},
		{"landed too late", lifetime, `{"in":90,"a":"x"}`, `{"in":0,"a":"new"}`, now.Add(-time.Hour)},
		{"none is named", lifetime, `{"in":90,"at":1,"a":"x"}`, `{"a":"new"}`, time.Time{}},
		{"the file tells nothing", both, `{"in":90,"a":"x"}`, `{"in":3600,"a":"new","at":1795253600}`, now.Add(time.Hour)},
		{"a text stays one", lifetime, `{"in":"90","a":"x"}`, `{"in":"3600","a":"new"}`, now.Add(time.Hour)},
		{"counted from a member", since, `{"a":"x","o":{"in":90},"last":1}`, `{"a":"new","o":{"in":3600},"last":1795250000700}`, now.Add(time.Hour + 300*time.Millisecond)},
		{"which is noted in any case", since, `{"a":"x","o":{"in":90},"last":1}`, `{"a":"new","o":{},"last":1795250000400}`, time.Time{}},
		{"stamps", stamps, `{"a":"x","at":1,"updated":2,"o":{"seen":3}}`, `{"a":"new","at":1795253600400,"updated":1795250000400,"o":{"seen":1795250000400}}`, now.Add(time.Hour)},
	} {
		got := changed(t, &row.k, row.entry, Token{Access: NewSecret("new"), Expiry: row.expiry, written: now})
		if got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.what, got, row.want)
		}
	}
}

func TestATimeIsReadAndWrittenInItsClientsUnit(t *testing.T) {
	to := time.UnixMilli(1_795_250_000_400)
	for _, row := range []struct {
		u                 unit
		stands, is, write string // empty is: odd
	}{
		{milliseconds, `1795206620456`, "2026-11-20T20:30:20.456Z", `1795250000400`},
		{milliseconds, `1795206620`, "", `1795250000400`},
		{milliseconds, `"1795206620456"`, "", `1795250000400`},
		{seconds, `1795206620.456`, "2026-11-20T20:30:20.456Z", `1795250000.4`},
		{seconds, `1795206620.4567891`, "2026-11-20T20:30:20.457Z", `1795250000.4`},
		{seconds, `1795206620`, "2026-11-20T20:30:20Z", `1795250000.4`},
		{seconds, `1795206620456`, "", `1795250000.4`},
		{wholeSeconds, `1795206620`, "2026-11-20T20:30:20Z", `1795250000`},
		{wholeSeconds, `0`, "1970-01-01T00:00:00Z", `1795250000`},
		{wholeSeconds, `-1`, "", `1795250000`},
		{secondsText, `"1795206620"`, "2026-11-20T20:30:20Z", `"1795250000"`},
		{secondsText, `1795206620`, "", `"1795250000"`},
		{secondsText, `"soon"`, "", `"1795250000"`},
		{dateText, `"2026-11-20T20:30:20Z"`, "2026-11-20T20:30:20Z", `"2026-11-21T08:33:20Z"`},
		{dateText, `"2026-11-20T20:30:20.456789Z"`, "2026-11-20T20:30:20.456Z", `"2026-11-21T08:33:20.400000Z"`},
		{dateText, `"2026-11-20T20:30:20.456+00:00"`, "2026-11-20T20:30:20.456Z", `"2026-11-21T08:33:20.400+00:00"`},
		{dateText, `"2026-11-20T22:30:20+02:00"`, "2026-11-20T20:30:20Z", `"2026-11-21T08:33:20Z"`},
		{dateText, `"2026-11-20 20:30:20"`, "", `"2026-11-21T08:33:20Z"`},
		{dateText, `1795206620`, "", `"2026-11-21T08:33:20Z"`},
	} {
		e, err := jsonedit.Parse([]byte(`{"t":` + row.stands + `}`))
		if err != nil {
			t.Fatal(err)
		}
		r := reader{entry: e}
		got := ""
		if is := r.time(at("t"), row.u); !r.odd {
			got = is.UTC().Format(time.RFC3339Nano)
		}
		old, _ := e.Get("t")
		if write := string(row.u.write(to, old)); got != row.is || write != row.write {
			t.Errorf("%d, %s: read as %q, written as %s", row.u, row.stands, got, write)
		}
		// What we write is read back.
		back, err := jsonedit.Parse(row.u.write(to, old))
		if is, ok := row.u.read(back); err != nil || !ok || to.Sub(is) < 0 || to.Sub(is) >= time.Second {
			t.Errorf("%d: read back as %v", row.u, is)
		}
	}
}

func TestACopyOfTheAccessTokenFollowsIt(t *testing.T) {
	k := kind{fields: fields{access: at("oauth", "access_token"), copies: [][]string{at("api_key")}}}
	for _, row := range []struct{ entry, want string }{
		{`{"api_key":"x","oauth":{"access_token":"x"}}`, `{"api_key":"new","oauth":{"access_token":"new"}}`},
		{`{"api_key":"$KEY","oauth":{"access_token":"x"}}`, `{"api_key":"$KEY","oauth":{"access_token":"new"}}`},
		{`{"oauth":{"access_token":"x"}}`, `{"oauth":{"access_token":"new"}}`},
		{`{"api_key":"","oauth":{"access_token":""}}`, `{"api_key":"","oauth":{"access_token":"new"}}`},
		{`{"oauth":null}`, `{"oauth":{"access_token":"new"}}`},
		{`{}`, `{"oauth":{"access_token":"new"}}`},
	} {
		if got := changed(t, &k, row.entry, Token{Access: NewSecret("new")}); got != row.want {
			t.Errorf("%s: %s, want %s", row.entry, got, row.want)
		}
	}
}

func TestOfSeveralPlacesTheFirstThatIsThereCounts(t *testing.T) {
	k := kind{
		fields: fields{access: at("a"), server: at("transport", "url"), clientID: at("oauth", "id")},
		or:     []fields{{server: at("url"), clientID: at("client", "id")}, {server: at("uri"), issuer: at("iss")}},
	}
	for entry, want := range map[string][3]string{
		`{"transport":{"url":"1"},"url":"2","uri":"3"}`:                {"1", "", ""},
		`{"url":"2","uri":"3","client":{"id":"c"},"iss":"i"}`:          {"2", "c", "i"},
		`{"transport":{"url":null},"uri":"3","oauth":{"id":"o"}}`:      {"3", "o", ""},
		`{"transport":"no object","uri":"3","client":{"id":"c"}}`:      {"3", "c", ""},
		`{"transport":{},"url":null,"client":null,"oauth":{"id":"o"}}`: {"", "o", ""},
	} {
		e, err := jsonedit.Parse([]byte(entry))
		if err != nil {
			t.Fatal(err)
		}
		r, f := reader{entry: e}, k.in(e)
		if got := [3]string{r.text(f.server), r.text(f.clientID), r.text(f.issuer)}; got != want {
			t.Errorf("%s: %q, want %q", entry, got, want)
		}
	}
	if f := k.in(empty); f.server[0] != "transport" {
		t.Errorf("where none is there it would be written to %q", f.server)
	}
}
