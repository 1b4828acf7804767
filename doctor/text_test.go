package doctor

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"
)

// sample has one of everything.
func sample() Report {
	return Report{
		About: "https://mcp.example/mcp",
		At:    time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC),
		Steps: []Step{
			{Name: "secret", Seen: "29 characters, not a JWT: what it is for and when it ends only the server knows"},
			{Name: "as nobody", Seen: "401 Unauthorized", Request: &Request{
				Method: "POST", URL: "https://mcp.example/mcp", Header: []string{"Accept: application/json", "User-Agent: lamplighter"},
				Body: `{"method":"initialize","it's":1}`, Status: 401, Answer: []string{`WWW-Authenticate: Bearer realm="OAuth"`, "error: no token"},
			}},
			{Name: "refresh", Seen: "200 OK", Request: &Request{
				Method: "POST", URL: "https://auth.example/token", Header: []string{"Content-Type: application/x-www-form-urlencoded"},
				Body: "client_id=c&grant_type=refresh_token&refresh_token=$REFRESH_TOKEN", Status: 200,
			}},
			{Name: "as nobody", Seen: "not sent: --offline", Request: &Request{
				Method: "DELETE", URL: "https://mcp.example/mcp?key=$KEY", Header: []string{"Authorization: Basic $USER_AND_PASSWORD", "X-Price: 5$"},
			}},
		},
		Tables: []Table{
			{Title: "narrow", Head: []string{"way", "answer"}, Rows: [][]string{{"basic", "200"}, {"body", "400 invalid_client | <b>"}}},
			{Head: []string{"way", "answer"}, Rows: [][]string{{"wide", strings.Repeat("word ", 20)}}},
		},
		Findings: []Finding{
			{Cause: open, About: "https://mcp.example/mcp", Evidence: "200"},
			{Cause: nothingThere, About: "https://mcp.example/`other`", Evidence: "404, Not Found", Args: []any{"/*mcp*"}},
			{Cause: tooMany, Evidence: "429"},
		},
	}
}

func TestTheReportInThreeForms(t *testing.T) {
	r := sample()
	asJSON, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report.txt", r.Text(80, nil))
	golden(t, "report.md", r.Markdown())
	golden(t, "report.json", string(asJSON)+"\n")
}

// What a server says is text in a ticket: no link, no picture, no page.
func TestAServersWordsAreNoMarkdown(t *testing.T) {
	for _, said := range []string{"`` ![p](https://x.example) ``", "a`", "`", "``` b", `\[p](https://x.example)`, `\`, "~~x~~"} {
		r := Report{Steps: []Step{{Name: "x", Seen: said}}, Findings: []Finding{{Cause: scopeMissing, Evidence: said, Args: []any{said}}}}
		for line := range strings.Lines(r.Markdown()) {
			bare := regexp.MustCompile(`\\[[:punct:]]`).ReplaceAllString(withoutCode(line), "")
			if strings.ContainsAny(bare, "`[~\\") {
				t.Errorf("%q stands as %q", said, line)
			}
		}
	}
}

// withoutCode is Markdown without its code spans: what stands between runs of
// as many backticks (CommonMark section 6.1). An escaped one begins none.
func withoutCode(line string) string {
	runs := regexp.MustCompile("`+").FindAllStringIndex(line, -1)
	for i, from := range runs {
		before := line[:from[0]]
		if (len(before)-len(strings.TrimRight(before, `\`)))%2 == 1 {
			continue
		}
		for _, to := range runs[i+1:] {
			if from[1]-from[0] == to[1]-to[0] {
				return before + withoutCode(line[to[1]:])
			}
		}
	}
	return line
}

func TestTheVerdictDecidesTheExitCode(t *testing.T) {
	for _, test := range []struct {
		causes []Cause
		want   int
		says   Cause
	}{
		{nil, 0, ""},
		{[]Cause{open}, 0, open},
		{[]Cause{open, tooMany}, 3, tooMany},
		{[]Cause{tooMany, clockOff}, 1, clockOff},
		{[]Cause{clockOff, tokenExpired, tooMany}, 4, tokenExpired},
		{[]Cause{clockOff, untrusted}, 1, clockOff},
	} {
		var r Report
		for _, c := range test.causes {
			r.Findings = append(r.Findings, Finding{Cause: c, Evidence: "x", Args: []any{"a", "b"}})
		}
		if r.Exit() != test.want {
			t.Errorf("%v: exit code %d, want %d", test.causes, r.Exit(), test.want)
		}
		if test.says != "" && r.Ranked()[0].Cause != test.says {
			t.Errorf("%v: %s decides", test.causes, r.Ranked()[0].Cause)
		}
	}
}
