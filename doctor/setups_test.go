package doctor

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"lamplighter/refresher/authtest"
)

// A setup is one that is faulty in one way, and the cause that the doctor has
// to name. Each form has a file of them.
type setup struct {
	name string
	// from names the public report or the recorded server whose answers it
	// reproduces; empty where it is only made up.
	from    string
	want    Cause
	examine func(t *testing.T) *Report
}

// setups are those of all forms.
var setups []setup

func TestEachFaultySetupHasItsVerdict(t *testing.T) {
	var mu sync.Mutex
	verdicts := map[string]Cause{}
	for _, s := range setups {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel() // some of them wait as the refresher does
			r := s.examine(t)
			all := r.Ranked()
			if len(all) == 0 || all[0].Cause != s.want {
				t.Fatalf("want %s, got:\n%s", s.want, r.Text(80, nil))
			}
			mu.Lock()
			defer mu.Unlock()
			verdict := r.Verdict()
			if other, taken := verdicts[verdict]; taken && other != s.want {
				t.Errorf("%s and %s share the verdict %q", other, s.want, verdict)
			}
			verdicts[verdict] = s.want
			tells(t, r)
		})
	}
}

// tells holds a report to what every report promises.
func tells(t *testing.T, r *Report) {
	t.Helper()
	text := r.Text(80, nil)
	if strings.Contains(text, "%!") || strings.Contains(r.Markdown(), "%!") {
		t.Errorf("a text lacks an argument:\n%s", text)
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if lines[len(lines)-1] != r.Verdict() {
		t.Errorf("the last line is no verdict: %s", lines[len(lines)-1])
	}
	for _, line := range lines {
		// A word that is longer than a line stays whole, so that it can be copied.
		if utf8.RuneCountInString(line) > 80 && line != r.Verdict() && len(strings.Fields(line)) > 2 && !strings.Contains(line, "'{") && !strings.Contains(line, "lamplighter ") {
			t.Errorf("longer than a line: %s", line)
		}
	}
	for _, f := range r.Findings {
		if f.Evidence == "" || f.What() == "" || f.Consequence() == "" || f.Do() == "" {
			t.Errorf("%s says too little: %q, %q, %q, %q", f.Cause, f.Evidence, f.What(), f.Consequence(), f.Do())
		}
	}
	if r.Exit() != 0 && !strings.HasSuffix(r.Verdict(), ").") && r.Conclusion == "" {
		t.Errorf("the verdict quotes nothing: %s", r.Verdict())
	}
}

func TestNoTwoCausesShareAVerdict(t *testing.T) {
	said := map[string]Cause{}
	for c, w := range words() {
		if w.what == "" || w.consequence == "" || w.do == "" {
			t.Errorf("%s lacks words", c)
		}
		if strings.Trim(w.what, ".") == "%[1]s" {
			continue // the sentence is another package's, which tests its own
		}
		if other, taken := said[w.what]; taken {
			t.Errorf("%s and %s say the same: %s", c, other, w.what)
		}
		said[w.what] = c
	}
}

func TestTheSetupsAreManyAndSomeAreKnownFromOutside(t *testing.T) {
	causes, from := map[Cause]bool{}, map[string]bool{}
	for _, s := range setups {
		causes[s.want] = true
		if s.from != "" {
			from[s.from] = true
		}
	}
	if len(causes) < 25 || len(from) < 8 {
		t.Errorf("%d causes in %d setups, %d of them from outside", len(causes), len(setups), len(from))
	}
	t.Logf("%d setups, %d causes, %d reports and servers", len(setups), len(causes), len(from))
}

// noRefreshTokenWasSent reads it off a server's log.
func noRefreshTokenWasSent(t *testing.T, s *authtest.Server) {
	t.Helper()
	for _, e := range s.Log() {
		if e.Refresh != "" || len(e.Strays) > 0 {
			t.Errorf("a refresh token was sent: %s", e)
		}
	}
}

// shows fails where a report shows a secret of the server's.
func shows(t *testing.T, r *Report, s *authtest.Server, more ...string) {
	t.Helper()
	asJSON, err := r.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{r.Text(80, nil), r.Markdown(), string(asJSON)} {
		for _, value := range slices.Concat(s.Secrets(), more) {
			if len(value) >= shortest && strings.Contains(text, value) {
				t.Fatalf("the report shows a secret:\n%s", text)
			}
		}
	}
}

// visited is the report on a URL.
func visited(t *testing.T, s *authtest.Server, ask Ask) *Report {
	t.Helper()
	x := NewRecorder(ask.URL, Transport(ask.URL, nil, false))
	URL(context.Background(), x, ask)
	if s != nil {
		noRefreshTokenWasSent(t, s)
		shows(t, x.Report, s, strings.TrimSpace(ask.Secret))
	}
	return x.Report
}
