//go:build bench && linux

package bench

import (
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/lab/desktop"
	"lamplighter/refresher/authtest"
)

// From the click on the menu's line to the window that a person sees.
func TestWindowOpens(t *testing.T) {
	const most, mostRSS = 500e6, 20e6 // ns and bytes
	if builtWindow() == "" {
		t.Skip("lamplighter-window is not built (make window)")
	}
	rounds := few(20, 5)
	tb := newTable("Click to the window on the screen", "credentials", "runs", "drawn, p50", "worst", "with its credentials, p50", "worst", "its RSS", "its PSS", "the tray app's RSS, before and at rest afterwards")
	for _, n := range []int{10, 40} {
		l := lab.New(t)
		s := authtest.New(t, eightHours)
		for i := range n / 2 {
			l.Codex(fmt.Sprintf("server-%d", i), s, authtest.GrantOptions{})
			l.Claude(fmt.Sprintf("server-%d", i), s, authtest.GrantOptions{})
		}
		bus := desktop.NewBus(t)
		d := newDesk(t, bus, l)
		until(t, "all credentials", func() bool { return strings.Contains(d.icon.Read().String(), fmt.Sprintf("All %d tokens", n)) })
		d.open(t) // the first one makes Fyne's folders
		d.close(t)
		before, handles := d.files(), d.handles(t)
		d.rest()
		rss := use(t, d.tray.Process.Pid).rss
		var drawn, filled sample
		var window usage
		for i := range rounds {
			first, whole := d.open(t)
			drawn, filled = append(drawn, first), append(filled, whole)
			if i == rounds-1 {
				time.Sleep(2 * time.Second)
				window = use(t, family([]int{d.tray.Process.Pid})[1])
			}
			d.close(t)
		}
		d.rest()
		after := use(t, d.tray.Process.Pid).rss
		until(t, "the end of what the tray app had open for its windows", func() bool { return d.handles(t) <= handles })
		for _, name := range d.files() {
			if !slices.Contains(before, name) {
				t.Errorf("%d windows, all closed, have left %s", rounds, name)
			}
		}
		tb.add(fmt.Sprint(n), fmt.Sprint(rounds), ms(drawn.p50()), ms(drawn.at(1)), ms(filled.p50()), ms(filled.at(1)), mb(window.rss), mb(window.pss),
			mb(rss)+", "+mb(after))
		tb.add("- target", "", "", "500 ms, "+judged(float64(drawn.at(1)), most), "", "500 ms, "+judged(float64(filled.at(1)), most), "", "", "20.0 MB, "+judged(float64(after), mostRSS))
		if code := d.end(); code != 0 {
			t.Errorf("the tray app ended with %d", code)
		}
	}
	tb.note("On Xfce's desktop, without a graphics card. A closed window leaves no process, no open pipe and no file, but for what the first one made: Fyne's folder in ~/.cache and its preferences in ~/.config, both empty.")
	tb.print(t)
}

// rest waits until the tray app has given back the memory that it took.
func (d *desk) rest() { time.Sleep(7 * time.Second) }

// open clicks on the menu's line, and waits for the window: until it is drawn,
// and until a credential stands in it.
func (d *desk) open(t *testing.T) (drawn, filled time.Duration) {
	t.Helper()
	line, ok := d.icon.Open().Find("Open Lamplighter")
	if !ok || d.sees(drawing) {
		t.Fatalf("no window can be opened; the menu:\n%v", d.icon.Open())
	}
	began := time.Now()
	if err := line.Click(); err != nil {
		t.Fatal(err)
	}
	until(t, "a window", func() bool { return d.sees(drawing) })
	drawn = time.Since(began)
	until(t, "a credential in the window", func() bool { return d.sees(card) })
	return drawn, time.Since(began)
}

// close closes the window by its key, and waits until nothing is left of it.
func (d *desk) close(t *testing.T) {
	t.Helper()
	pid := family([]int{d.tray.Process.Pid})[1]
	d.screen.Hand("search", "--name", "^Lamplighter$", "windowactivate", "--sync")
	// Not in one with the above: it would send the key to that window, fail where
	// it goes before the key is up, and leave the key down for the next window.
	d.screen.Hand("key", "ctrl+w")
	// A process that ends is no child any more, long before it has ended.
	until(t, "the window's end", func() bool { return syscall.Kill(pid, 0) != nil })
	until(t, "an empty screen", func() bool { return !d.sees(drawing) })
}

// What is seen on a screen that is black, but for its panel.
func drawing(colour uint32) bool { return colour != 0 }
func card(colour uint32) bool    { return colour == 0xffffff } // on which a credential stands, by light

// sees reports whether a colour stands somewhere inside of where the window is.
func (d *desk) sees(is func(colour uint32) bool) bool {
	var grid []image.Point
	for y := 100; y < d.screen.Height; y += 30 {
		for x := 20; x < d.screen.Width; x += 60 {
			grid = append(grid, image.Pt(x, y))
		}
	}
	return slices.ContainsFunc(d.screen.Colours(grid), is)
}

// files are all that stand where a window may leave something.
func (d *desk) files() (all []string) {
	for _, dir := range []string{d.Home, d.temp, d.runtime} {
		filepath.WalkDir(dir, func(path string, _ fs.DirEntry, _ error) error {
			all = append(all, path)
			return nil
		})
	}
	return all
}

// handles is how many files and pipes the tray app has open.
func (d *desk) handles(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.tray.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	if !lab.Until(desktop.Patience, is) {
		t.Fatal("never came: ", what)
	}
}
