package ledger_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lamplighter/refresher/ledger"
)

func TestTheLogIsReadInTheOrderInWhichItWasWritten(t *testing.T) {
	l := open(t, t.TempDir())
	for _, what := range []string{"one", "two", "three"} {
		if err := l.Log(ledger.Event{What: what, ID: "codex/mcp/a"}, 1, 5); err != nil { // a file for each
			t.Fatal(err)
		}
	}
	events, err := l.Events(5)
	if err != nil || len(events) != 3 || events[0].What != "one" || events[2].What != "three" {
		t.Fatalf("%+v, %v", events, err)
	}
	if e := events[1]; e.PID != os.Getpid() || time.Since(e.At).Abs() > time.Minute || e.At.Location() != time.UTC {
		t.Errorf("%+v", e)
	}
}

func TestTheLogIsBounded(t *testing.T) {
	for _, keep := range []int{3, 1, 0} {
		dir := t.TempDir()
		l := open(t, dir)
		for range 2000 {
			if err := l.Log(ledger.Event{What: "sent", Why: strings.Repeat("x", 100)}, 10<<10, 3); err != nil {
				t.Fatal(err)
			}
		}
		for range 200 { // the user wants less now
			if err := l.Log(ledger.Event{What: "sent", Why: strings.Repeat("x", 100)}, 10<<10, keep); err != nil {
				t.Fatal(err)
			}
		}
		total, count := 0, 0
		for name, text := range files(t, dir) {
			if strings.HasPrefix(name, "log.jsonl") {
				total += len(text)
				count++
			}
		}
		if count != keep+1 || total > (keep+1)*(10<<10+300) {
			t.Errorf("keep %d: %d bytes in %d files", keep, total, count)
		}
	}
}

func TestManyProcessesLogWithoutLosingALine(t *testing.T) {
	dir := t.TempDir()
	names := []string{"a", "b", "c", "d", "e", "f"}
	others(t, "log", dir, names)
	events, err := open(t, dir).Events(300)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, e := range events {
		count[e.ID]++
	}
	for _, name := range names {
		if count[name] != 40 {
			t.Errorf("of %s %d lines are left of 40", name, count[name])
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "log.jsonl.9")); err != nil {
		t.Error("it was never moved aside, so this shows nothing")
	}
}

func TestATornOrHugeLineHidesNoOther(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	for _, torn := range []string{`{"event":"to`, strings.Repeat("z", 300<<10)} {
		name := filepath.Join(dir, "log.jsonl")
		os.Remove(name)
		add := func(what string) {
			if err := l.Log(ledger.Event{What: what}, 1<<20, 1); err != nil {
				t.Fatal(err)
			}
		}
		add("before")
		f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		f.WriteString(torn)
		f.Close()
		add("after")
		if events, err := l.Events(1); err != nil || len(events) != 2 || events[0].What != "before" || events[1].What != "after" {
			t.Errorf("%.20s: %+v, %v", torn, events, err)
		}
	}
}

func TestALongReasonIsCut(t *testing.T) {
	l := open(t, t.TempDir())
	if err := l.Log(ledger.Event{What: "failed", Why: strings.Repeat("é", 5000)}, 1<<20, 1); err != nil {
		t.Fatal(err)
	}
	events, err := l.Events(1)
	if err != nil || len(events) != 1 || len(events[0].Why) > 1100 || !strings.HasPrefix(events[0].Why, "éé") || strings.ContainsRune(events[0].Why, '\uFFFD') {
		t.Errorf("%d events, %v", len(events), err)
	}
}
