package ledger_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lamplighter/refresher/ledger"
)

func TestNothingThatIsForgottenIsLeftInAFile(t *testing.T) {
	for _, there := range []bool{true, false} {
		dir := t.TempDir()
		lk := locked(t, dir, "linear")
		m := ledger.Memory{ID: "codex/mcp/linear", Client: "client", Lineage: 3, Refresh: "r", Access: "a", TokenURL: "https://auth.example/token", For: "r", Wait: ledger.Unsent, Failures: 2, Told: "r"}
		if err := lk.Save(m); err != nil {
			t.Fatal(err)
		}
		if err := lk.SaveKept(ledger.Kept{Good: ledger.Keep(someToken(1), 3), Orphan: ledger.Keep(someToken(2), 3)}); err != nil {
			t.Fatal(err)
		}
		owner := lk.OwnerOf(lk.Key)
		put(t, someToken(3).Refresh.Reveal(), dir, "kept", "."+owner+".lamplighter-abc") // by a crash
		if err := lk.SetMode(lk.Key, ledger.Mode{Mode: "watch-only"}); err != nil {
			t.Fatal(err)
		}
		if err := lk.Forget(there); err != nil {
			t.Fatal(err)
		}
		for name, text := range files(t, dir) {
			for n := 1; n <= 3; n++ {
				if tok := someToken(n); strings.Contains(string(text), tok.Refresh.Reveal()) || strings.Contains(string(text), tok.Access.Reveal()) {
					t.Errorf("a token stands in %s", name)
				}
			}
			if strings.Contains(string(text), "auth.example") || !there && strings.Contains(string(text), "linear") {
				t.Errorf("%s holds %s", name, text)
			}
		}
		got, err := lk.Memory(lk.Key)
		if err != nil || there != (got.Refresh == "r" && got.Lineage == 3 && got.Client == "client") || got.Wait != "" || got.Told != "" {
			t.Errorf("there %v: %+v, %v", there, got, err)
		}
		if mode, _ := lk.Mode(lk.Key); mode.Mode != "watch-only" {
			t.Error("the user's word is forgotten")
		}
	}
}

func TestAForgottenCredentialBeginsAboveTheLineagesOfItsMarks(t *testing.T) {
	dir := t.TempDir()
	lk, other := locked(t, dir, "linear"), locked(t, dir, "slack")
	for n, l := range []*ledger.Locked{lk, lk, other} {
		if err := l.MarkSpent(l.Fingerprint(token("linear", n)), []int{4, 1, 9}[n]); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if m, err := lk.Memory(lk.Key); m.Lineage != 5 || err != nil {
			t.Errorf("lineage %d, %v", m.Lineage, err)
		}
		if m, err := lk.Memory(key("new")); m.Lineage != 0 || err != nil {
			t.Errorf("one without marks: lineage %d, %v", m.Lineage, err)
		}
	}
}

func TestWhatHasNoNameIsForgottenButForItsJournal(t *testing.T) {
	dir := t.TempDir()
	for _, entry := range []string{"lost", "busy"} {
		lk := locked(t, dir, entry)
		if err := lk.SaveKept(ledger.Kept{Good: ledger.Keep(someToken(1), 0)}); err != nil {
			t.Fatal(err)
		}
		if entry == "busy" {
			begin(t, lk, sent(entry)).Close()
		}
		lk.Unlock()
	}
	l := open(t, dir)
	_, nameless, err := l.Remembered()
	if err != nil || len(nameless) != 2 {
		t.Fatalf("%v, %v", nameless, err)
	}
	for _, owner := range nameless {
		if err := l.ForgetNameless(owner); err != nil {
			t.Error(err)
		}
	}
	if k, err := l.Kept(key("lost")); k.Good != nil || err != nil {
		t.Error("it is kept still", err)
	}
	if k, err := l.Kept(key("busy")); k.Good == nil || err != nil {
		t.Error("what a refresh goes on with is gone", err)
	}
}

func TestLinesAreErasedFromEveryFileOfTheLogAndNoneOfAnother(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	for _, id := range []string{"codex/mcp/a", "codex/mcp/a b", "codex/mcp/a", "codex/mcp/<a>"} {
		if err := l.Log(ledger.Event{What: "sent", ID: id, Why: "of codex/mcp/a"}, 1, 9); err != nil { // a file for each
			t.Fatal(err)
		}
	}
	f, err := os.OpenFile(l.LogFile(), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"id":"codex/mcp/a","what":"to`) // torn
	f.Close()
	for _, dry := range []bool{true, false} {
		if n, err := l.EraseEvents([]string{"codex/mcp/a"}, dry); n != 3 || err != nil {
			t.Errorf("%d lines, %v", n, err)
		}
	}
	left, err := l.Events(9)
	if err != nil || len(left) != 2 || left[0].ID != "codex/mcp/a b" || left[1].ID != "codex/mcp/<a>" {
		t.Errorf("%+v, %v", left, err)
	}
	for name, text := range files(t, dir) {
		if strings.Contains(string(text), `"codex/mcp/a"`) {
			t.Errorf("it is named in %s", name)
		}
	}
	if n, err := l.EraseEvents([]string{"codex/mcp/<a>"}, false); n != 1 || err != nil {
		t.Errorf("%d lines, %v", n, err)
	}
}

func TestWhatOthersLogMeanwhileIsNotLost(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for n := range 100 {
				l.Log(ledger.Event{What: "sent", ID: fmt.Sprintf("codex/mcp/%d", i), Code: fmt.Sprint(n)}, 1<<20, 1)
			}
		})
	}
	for range 20 {
		if _, err := l.EraseEvents([]string{"codex/mcp/0"}, false); err != nil {
			t.Error(err)
		}
	}
	group.Wait()
	l.EraseEvents([]string{"codex/mcp/0"}, false)
	if events, err := l.Events(1); len(events) != 300 || err != nil {
		t.Errorf("%d events are left of 300, %v", len(events), err)
	}
}

func TestAnEndpointIsLeftAloneAlsoWhenTheQuestionIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		l, err := ledger.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, client := range []string{"one", "two"} {
			q := ledger.Question{Client: client}
			if _, may, err := l.Ask(endpoint+client, q); !may || err != nil {
				t.Fatal(may, err)
			}
			q.Code = "invalid_grant"
			l.Answered(endpoint+client, q)
		}
		if err := l.ForgetQuestions("one"); err != nil {
			t.Fatal(err)
		}
		if q, err := l.Asked(endpoint + "one"); q.Client != "" || q.Code != "" || err != nil {
			t.Errorf("%+v, %v", q, err)
		}
		if q, _ := l.Asked(endpoint + "two"); q.Client != "two" {
			t.Errorf("another's is forgotten: %+v", q)
		}
		if _, may, err := l.Ask(endpoint+"one", ledger.Question{Client: "one"}); may || err != nil {
			t.Error("asked again at once", err)
		}
		time.Sleep(24 * time.Hour)
		if err := l.ForgetQuestions(); err != nil {
			t.Fatal(err)
		}
		if left, err := os.ReadDir(filepath.Join(dir, "doctor")); len(left) != 0 || err != nil {
			t.Error(left, err)
		}
	})
}
