package doctor

import (
	"bytes"
	"encoding/json"
	"time"
)

// MarshalJSON writes the report. It is a contract: keys are only ever added,
// times are RFC 3339 in UTC, and findings come with the one that decides
// first.
func (r Report) MarshalJSON() ([]byte, error) {
	type request struct {
		Method string   `json:"method"`
		URL    string   `json:"url"`
		Header []string `json:"header"`
		Body   *string  `json:"body"`
		Status *int     `json:"status"`
		Answer []string `json:"answer"`
		Curl   string   `json:"curl"`
	}
	type step struct {
		Name    string   `json:"name"`
		Seen    string   `json:"seen"`
		Request *request `json:"request"`
	}
	type finding struct {
		Cause       Cause   `json:"cause"`
		Severity    string  `json:"severity"`
		About       *string `json:"about"`
		What        string  `json:"what"`
		Evidence    *string `json:"evidence"`
		Consequence string  `json:"consequence"`
		Do          string  `json:"do"`
	}
	type table struct {
		Title string     `json:"title"`
		Head  []string   `json:"head"`
		Rows  [][]string `json:"rows"`
	}
	out := struct {
		Version  int       `json:"version"`
		At       string    `json:"at"`
		About    *string   `json:"about"`
		Verdict  string    `json:"verdict"`
		Exit     int       `json:"exit"`
		Findings []finding `json:"findings"`
		Tables   []table   `json:"tables"`
		Steps    []step    `json:"steps"`
	}{
		Version: 1, At: r.At.UTC().Format(time.RFC3339), About: known(r.About), Verdict: r.Verdict(), Exit: r.Exit(),
		Findings: []finding{}, Tables: []table{}, Steps: []step{},
	}
	for _, f := range r.Ranked() {
		out.Findings = append(out.Findings, finding{
			f.Cause, severities[words()[f.Cause].severity], known(f.About), f.What(), known(f.Evidence), f.Consequence(), f.Do(),
		})
	}
	for _, t := range r.Tables {
		out.Tables = append(out.Tables, table(t))
	}
	for _, s := range r.Steps {
		one := step{Name: s.Name, Seen: s.Seen}
		if q := s.Request; q != nil {
			one.Request = &request{
				Method: q.Method, URL: q.URL, Header: append([]string{}, q.Header...), Body: known(q.Body),
				Answer: append([]string{}, q.Answer...), Curl: q.Curl(),
			}
			if q.Status != 0 {
				one.Request.Status = &q.Status
			}
		}
		out.Steps = append(out.Steps, one)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(out)
	return b.Bytes(), err
}

// known is a text in JSON; the empty one is null.
func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
