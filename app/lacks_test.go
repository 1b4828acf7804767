package app

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
)

// Whatever a credential lacks life for, a script learns whether to try again, to
// call somebody or to be mended, and a person what to do.
func TestEachStateThatLacksLifeHasACodeAndANextStep(t *testing.T) {
	now := time.Now()
	n := need{life: 30 * time.Minute, wait: time.Minute}
	v := view{os: "linux", home: "/home/me"}
	for state, want := range map[refresher.State]int{
		refresher.Fresh: exitFailed, refresher.Unknown: exitFailed, refresher.WatchOnly: exitFailed, refresher.Misconfigured: exitFailed,
		refresher.Retrying: exitLater, refresher.Deferred: exitLater, refresher.Unsaved: exitLater, refresher.Paused: exitLater,
		refresher.SignInNeeded: exitSignIn, refresher.CannotRefresh: exitSignIn,
		refresher.Refreshing: exitFailed, // and no other process is at it
	} {
		for _, left := range []time.Duration{-time.Hour, 10 * time.Minute} {
			row := refresher.Row{Credential: credfiles.Credential{
				ID: "codex/mcp/linear", Client: "codex", Kind: "mcp", Name: "linear",
				Token: credfiles.Token{Access: credfiles.NewSecret("at-EXAMPLE"), Refresh: credfiles.NewSecret("rt-EXAMPLE"), Expiry: now.Add(left)},
			}, Decision: refresher.Decision{State: state}}
			text, do, code := v.lacks(refresher.Outcome{Row: row, Did: refresher.Nothing}, n, time.Time{}, now)
			if code != want || text == "" || do == "" || strings.Contains(text+do, "EXAMPLE") || strings.Contains(text+do, "\n") {
				t.Errorf("%s, %v left: code %d, want %d: %s -> %s", state, left, code, want, text, do)
			}
		}
	}

	row := refresher.Row{Credential: credfiles.Credential{ID: "claude/login", Client: "claude", Kind: "login"}}
	row.Expiry, row.Refresh, row.WatchOnly = now.Add(time.Minute), credfiles.NewSecret("rt-EXAMPLE"), credfiles.VendorLogin
	row.State, row.Why = refresher.WatchOnly, refresher.LiteralSays
	if text, do, code := v.lacks(refresher.Outcome{Row: row, Did: refresher.Nothing}, n, time.Time{}, now); code != exitFailed || do != "start Claude Code" {
		t.Errorf("%d: %s -> %s", code, text, do)
	}

	row.State, row.Why, row.WatchOnly = refresher.Refreshing, refresher.InFlight, ""
	for _, out := range []refresher.Outcome{
		{Row: row, Did: refresher.Nothing},
		{Row: row, Did: refresher.Failed, Err: errWaited},
		{Row: row, Did: refresher.Failed, Err: fmt.Errorf("reading: %w", errWaited)},
	} {
		for _, sent := range []time.Time{{}, now.Add(-5 * time.Second)} {
			if text, do, code := v.lacks(out, n, sent, now); code != exitLater || do != "try again later" {
				t.Errorf("%v: %d: %s -> %s", out.Err, code, text, do)
			}
		}
	}

	// What failed before anything was sent is said as it is.
	row.Why = refresher.DueNow
	text, do, code := v.lacks(refresher.Outcome{Row: row, Did: refresher.Failed, Err: errors.New("open /home/me/x: no space left on device")}, n, time.Time{}, now)
	if code != exitFailed || text != "good for 1 min; failed: open ~/x: no space left on device" || do != "free some space" {
		t.Errorf("%d: %s -> %s", code, text, do)
	}
}

func TestATimeIsWrittenAsAFlagTakesIt(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"30m": 30 * time.Minute, "1h": time.Hour, "1h30m": 90 * time.Minute, "4m50s": 290 * time.Second, "59m50s": time.Hour - 10*time.Second,
		"10s": 10*time.Second + time.Millisecond, "250ms": 250 * time.Millisecond, "720h": 720 * time.Hour, "1h0m5s": time.Hour + 5*time.Second,
	} {
		got := plainSpan(d)
		if back, err := time.ParseDuration(got); got != want || err != nil || back > d {
			t.Errorf("%v: %s, %v", d, got, err)
		}
	}
}
