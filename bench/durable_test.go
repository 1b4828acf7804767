//go:build bench && linux

package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/discovery"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// An ear hears when the last byte of an answer has come.
type ear struct {
	http.RoundTripper
	first, last time.Time
}

func (e *ear) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := e.RoundTripper.RoundTrip(r)
	if err == nil {
		e.first = time.Now()
		resp.Body = &heard{resp.Body, e}
	}
	return resp, err
}

type heard struct {
	io.ReadCloser
	ear *ear
}

func (h *heard) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	if n > 0 {
		h.ear.last = time.Now()
	}
	return n, err
}

// From the answer's last byte until it cannot be lost any more: in the journal,
// and fsynced. The real exchange and the real ledger, on the disk that holds
// temporary files.
func TestDurable(t *testing.T) {
	const most = 5 * time.Millisecond
	rounds := few(300, 100)
	tb := newTable(fmt.Sprintf("Answer received to answer durable, %d refreshes", rounds), "from", "p50", "p99", "target of p50")

	s := authtest.New(t, eightHours)
	l := lab.New(t)
	line := l.Codex("linear", s, authtest.GrantOptions{})
	c, ok := l.Stored(line)
	if !ok {
		t.Fatal("the credential is not in its store")
	}
	led := l.Ledger()
	post, err := exchange.Plan(c.Grant, exchange.Server{Issuer: s.Issuer(), TokenURL: s.URL(authtest.Token)})
	if err != nil {
		t.Fatal(err)
	}
	var fromFirst, fromLast, disk sample
	ctx := context.Background()
	for range rounds {
		lk, err := led.Lock(ctx, c.Key)
		if err != nil {
			t.Fatal(err)
		}
		rec, err := lk.Begin(ledger.SentOf(c, post, 0, false))
		if err != nil {
			t.Fatal(err)
		}
		e := &ear{RoundTripper: discovery.NewTransport(discovery.Options{Server: discovery.Anchor(c.Grant)})}
		answer := exchange.Send(ctx, e, post, c.Refresh, c.ClientSecret)
		err = rec.Answered(answer)
		durable := time.Now()
		if err != nil || answer.Status != http.StatusOK {
			t.Fatal(answer, err)
		}
		fromFirst, fromLast = append(fromFirst, durable.Sub(e.first)), append(fromLast, durable.Sub(e.last))
		c.Token = exchange.Judge(post, answer).Token
		rec.Done()
		lk.Unlock()
		disk = append(disk, writeAndSync(t, filepath.Join(l.State, "bench"), len(answer.Body)*4/3))
	}
	tb.add("the answer's header has come", ms(fromFirst.p50()), ms(fromFirst.p99()), "")
	tb.add("the answer's last byte has come", ms(fromLast.p50()), ms(fromLast.p99()), fmt.Sprintf("%s, %s", ms(most), judged(fromLast.p50().Seconds(), most.Seconds())))
	tb.add("limit: write and fsync as many bytes", ms(disk.p50()), ms(disk.p99()), "")
	tb.print(t)
}

// writeAndSync is what this disk takes for a few bytes in a file that has its
// size.
func writeAndSync(t testing.TB, name string, size int) time.Duration {
	t.Helper()
	defer os.Remove(name)
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	f.Sync()
	text := make([]byte, size)
	began := time.Now()
	if _, err := f.WriteAt(text, 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	return time.Since(began)
}
