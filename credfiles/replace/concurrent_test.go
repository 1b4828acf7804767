package replace

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

// Whatever several writers exchange at once, every value that was put in comes
// out of exactly one Swap, or is the last, also while another process tidies
// up.
func TestNothingIsLostAmongWritersThatExchange(t *testing.T) {
	const writers, rounds, each = 4, 15, 3
	path := newStore(t, "first")
	if target := prepare(t, path, 0); !target.Atomic() {
		t.Skip("this file system cannot exchange files")
	}
	seen := make(chan string, writers*rounds*each)
	write := func(w int) error {
		for r := range rounds {
			target, err := Prepare(path, 100)
			if err != nil {
				return err
			}
			for i := range each {
				came, err := target.Swap(fmt.Appendf(nil, "writer %d value %d", w, r*each+i))
				if err != nil {
					return err
				}
				seen <- string(came)
			}
			if err := target.Close(); err != nil {
				return err
			}
		}
		return nil
	}
	var wg, tidy sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			if err := write(w); err != nil {
				t.Error(err)
			}
		})
	}
	done := make(chan struct{})
	tidy.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if err := Leftovers(path); err != nil {
				t.Error(err)
				return
			}
		}
	})
	wg.Wait()
	close(done)
	tidy.Wait()
	close(seen)
	count := map[string]int{}
	for came := range seen {
		count[came]++
	}
	last, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	count[string(last)]++
	if len(count) != writers*rounds*each+1 {
		t.Errorf("%d values were seen, want %d", len(count), writers*rounds*each+1)
	}
	for value, n := range count {
		if n != 1 {
			t.Errorf("%q came out %d times", value, n)
		}
	}
}

func TestAReaderNeverSeesATornFile(t *testing.T) {
	swaps := 1000
	if testing.Short() {
		swaps = 100
	}
	// Each content is one byte value, repeated as often as that value says.
	content := func(i int) []byte {
		b := byte(i%251 + 1)
		return bytes.Repeat([]byte{b}, int(b)*200)
	}
	path := newStore(t, string(content(0)))
	target := prepare(t, path, 60_000)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			got, err := os.ReadFile(path)
			if err != nil {
				t.Error(err)
				return
			}
			if len(got) == 0 || len(got) != int(got[0])*200 || bytes.Count(got, got[:1]) != len(got) {
				t.Errorf("a reader saw %d bytes that are no whole content", len(got))
				return
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for i := range swaps {
		came, err := target.Swap(content(i + 1))
		if err != nil {
			t.Error(err)
			break
		}
		if !bytes.Equal(came, content(i)) {
			t.Errorf("swap %d gave another content back", i)
		}
	}
	close(done)
	wg.Wait()
}

func BenchmarkPrepareSwapClose(b *testing.B) {
	path := newStore(b, strings.Repeat("o", 4096))
	data := bytes.Repeat([]byte("n"), 4096)
	for b.Loop() {
		target, err := Prepare(path, 70_000)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := target.Swap(data); err != nil {
			b.Fatal(err)
		}
		if err := target.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// The part that runs after the token endpoint answered.
func BenchmarkSwap(b *testing.B) {
	path := newStore(b, strings.Repeat("o", 4096))
	data := bytes.Repeat([]byte("n"), 4096)
	for b.Loop() {
		b.StopTimer()
		target, err := Prepare(path, 70_000)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if _, err := target.Swap(data); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		target.Close()
		b.StartTimer()
	}
}
