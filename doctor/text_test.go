package doctor

import (
	"encoding/json"
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
