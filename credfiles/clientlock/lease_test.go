package clientlock

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

var mcpRemote = LeaseOptions{Stale: 30 * time.Second, Heartbeat: 10 * time.Second, Retry: time.Millisecond}

// brisk is for leases that are looked at for long: a heartbeat of them passes
// in no time.
var brisk = LeaseOptions{Stale: 30 * time.Second, Heartbeat: 2 * time.Millisecond, Retry: time.Millisecond}

func leasePath(t *testing.T) string {
	return filepath.Join(t.TempDir(), "e696f94db52da4e1d94f27a2e0d649a4_refresh_in_progress.json")
}

func mustLease(t *testing.T, path string, opts LeaseOptions) *Lock {
	t.Helper()
	l, err := Lease(patience(t, 5*time.Second), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Release() })
	return l
}

func leaseText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// As mcp-remote 0.15.1 wrote it: JSON.stringify with two spaces, mode 0600.
func TestALeaseLooksLikeTheClients(t *testing.T) {
	path := leasePath(t)
	before := time.Now().UnixMilli()
	mustLease(t, path, mcpRemote)
	text := leaseText(t, path)
	if !regexp.MustCompile(`^\{\n  "pid": [1-9]\d*,\n  "nonce": "[A-Z2-7]{26}",\n  "at": \d{13}\n\}$`).MatchString(text) {
		t.Errorf("%s", text)
	}
	var c claim
	if err := json.Unmarshal([]byte(text), &c); err != nil || c.PID != os.Getpid() || c.At < before || c.At > time.Now().UnixMilli() {
		t.Errorf("%+v, %v", c, err)
	}
	if info := stat(t, path); info.Mode() != 0o600 {
		t.Error(info.Mode())
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("beside it: %v, %v", entries, err)
	}
}

func TestALeaseIsHeldUntilItsRelease(t *testing.T) {
	path := leasePath(t)
	l := mustLease(t, path, mcpRemote)
	other, err := Lease(patience(t, 200*time.Millisecond), path, mcpRemote)
	wantBusy(t, other, err, path)
	if err := l.Check(); err != nil {
		t.Error(err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the release: %v", err)
	}
	if err := l.Check(); !errors.Is(err, ErrLost) {
		t.Errorf("checked after the release: %v", err)
	}
	mustLease(t, path, mcpRemote)
}

// The heartbeat changes the time and nothing else, in the same file.
func TestALeaseIsPutForwardInPlace(t *testing.T) {
	path := leasePath(t)
	l := mustLease(t, path, brisk)
	was, text := stat(t, path), leaseText(t, path)
	at := regexp.MustCompile(`"at": \d{13}`)
	for deadline := time.Now().Add(5 * time.Second); leaseText(t, path) == text; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it is never put forward")
		}
	}
	now := leaseText(t, path)
	if at.ReplaceAllString(now, "") != at.ReplaceAllString(text, "") || len(now) != len(text) || now <= text {
		t.Errorf("was %s, is %s", text, now)
	}
	if !os.SameFile(was, stat(t, path)) {
		t.Error("it is another file")
	}
	if err := l.Check(); err != nil {
		t.Error(err)
	}
}

func TestALeaseThatWasTakenIsLostAndLeftAlone(t *testing.T) {
	theirs := `{"pid":1,"nonce":"theirs","at":1795250386927}`
	for name, take := range map[string]func(path string) error{
		"removed": os.Remove,
		"replaced": func(path string) error {
			return errors.Join(os.Remove(path), os.WriteFile(path, []byte(theirs), 0o600))
		},
		"torn": func(path string) error { return os.Truncate(path, 10) },
	} {
		path := leasePath(t)
		l := mustLease(t, path, mcpRemote)
		if err := take(path); err != nil {
			t.Fatal(err)
		}
		if err := l.Check(); !errors.Is(err, ErrLost) {
			t.Errorf("%s: %v", name, err)
		}
		if err := l.Release(); !errors.Is(err, ErrLost) {
			t.Errorf("%s: released: %v", name, err)
		}
		if name == "replaced" && leaseText(t, path) != theirs {
			t.Error("another's lease was touched")
		}
	}
}

// A pid says nothing: it may be of another container. Only age does.
func TestAnAbandonedLeaseIsTakenOver(t *testing.T) {
	for name, age := range map[string]time.Duration{"fresh": 0, "just stale for its client": 34 * time.Second, "of tomorrow": -24 * time.Hour} {
		path := leasePath(t)
		writeLease(t, path, age)
		other, err := Lease(patience(t, 200*time.Millisecond), path, brisk)
		if other != nil {
			t.Errorf("%s: taken over", name)
			continue
		}
		wantBusy(t, other, err, path)
	}
	path := leasePath(t)
	writeLease(t, path, 36*time.Second)
	mustLease(t, path, brisk)
}

func writeLease(t *testing.T, path string, age time.Duration) {
	t.Helper()
	text := claim{PID: 1 << 30, Nonce: "theirs", At: time.Now().Add(-age).UnixMilli()}.text()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	setAge(t, path, age)
}

func TestALeaseThatCannotBeMadeSaysWhy(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for path, ctx := range map[string]context.Context{
		filepath.Join(dir, "none", "x"): t.Context(),
		filepath.Join(dir, "folder"):    t.Context(),
		filepath.Join(dir, "x"):         ended,
	} {
		l, err := Lease(ctx, path, mcpRemote)
		var busy *BusyError
		if l != nil || err == nil || errors.As(err, &busy) {
			t.Errorf("%s: %v, %v", path, l, err)
		}
	}
}
