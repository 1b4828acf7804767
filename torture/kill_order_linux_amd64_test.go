package torture_test

import (
	"testing"

	"lamplighter/refresher/authtest"
)

// What a kill cannot show: a system that goes down with the program loses what
// was not synced. The request is on the disk, with its name, before a byte of
// it leaves, and between the answer's first byte and the fsync of the record
// that holds it no thread changes any other file.
func TestNothingIsDoneWithAnAnswerBeforeItIsOnTheDisk(t *testing.T) {
	skipUnlessTraceable(t)
	for _, client := range []string{"codex", "claude"} {
		l, s, line := oneOf(t, client)
		var at passage
		var named bool // the record's name is on the disk
		p := follow(l)
		s.Behave(authtest.ResourceMetadata, authtest.Behaviour{OnArrival: p.watch})
		code := p.run(l.Command("refresh", "--within", "15m"), func(s *stop) word {
			left := at.leaving
			at.goOn(s)
			switch {
			case s.after && s.call == "fsync" && s.on == "state/journal":
				named = at.begun && s.ret == 0
			case at.leaving && !left && !named:
				t.Errorf("%s: the request left before its name was on the disk", client)
			case at.answered && !at.synced && isWrite(s) && s.on != record:
				t.Errorf("%s: %s before the answer was on the disk", client, s)
			}
			return word{}
		})
		if code != 0 || !at.synced || !at.over {
			t.Errorf("%s: the refresh did not get through: %d, %+v", client, code, at)
		}
		if text := l.Landed(line); text != "" {
			t.Error(text)
		}
	}
}
