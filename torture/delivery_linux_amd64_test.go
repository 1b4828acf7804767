package torture_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"lamplighter/lab"
)

// deliveryStep is how many stops lie between two that are tried.
var deliveryStep = 7

// A handing is a computer whose own credential is delivered to a file.
type handing struct {
	*lab.Lab
	given atomic.Int64
}

func newHanding(t *testing.T) *handing {
	t.Helper()
	h := &handing{Lab: lab.New(t)}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseForm() // an answer that comes before the request has left is none
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":"at-%d-EXAMPLE","token_type":"Bearer","expires_in":3600}`, h.given.Add(1))
	}))
	t.Cleanup(s.Close)
	for name, text := range map[string]string{
		"run/token.json": "", "secret": "cs-EXAMPLE",
		".config/lamplighter/config.toml": "[[own]]\nname = \"graph\"\nclient_id = \"c\"\nsecret_file = \"~/secret\"\ntoken_endpoint = \"" + s.URL +
			"\"\n[[deliver]]\nid = \"own/graph\"\nfile = \"~/run/token.json\"\nform = \"json\"\n",
	} {
		if err := os.MkdirAll(filepath.Dir(h.Path(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(h.Path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h.whole(t)
	return h
}

// whole runs the command to its end, after which its token is there, and nothing
// beside it.
func (h *handing) whole(t *testing.T) {
	t.Helper()
	if r := h.Run("refresh", "own/graph"); r.Code != 0 {
		t.Fatalf("%d\n%s", r.Code, r.Output)
	}
	if got, want := h.holds(t), fmt.Sprintf("at-%d-EXAMPLE", h.given.Load()); got != want {
		t.Errorf("the file holds %s, want %s", got, want)
	}
	if all, err := os.ReadDir(h.Path("run")); err != nil || len(all) != 1 {
		t.Errorf("beside it: %v, %v", all, err)
	}
}

// holds is the token in the file, which has to be whole.
func (h *handing) holds(t *testing.T) string {
	t.Helper()
	var is struct {
		Access string `json:"access_token"`
	}
	text, err := os.ReadFile(h.Path("run", "token.json"))
	if err != nil || json.Unmarshal(text, &is) != nil || is.Access == "" {
		t.Errorf("the file holds %d bytes, %v", len(text), err)
	}
	return is.Access
}

// until runs the command and gives the word at the n-th stop of the delivery
// that is meant. It reports whether it came to that.
func (h *handing) until(n int, w word, meant func(*stop) bool) (code int, came bool) {
	cmd := h.Command("refresh", "own/graph")
	p := follow(h.Lab)
	p.watch()
	code = p.run(cmd, func(s *stop) word {
		// Between those that are about the place, or our memory of it, it reads.
		if !strings.Contains(s.on, "deliver") && !strings.Contains(s.on, "~/run") || !meant(s) {
			return word{}
		}
		if n--; n != 0 {
			return word{}
		}
		came = true
		return w
	})
	return code, came
}

// Killed before and after every system call on a place of delivery: the file is whole,
// the next run knows it for ours, and nothing with a token stays beside it.
func TestKilledAtSystemCallsOfADelivery(t *testing.T) {
	skipUnlessTraceable(t)
	h := newHanding(t)
	kills := 0
	for n, came := 1, true; came; n += deliveryStep {
		_, came = h.until(n, word{kill: true}, func(*stop) bool { return true })
		h.holds(t)
		if kills++; kills%10 == 0 {
			h.whole(t)
		}
	}
	h.whole(t)
	t.Logf("%d kills, %d tokens", kills, h.given.Load())
}

// Every call that writes is refused: the file is whole, the command says so, and
// the next one mends it.
func TestEveryWriteOfADeliveryIsRefused(t *testing.T) {
	skipUnlessTraceable(t)
	h := newHanding(t)
	writes := []string{"openat", "write", "pwrite64", "ftruncate", "fsync", "fchmod", "fchown", "renameat", "renameat2", "unlinkat", "fallocate", "flock", "mkdirat"}
	refused, failed := 0, 0
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EIO, syscall.EACCES} {
		for n, came := 1, true; came; n += deliveryStep {
			var code int
			code, came = h.until(n, word{errno: errno}, func(s *stop) bool { return !s.after && slices.Contains(writes, s.call) })
			h.holds(t)
			if !came {
				break
			}
			refused++
			if code != 0 {
				failed++
				h.whole(t)
			}
		}
	}
	t.Logf("%d calls refused, %d commands failed by it, %d tokens", refused, failed, h.given.Load())
}
