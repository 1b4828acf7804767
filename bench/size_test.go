//go:build bench && linux

package bench

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/processes"
	"lamplighter/lab"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
)

// stock is a computer with n credentials: one home of each client up to 1,000,
// else a home for each 1,000. JWTs, as most servers give.
func stock(t testing.TB, n int, s *authtest.Server, o authtest.GrantOptions) (l *lab.Lab, homes []credfiles.Home, size int64) {
	t.Helper()
	l = lab.New(t)
	pairs := max(1, n/2000)
	for i := range 2 * pairs {
		client := []string{"codex", "claude"}[i%2]
		path, suffix := l.Path("."+client), ""
		if i >= 2 {
			name := fmt.Sprintf("home%d", i/2)
			path, suffix = l.AddHome(client, name), "@"+name
			homes = append(homes, credfiles.Home{Client: client, Path: path, Name: name})
		}
		var names []string
		for k := range n / (2 * pairs) {
			names = append(names, fmt.Sprintf("server-%d", k))
		}
		lines := l.Many(client, path, suffix, names, s, o)
		if info, err := os.Stat(lines[0].Store); err == nil {
			size += info.Size()
		}
	}
	return l, homes, size
}

// What a credential costs must not grow with their number.
func TestSizes(t *testing.T) {
	scans := newTable("Scan and decide, by the number of credentials", "credentials", "stores", "scan and decide, in process", "each", "allocated", "status --json", "each", "its peak RSS")
	keeps := newTable("The keeper, by the number of credentials", "credentials", "first start to first decision", "later start to first decision", "each", "RSS at rest", "PSS")
	posts := newTable("Refresh all, by the number of credentials: refresh --all, server on loopback", "credentials", "took", "each", "CPU each", "peak RSS", "POSTs", "the oracle")
	sizes := []int{10, 100, 1000, 10000}
	if testing.Short() {
		sizes = sizes[:3]
	}
	for _, n := range sizes {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s := authtest.New(t, eightHours)
			l, homes, size := stock(t, n, s, authtest.GrantOptions{})
			each := func(d time.Duration) string {
				return fmt.Sprintf("%.0f µs", float64(d.Microseconds())/float64(n))
			}

			keeper := l.Command("keep")
			first := decided(t, keeper)
			stopped(t, keeper)
			keeper = l.Command("keep")
			later := decided(t, keeper)
			time.Sleep(7 * time.Second) // what was taken for the start is given back after five
			u := use(t, keeper.Process.Pid)
			stopped(t, keeper)
			keeps.add(fmt.Sprint(n), ms(first), ms(later), each(later), mb(u.rss), mb(u.pss))

			scan, allocated := scanned(t, l, homes, n)
			status := &runner{name: "status", cmd: func() *exec.Cmd { return quiet(l, "status", "--json") }}
			inTurn(t, 5, status)
			_, peak := spent(t, quiet(l, "status", "--json"))
			scans.add(fmt.Sprint(n), fmt.Sprintf("%d of %s", 2+len(homes), mb(size)), ms(scan), each(scan), mb(allocated), ms(status.took.p50()), each(status.took.p50()), mb(peak))

			cmd := quiet(l, "refresh", "--all")
			began := time.Now()
			cpu, peak := spent(t, cmd)
			took := time.Since(began)
			oracle := "satisfied"
			if broken := s.Check(); len(broken) > 0 {
				oracle = strings.Join(broken, "; ")
			}
			posts.add(fmt.Sprint(n), ms(took), each(took), each(cpu), mb(peak), fmt.Sprint(s.Requests(authtest.Token)), oracle)
		})
	}
	scans.print(t)
	keeps.print(t)
	posts.print(t)
}

// quiet is a command whose words nobody reads.
func quiet(l *lab.Lab, args ...string) *exec.Cmd {
	cmd := l.Command(args...)
	cmd.Stdout, cmd.Stderr = nil, nil
	return cmd
}

// spent runs a command and says what CPU time it used, and its peak RSS.
func spent(t testing.TB, cmd *exec.Cmd) (cpu time.Duration, peak int64) {
	t.Helper()
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v", cmd.Args[1:], err)
	}
	ru := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), ru.Maxrss * 1024
}

// decided starts a keeper and returns how long it took to its first line, which
// says what it decided.
func decided(t testing.TB, keeper *exec.Cmd) time.Duration {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	keeper.Stdout, keeper.Stderr = nil, w
	began := time.Now()
	if err := keeper.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		if keeper.ProcessState == nil {
			keeper.Process.Kill()
			keeper.Wait()
		}
	})
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil || !strings.Contains(line, "fresh") {
		t.Fatalf("the keeper says %q, %v", line, err)
	}
	return time.Since(began)
}

func stopped(t testing.TB, keeper *exec.Cmd) {
	t.Helper()
	keeper.Process.Signal(syscall.SIGTERM)
	keeper.Wait()
}

// scanned is what a look at all of it takes and allocates within the program,
// the middle of five.
func scanned(t testing.TB, l *lab.Lab, homes []credfiles.Home, n int) (took time.Duration, allocated int64) {
	t.Helper()
	env := map[string]string{}
	for _, v := range l.Environ() {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
	}
	host := credfiles.Host{OS: runtime.GOOS, Home: l.Home, Getenv: func(name string) string { return env[name] }, Processes: processes.List}
	stores := credfiles.Stores(host, homes)
	r := &refresher.Refresher{
		Stores: func() []*credfiles.Store { return stores }, Ledger: l.Ledger(),
		Policy: func() refresher.Policy {
			return refresher.Policy{Mode: "keep", LeadLeast: 10 * time.Minute, LeadMost: 30 * time.Minute, LeadShare: 0.1}
		},
	}
	var all sample
	var before, after runtime.MemStats
	for range 5 {
		runtime.ReadMemStats(&before)
		began := time.Now()
		rows := r.Scan(context.Background()).Rows
		all = append(all, time.Since(began))
		runtime.ReadMemStats(&after)
		if len(rows) != n {
			t.Fatalf("%d rows of %d", len(rows), n)
		}
	}
	return all.p50(), int64(after.TotalAlloc - before.TotalAlloc)
}
