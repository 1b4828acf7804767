package deliver

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
)

func token(access string, left time.Duration) Token {
	return Token{ID: "own/graph", Access: credfiles.NewSecret(access), Expiry: time.Now().Add(left), Scope: "a b"}
}

func TestEveryFormSaysWhatItsReadersExpect(t *testing.T) {
	tok := token("at-EXAMPLE.1_2~3+/=", time.Hour)
	tok.Expiry = time.Date(2026, 11, 21, 19, 0, 0, 987654321, time.FixedZone("", 3600))
	for form, want := range map[string]string{
		"raw":    "at-EXAMPLE.1_2~3+/=",
		"env":    "GRAPH_TOKEN=at-EXAMPLE.1_2~3+/=\nGRAPH_TOKEN_EXPIRES_AT=2026-11-21T18:00:00Z\n",
		"header": "Authorization: Bearer at-EXAMPLE.1_2~3+/=\n",
		"json":   `{"id":"own/graph","access_token":"at-EXAMPLE.1_2~3+/=","token_type":"Bearer","expires_at":"2026-11-21T18:00:00Z","scope":"a b"}` + "\n",
		"{{.ID}}: {{.AccessToken}} until {{.Expiry}} ({{.Expiry.Unix}}), for {{.Scope}}": "own/graph: at-EXAMPLE.1_2~3+/= until 2026-11-21T18:00:00Z (1795284000), for a b",
	} {
		f, err := ParseForm(form)
		if err != nil {
			t.Fatalf("%s: %v", form, err)
		}
		text, err := f.Text(tok)
		if err != nil || text.Reveal() != want {
			t.Errorf("%s: %q, %v", form, text.Reveal(), err)
		}
	}
}

func TestAnEndThatNobodyKnowsIsNotMadeUp(t *testing.T) {
	for form, want := range map[string]string{
		"env": "GRAPH_TOKEN=at-EXAMPLE\n", "{{.AccessToken}} {{.Expiry}}{{if not .Expiry.IsZero}}!{{end}}": "at-EXAMPLE ",
	} {
		f, err := ParseForm(form)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := f.Text(Token{ID: "own/graph", Access: credfiles.NewSecret("at-EXAMPLE")}); err != nil || text.Reveal() != want {
			t.Errorf("%s: %q, %v", form, text.Reveal(), err)
		}
	}
	text, err := forms["json"].Text(Token{Access: credfiles.NewSecret("at-EXAMPLE")})
	var got map[string]any
	if err != nil || json.Unmarshal([]byte(text.Reveal()), &got) != nil || got["expires_at"] != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func TestAFormThatWouldFailLaterFailsAtOnce(t *testing.T) {
	for _, form := range []string{
		"", "jsn", "at-EXAMPLE", "{{.AccessToken", "{{.Token}}", "{{.AccessToken}} {{.Refresh}}", "{{.Expiry}}", "{{exec `x`}}{{.AccessToken}}",
		"{{.AccessToken}}{{if not .Expiry.IsZero}}{{.No}}{{end}}", `{{define "a"}}{{template "a"}}{{end}}{{.AccessToken}}{{template "a"}}`,
	} {
		_, err := ParseForm(form)
		if err == nil {
			t.Errorf("%q is taken", form)
		} else if form != "" && strings.Contains(err.Error(), "EXAMPLE") {
			t.Errorf("the error repeats it: %v", err)
		}
	}
}

func TestNoFormLetsATokenBecomeAnotherLine(t *testing.T) {
	for _, access := range []string{"a\nLD_PRELOAD=x", "a\r\nHost: x", "a\x00b"} {
		for _, form := range []string{"env", "header"} {
			if text, err := forms[form].Text(token(access, time.Hour)); err == nil {
				t.Errorf("%s: %q", form, text.Reveal())
			} else if strings.Contains(err.Error(), access) {
				t.Error("the error repeats it")
			}
		}
	}
	for _, access := range []string{"a b", "a$b", `a"b`, "a'b", "a#b", "a\\b"} {
		if text, err := forms["env"].Text(token(access, time.Hour)); err == nil {
			t.Errorf("env: %q is read in different ways", text.Reveal())
		}
	}
}

func TestVariablesAreNamesThatShellsTake(t *testing.T) {
	for id, want := range map[string]string{
		"own/graph": "GRAPH_TOKEN", "own/my-graph.v2": "MY_GRAPH_V2_TOKEN", "own/365": "_365_TOKEN", "own/é": "__TOKEN",
	} {
		if got := variable(id); got != want {
			t.Errorf("%s: %s", id, got)
		}
	}
}
