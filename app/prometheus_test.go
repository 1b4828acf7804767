package app

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/ledger"
)

// The format is that of https://prometheus.io/docs/instrumenting/exposition_formats/,
// which textfile collectors read.
func TestMetricsAreInPrometheusTextFormatWhateverACredentialIsCalled(t *testing.T) {
	odd := "a\"b\\c\nd\xff{},= é"
	now := time.Unix(1_800_000_000, 0)
	rows := []refresher.Row{
		{Credential: credfiles.Credential{
			ID: "codex/mcp/" + odd, Client: "codex", Kind: "mcp", Name: odd,
			Token: credfiles.Token{Access: credfiles.NewSecret("at-EXAMPLE"), Refresh: credfiles.NewSecret("rt-EXAMPLE"), Expiry: now.Add(time.Hour), RefreshExpiry: now.Add(48 * time.Hour)},
		}, Decision: refresher.Decision{State: refresher.Fresh}, Memory: ledger.Memory{Posts: 12, Refreshed: now}},
		{Credential: credfiles.Credential{ID: "own/graph", Client: "own", Kind: "own", Name: "graph"}, Decision: refresher.Decision{State: refresher.SignInNeeded}},
	}
	text := string(metrics(snapshot{At: now, Rows: rows, Problems: make([]credfiles.Problem, 2)}, true))
	if strings.Contains(text, "EXAMPLE") {
		t.Error("a token stands in it")
	}
	sample := regexp.MustCompile(`^([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\d+)$`)
	family, kinds, seen, got := "", map[string]string{}, map[string]bool{}, map[string]string{}
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		words := strings.SplitN(line, " ", 4)
		switch {
		case strings.HasPrefix(line, "# HELP "):
			if family = words[2]; kinds[family] != "" {
				t.Errorf("%s comes in two places", family)
			}
		case strings.HasPrefix(line, "# TYPE "):
			if words[2] != family || words[3] != "gauge" && words[3] != "counter" {
				t.Errorf("%q after %s", line, family)
			}
			kinds[family] = words[3]
		default:
			m := sample.FindStringSubmatch(line)
			if m == nil || m[1] != family || kinds[family] == "" || seen[m[1]+m[2]] || (kinds[family] == "counter") != strings.HasSuffix(family, "_total") {
				t.Fatalf("%q", line)
			}
			seen[m[1]+m[2]] = true
			label := regexp.MustCompile(`state="[a-z-]*"`).FindString(m[2])
			first := "graph"
			if strings.Contains(m[2], "codex") {
				first = "odd"
			}
			got[strings.TrimPrefix(m[1], "lamplighter_")+" "+first+" "+label] = m[3]
		}
	}
	for key, want := range map[string]string{
		"credential_expiry_timestamp_seconds odd ":               "1800003600",
		"credential_expiry_timestamp_seconds graph ":             "",
		"credential_refresh_token_expiry_timestamp_seconds odd ": "1800172800",
		"credential_last_refresh_timestamp_seconds odd ":         "1800000000",
		"credential_last_refresh_timestamp_seconds graph ":       "",
		"credential_refresh_requests_total odd ":                 "12",
		"credential_refresh_requests_total graph ":               "0",
		"credential_sign_in_needed odd ":                         "0",
		"credential_sign_in_needed graph ":                       "1",
		`credential_state odd state="fresh"`:                     "1",
		`credential_state odd state="sign-in-needed"`:            "0",
		`credential_state graph state="sign-in-needed"`:          "1",
		"problems graph ":                                        "2",
		"keeper_running graph ":                                  "1",
	} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
	if !strings.Contains(text, `id="codex/mcp/a\"b\\c\nd`+"\uFFFD"+`{},= é"`) {
		t.Errorf("labels are not escaped: %s", text)
	}
}
