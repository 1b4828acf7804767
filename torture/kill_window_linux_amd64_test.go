//go:build torture

package torture_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

// The window in which a kill can lose an answer: from the return of the read
// that brings its first byte to the return of the write that journals it, and
// for a power cut of the fsync. The kernel itself takes the times
// (tracepoints), at a fraction of a microsecond for each call.
func TestTheWindowInWhichAKillCanLoseAnAnswer(t *testing.T) {
	k := newKernelTrace(t)
	const runs = 200
	var written, synced []time.Duration
	var calls []int
	names := map[string]int{}
	for range runs {
		w := k.window(t)
		written, synced, calls = append(written, w.written), append(synced, w.synced), append(calls, len(w.calls))
		for _, name := range w.calls {
			names[name]++
		}
	}
	fmt.Printf("from the first byte of an answer to the return of the write that journals it, %d runs:\n", runs)
	fmt.Printf("  system calls, all threads: %s\n", spread(calls))
	fmt.Printf("  time:                      %s\n", spread(written))
	fmt.Printf("  to the fsync's return:     %s\n", spread(synced))
	var each []string
	for name, n := range names {
		each = append(each, fmt.Sprintf("%s %.2f", name, float64(n)/runs))
	}
	slices.Sort(each)
	fmt.Printf("  calls in a run, on average: %s\n", strings.Join(each, ", "))
}

func spread[T int | time.Duration](all []T) string {
	slices.Sort(all)
	at := func(p float64) T { return all[int(p*float64(len(all)-1))] }
	return fmt.Sprintf("least %v, p50 %v, p90 %v, p99 %v, most %v", all[0], at(0.5), at(0.9), at(0.99), all[len(all)-1])
}

// A kernelTrace is a buffer of tracefs of its own.
type kernelTrace string

func newKernelTrace(t *testing.T) kernelTrace {
	t.Helper()
	root := "/sys/kernel/tracing"
	if _, err := os.Stat(filepath.Join(root, "instances")); err != nil {
		root = t.TempDir()
		if err := unix.Mount("nodev", root, "tracefs", 0, ""); err != nil {
			t.Skip("the kernel's tracing cannot be used here:", err)
		}
		t.Cleanup(func() { unix.Unmount(root, unix.MNT_DETACH) })
	}
	dir := filepath.Join(root, "instances", "lamplighter-"+strconv.Itoa(os.Getpid()))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Skip("the kernel's tracing cannot be used here:", err)
	}
	t.Cleanup(func() { os.Remove(dir) })
	k := kernelTrace(dir)
	k.set(t, "options/event-fork", "1")
	k.set(t, "buffer_size_kb", "8192")
	k.set(t, "events/raw_syscalls/enable", "1")
	return k
}

func (k kernelTrace) set(t *testing.T, name, value string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(string(k), name), []byte(value), 0o600); err != nil {
		t.Skip("the kernel's tracing cannot be used here:", err)
	}
}

type window struct {
	written, synced time.Duration
	calls           []string
}

var tracepoint = regexp.MustCompile(`(\d+)\.(\d{6}): sys_(enter|exit): NR (\d+) (?:\(([0-9a-f]+)|= (-?\d+))`)

// window runs one refresh and finds the window in it.
func (k kernelTrace) window(t *testing.T) window {
	t.Helper()
	scratch := &scratch{TB: t}
	defer scratch.clean()
	s := authtest.New(scratch, authtest.Options{})
	l := lab.New(scratch)
	l.Codex("linear", s, due)
	k.set(t, "trace", "")
	// The shell becomes the program, under the number that is traced.
	cmd := exec.Command("sh", "-c", `echo $$ > "$0" && exec "$@"`, filepath.Join(string(k), "set_event_pid"), lab.Program(t), "refresh", "--within", "15m")
	if got := l.Ends(l.By(cmd)); got.Code != 0 {
		t.Fatalf("exit code %d: %s", got.Code, got.Output)
	}
	text, err := os.ReadFile(filepath.Join(string(k), "trace"))
	if err != nil {
		t.Fatal(err)
	}
	return windowIn(t, string(text))
}

// windowIn finds the window in the kernel's text.
func windowIn(t *testing.T, text string) (w window) {
	t.Helper()
	type event struct {
		at    time.Duration
		enter bool
		nr    uint64
		value int64 // the first argument, or the result
		tid   string
	}
	var events []event
	for line := range strings.Lines(text) {
		m := tracepoint.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		seconds, _ := strconv.ParseInt(m[1], 10, 64)
		micros, _ := strconv.ParseInt(m[2], 10, 64)
		e := event{at: time.Duration(seconds)*time.Second + time.Duration(micros)*time.Microsecond, enter: m[3] == "enter"}
		e.nr, _ = strconv.ParseUint(m[4], 10, 64)
		if e.enter {
			v, _ := strconv.ParseUint(m[5], 16, 64)
			e.value = int64(v)
		} else {
			e.value, _ = strconv.ParseInt(m[6], 10, 64)
		}
		e.tid = strings.Fields(line)[0]
		events = append(events, e)
	}
	// The last connection is the one to the token endpoint.
	last := len(events) - 1
	for last >= 0 && !(events[last].enter && events[last].nr == unix.SYS_CONNECT) {
		last--
	}
	if last < 0 {
		t.Fatal("no connection in the kernel's trace")
	}
	fd := events[last].value
	entered := map[string]event{}
	var first time.Duration
	for _, e := range events[last:] {
		if e.enter {
			entered[e.tid] = e
			if first > 0 && w.written == 0 {
				w.calls = append(w.calls, callName(e.nr))
			}
			continue
		}
		begun := entered[e.tid]
		switch {
		case first == 0 && e.nr == unix.SYS_READ && begun.value == fd && e.value > 0:
			first = e.at
		case first > 0 && w.written == 0 && e.nr == unix.SYS_PWRITE64:
			w.written = e.at - first
		case w.written > 0 && w.synced == 0 && e.nr == unix.SYS_FSYNC:
			w.synced = e.at - first
		}
	}
	if w.written == 0 || w.synced == 0 {
		t.Fatal("no journaled answer in the kernel's trace")
	}
	return w
}
