package credfiles

import (
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"

	"lamplighter/credfiles/clientlock"
)

// A crash in the middle of a write in place: the image that was kept puts the
// store together again, and only then.
func TestAnImageRestoresWhatACrashTore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := realLab(t, &codex)
		whole := l.get(l.file())
		image := l.entries(func(all map[string]map[string]any) { delete(all, "notes|1262121f17593025") })
		h, err := l.store().Hold(context.Background(), l.one("lab"))
		l.must(err)
		for name, row := range map[string]struct{ crashed, want string }{
			"torn":         {whole[:400], image},
			"empty":        {"", image},
			"mixed":        {image + whole[len(image):], image},
			"half a rune":  {whole[:40] + "\xc3" + whole[41:], image},
			"not begun":    {whole, whole},
			"done":         {image, image},
			"mended since": {"{}", "{}"},
		} {
			l.put(l.file(), row.crashed)
			l.must(h.Restore([]byte(image)))
			equal(t, name, l.get(l.file()), row.want)
		}
		// Signed out since: nothing comes back.
		l.must(os.Remove(l.path(l.file())))
		l.must(h.Restore([]byte(image)))
		if _, err := os.Lstat(l.path(l.file())); !errors.Is(err, os.ErrNotExist) {
			t.Error("the store is there again:", err)
		}
		l.must(os.Mkdir(l.path(l.file()), 0o700))
		var p *Problem
		if err := h.Restore([]byte(image)); !errors.As(err, &p) || p.Kind != NotRegular {
			t.Error(err)
		}
		l.must(os.Remove(l.path(l.file())))

		// A client that is writing at this moment is not interrupted.
		l.put(l.file(), "")
		lock := l.busy(codex.storeLock)
		var busy *clientlock.BusyError
		if err := h.Restore([]byte(image)); !errors.As(err, &busy) {
			t.Error(err)
		}
		equal(t, "the store", l.get(l.file()), "")
		l.must(lock.Release())
		l.must(h.Close())
	})
}
