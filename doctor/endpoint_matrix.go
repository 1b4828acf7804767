package doctor

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"lamplighter/doctor/dialect"
)

// tables are the matrix: a row for each way, and a column for what any of them
// has something to say about.
func (r *round) tables() {
	if len(r.ways) == 0 {
		return
	}
	columns := []struct {
		head string
		cell func(w *way) string
	}{
		{"way", func(w *way) string { return w.Name }},
		{"answer", r.answer},
		{"new RT", func(w *way) string { return yes(w.ok(), w.rotated) }},
		{"lives", func(w *way) string {
			if !w.ok() {
				return ""
			}
			return lifeOf(w.verdict)
		}},
		{"scope", r.scopeCell},
		{"aud", func(w *way) string {
			if !w.ok() || w.audience == "" {
				return ""
			}
			if w.from.audience != "" && w.from.audience != w.audience {
				return "other"
			}
			return "same"
		}},
		{"resource", func(w *way) string {
			if !w.resource.done {
				return ""
			}
			return map[bool]string{true: "takes it", false: "refuses"}[w.resource.taken]
		}},
	}
	t := Table{Title: "Each way to ask, and the answer"}
	rows := make([][]string, len(r.ways))
	for i, c := range columns {
		var cells []string
		for _, w := range r.ways {
			cells = append(cells, c.cell(w))
		}
		if i > 1 && strings.Join(cells, "") == "" {
			continue
		}
		t.Head = append(t.Head, c.head)
		for j := range rows {
			rows[j] = append(rows[j], cells[j])
		}
	}
	t.Rows = rows
	r.x.Report.Tables = append(r.x.Report.Tables, t)
}

func yes(known, is bool) string {
	switch {
	case !known:
		return ""
	case is:
		return "yes"
	}
	return "no"
}

func (r *round) scopeCell(w *way) string {
	switch {
	case !w.ok() || w.verdict.Token.Scope == "":
		return ""
	case missingScopes(w.from.verdict.Token.Scope, w.verdict.Token.Scope) != "":
		return "less"
	}
	return "kept"
}

// facts are what there is to know besides.
func (r *round) facts(good []*way) {
	if r.first != nil {
		asked := "not asked for"
		if slices.Contains(r.e.Client.Scopes, "offline_access") || slices.Contains(r.e.Place.Scopes, "offline_access") {
			asked = "asked for"
		}
		came := "and a refresh token came"
		if r.first.verdict.Token.Refresh.IsZero() {
			came = "and no refresh token came"
		} else if asked == "not asked for" {
			came = "and a refresh token came all the same"
		}
		said := ""
		if scope := r.first.verdict.Token.Scope; scope != "" {
			said = "; the answer names it among the scopes"
			if !slices.Contains(strings.Fields(scope), "offline_access") {
				said = "; the answer does not name it among the scopes"
			}
		}
		r.x.Saw("offline_access", "%s, %s%s", asked, came, said)
	}
	if len(good) > 0 {
		n := 0
		reuse := ""
		for _, w := range good {
			if w.rotated {
				n++
			}
			if w.reuse != "" {
				reuse = w.reuse
			}
		}
		switch {
		case n == len(good):
			r.x.Saw("rotation", "each refresh brought a new refresh token")
		case n == 0:
			r.x.Saw("rotation", "no refresh brought a new refresh token: the old one stays")
		default:
			r.x.Saw("rotation", "%d of %d refreshes brought a new refresh token", n, len(good))
		}
		switch {
		case n == 0:
		case reuse == reuseTaken:
			r.x.Saw("reuse", "a spent refresh token is taken again a moment later: there is a grace, or nobody looks")
		case reuse != "":
			r.x.Saw("reuse", "a spent refresh token is %s, without a grace", reuse)
		case r.probed:
			r.x.Saw("reuse", "not tried, nor whether there is a grace, as you wished")
		default:
			r.x.Saw("reuse", "not tried, nor whether there is a grace: --try-reuse does it")
		}
	}
	if r.e.Spend.IsZero() && r.first != nil {
		left := "and signed out"
		if r.left != "" {
			left = "and what the server keeps of them is left there: " + r.left
		}
		r.x.Saw("tokens", "those of these sign-ins are in no store and no journal; they were thrown away, %s", left)
	}
	r.x.Saw("limits", "%s", wordsLimits)
}

// verdict is the last line: the endpoint's owner asked about Power Platform
// first.
func (r *round) verdict(good []*way) {
	rep := r.x.Report
	template := slices.ContainsFunc(good, func(w *way) bool { return w.Name == dialect.PowerPlatform })
	all := rep.Ranked()
	hurt := len(all) > 0 && words()[all[0].Cause].severity > note
	switch {
	case template && hurt:
		rep.Conclusion = wordsFineBut + lower(sentence(all[0].What(), all[0].Evidence))
	case template && len(all) > 0:
		rep.Conclusion = wordsFineBesides + lower(sentence(all[0].What(), all[0].Evidence))
	case template:
		rep.Fine = wordsFine
	case !hurt && len(good) > 0:
		var names []string
		for _, w := range good {
			names = append(names, w.Name)
		}
		rep.Fine = fmt.Sprintf(wordsFineAs, listed(names))
	}
}

// lower begins a sentence within another; what is written in capitals stays.
func lower(s string) string {
	if len(s) < 2 || s[1] >= 'A' && s[1] <= 'Z' {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

func missingWords(err error) string {
	switch {
	case errors.Is(err, dialect.ErrNoSecret):
		return "it needs the client's secret (--secret)"
	case errors.Is(err, dialect.ErrNoScope):
		return "it needs the scopes (--scope)"
	case errors.Is(err, dialect.ErrNoResource):
		return "it needs the MCP server or API (--server)"
	case errors.Is(err, dialect.ErrNoRedirect):
		return "it needs the redirect URI (--redirect)"
	}
	return err.Error()
}
