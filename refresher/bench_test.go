package refresher_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/processes"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/ledger"
)

// stocked is a lab with n credentials of Codex that were seen before, and a
// ledger that remembers some spent values.
func stocked(b *testing.B, n int) *lab {
	l := newLab(b)
	put := map[string]authtest.Grant{}
	for i := range n {
		put[fmt.Sprintf("server-%04d", i)] = authtest.Grant{
			ServerURL: fmt.Sprintf("https://mcp-%04d.example/v1/mcp", i), Issuer: "https://auth.example", ClientID: fmt.Sprintf("client-%04d", i),
			AccessToken:  fmt.Sprintf("at-EXAMPLE-%04d-%0900d", i, i), // as long as a JWT
			RefreshToken: fmt.Sprintf("rt-EXAMPLE-%04d-%048d", i, i),
			Expiry:       time.Now().Add(time.Hour),
		}
	}
	l.codex(put)
	rows := l.Scan(context.Background()).Rows
	if len(rows) != n {
		b.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		l.Observe(row)
	}
	lk, err := l.Ledger.Lock(context.Background(), rows[0].Key)
	if err != nil {
		b.Fatal(err)
	}
	defer lk.Unlock()
	for i := range 100 {
		if err := lk.MarkSpent(l.Ledger.Fingerprint(credfiles.NewSecret(fmt.Sprint("spent-EXAMPLE-", i))), 0); err != nil {
			b.Fatal(err)
		}
	}
	return l
}

func BenchmarkScan(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		l := stocked(b, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if len(l.Scan(context.Background()).Rows) != n {
					b.Fatal("rows are missing")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/credential")
		})
	}
}

// The parts of a scan of 100.
func BenchmarkScanParts(b *testing.B) {
	l := stocked(b, 100)
	ctx := context.Background()
	rows := l.Scan(ctx).Rows
	each := func(part func(row refresher.Row)) func() {
		return func() {
			for _, row := range rows {
				part(row)
			}
		}
	}
	host := credfiles.Host{OS: runtime.GOOS, Home: l.home, Getenv: func(string) string { return "" }, Processes: processes.List}
	stores := credfiles.Stores(host, nil)
	for _, part := range []struct {
		name string
		run  func()
	}{
		{"stores", func() {
			for _, s := range l.Stores() {
				s.Scan(ctx)
			}
		}},
		{"processes", func() { credfiles.Holders(ctx, stores) }},
		{"fingerprints", each(func(row refresher.Row) {
			l.Ledger.Fingerprint(row.Token.Refresh)
			l.Ledger.Fingerprint(row.Token.Access)
		})},
		{"memory", each(func(row refresher.Row) { l.Ledger.Memory(row.Key) })},
		{"mode", each(func(row refresher.Row) { l.Ledger.Mode(row.Key) })},
		{"marked", each(func(row refresher.Row) { l.Ledger.Marked(row.Memory.Refresh) })},
		{"pending", func() { l.Ledger.Pending() }},
	} {
		b.Run(part.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				part.run()
			}
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	now := time.Now()
	in := refresher.Input{
		Now: now, Refresh: "r", Access: "a", Policy: policy, Threshold: 5 * time.Minute, Patience: 7 * time.Second,
		C: credfiles.Credential{Token: credfiles.Token{Refresh: credfiles.NewSecret("rt-EXAMPLE"), Expiry: now.Add(time.Hour)}},
		M: ledger.Memory{Refresh: "r", Access: "a", Seen: now, Refreshed: now, Lifetime: time.Hour},
	}
	b.ReportAllocs()
	for b.Loop() {
		refresher.Decide(in)
	}
}
