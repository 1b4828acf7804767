package app

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"lamplighter/credfiles/replace"
	"lamplighter/refresher"
)

// allStates are the values of the label state.
var allStates = []refresher.State{
	refresher.Fresh, refresher.Refreshing, refresher.Retrying, refresher.Deferred, refresher.Unsaved, refresher.Misconfigured,
	refresher.SignInNeeded, refresher.CannotRefresh, refresher.WatchOnly, refresher.Paused, refresher.Unknown,
}

// writeMetrics puts what status shows into a file for the textfile collector of
// Prometheus's node_exporter, which may run as another user. It never sees half
// of it.
func writeMetrics(file string, snap snapshot, keeper bool) error {
	file, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	err = replace.File(file, metrics(snap, keeper), 0o644)
	if errors.Is(err, fs.ErrNotExist) {
		err = sayf(saidNoFolder, filepath.Dir(file))
	}
	if err != nil {
		return fmt.Errorf("the metrics cannot be written: %w", err)
	}
	return nil
}

// metrics writes a Snapshot in Prometheus's text format 0.0.4. What is unknown
// has no line.
func metrics(snap snapshot, keeper bool) []byte {
	var b bytes.Buffer
	family := func(name, kind, help string, value func(refresher.Row) (float64, bool)) {
		fmt.Fprintf(&b, "# HELP lamplighter_%s %s\n# TYPE lamplighter_%s %s\n", name, help, name, kind)
		for _, row := range snap.Rows {
			if v, known := value(row); known {
				fmt.Fprintf(&b, "lamplighter_%s{%s} %.0f\n", name, labels(row), v)
			}
		}
	}
	at := func(of func(refresher.Row) time.Time) func(refresher.Row) (float64, bool) {
		return func(row refresher.Row) (float64, bool) {
			t := of(row)
			return float64(t.Unix()), !t.IsZero() && t.Unix() != 0
		}
	}
	family("credential_expiry_timestamp_seconds", "gauge", "When the access token ends.",
		at(func(row refresher.Row) time.Time { return row.Expiry }))
	family("credential_refresh_token_expiry_timestamp_seconds", "gauge", "When the refresh token ends, where its server said so.",
		at(func(row refresher.Row) time.Time { return row.RefreshExpiry }))
	family("credential_last_refresh_timestamp_seconds", "gauge", "When lamplighter last refreshed it.",
		at(func(row refresher.Row) time.Time { return row.Memory.Refreshed }))
	family("credential_refresh_requests_total", "counter", "Requests for a new token that lamplighter sent to its server.",
		func(row refresher.Row) (float64, bool) { return float64(row.Memory.Posts), true })
	family("credential_sign_in_needed", "gauge", "1 where only a sign-in helps.",
		func(row refresher.Row) (float64, bool) { return number(needsYou(row, snap.At)), true })
	fmt.Fprint(&b, "# HELP lamplighter_credential_state 1 for the state that it is in.\n# TYPE lamplighter_credential_state gauge\n")
	for _, row := range snap.Rows {
		for _, state := range allStates {
			fmt.Fprintf(&b, "lamplighter_credential_state{%s,state=\"%s\"} %.0f\n", labels(row), state, number(row.State == state))
		}
	}
	fmt.Fprintf(&b, "# HELP lamplighter_problems What keeps stores from being read.\n# TYPE lamplighter_problems gauge\nlamplighter_problems %d\n", len(snap.Problems))
	fmt.Fprintf(&b, "# HELP lamplighter_keeper_running 1 while a keeper runs.\n# TYPE lamplighter_keeper_running gauge\nlamplighter_keeper_running %.0f\n", number(keeper))
	return b.Bytes()
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

var labelValue = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func labels(row refresher.Row) string {
	value := func(s string) string { return labelValue.Replace(strings.ToValidUTF8(s, "\uFFFD")) }
	return fmt.Sprintf(`id="%s",client="%s",kind="%s",name="%s",profile="%s"`,
		value(row.ID), value(row.Client), value(row.Kind), value(row.Name), value(row.Profile))
}
