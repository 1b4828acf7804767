package ledger_test

import (
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lamplighter/refresher/ledger"
)

const endpoint = "https://auth.example/token"

func TestAnEndpointIsAskedOnceADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := ledger.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		first := ledger.Question{Client: "one"}
		if _, may, err := l.Ask(endpoint, first); !may || err != nil {
			t.Fatal("the first is not allowed", err)
		}
		// Who died in between has asked.
		if last, may, err := l.Ask(endpoint, ledger.Question{Client: "two"}); may || err != nil || !last.Same(first) {
			t.Error("asked again at once", last, err)
		}
		first.Status, first.Code = 400, "invalid_grant"
		if err := l.Answered(endpoint, first); err != nil {
			t.Fatal(err)
		}
		time.Sleep(24*time.Hour - time.Second)
		last, may, err := l.Ask(endpoint, first)
		if may || err != nil || last.Code != "invalid_grant" || last.Status != 400 {
			t.Error("asked again within a day", last, err)
		}
		if _, may, _ := l.Ask(endpoint+"/other", first); !may {
			t.Error("another endpoint may not be asked")
		}
		time.Sleep(2 * time.Second)
		if _, may, _ := l.Ask(endpoint, first); !may {
			t.Error("it may not be asked after a day")
		}
	})
}

func TestOfManyAtOnceOneAsks(t *testing.T) {
	dir := t.TempDir()
	var asked atomic.Int32
	var group sync.WaitGroup
	for range 16 {
		l, err := ledger.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		group.Go(func() {
			if _, may, err := l.Ask(endpoint, ledger.Question{}); err != nil {
				t.Error(err)
			} else if may {
				asked.Add(1)
			}
		})
	}
	group.Wait()
	if asked.Load() != 1 {
		t.Errorf("%d asked", asked.Load())
	}
}

func TestADamagedNoteIsNoLeaveToAsk(t *testing.T) {
	dir := t.TempDir()
	l, err := ledger.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, may, err := l.Ask(endpoint, ledger.Question{}); !may || err != nil {
		t.Fatal(err)
	}
	names, _ := filepath.Glob(filepath.Join(dir, "doctor", "*"))
	if err := os.WriteFile(names[0], []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, may, err := l.Ask(endpoint, ledger.Question{}); may || err != nil {
		t.Error("asked again", err)
	}
}
