package refresher

import (
	"testing"
	"time"
)

func TestMoreLifeThanAServerGivesIsAskedForOnlyOnceHalfOfItIsGone(t *testing.T) {
	for _, test := range []struct {
		name        string
		whole, left time.Duration // no whole: nobody said
		life        time.Duration
		want        bool
	}{
		{"enough is left", hour, 40 * minute, 30 * minute, false},
		{"just as much is left", hour, 30 * minute, 30 * minute, false},
		{"less is left", hour, 20 * minute, 30 * minute, true},
		{"less is left, and it is fresh", hour, 55 * minute, 58 * minute, true},
		{"never so long, and fresh", 5 * minute, 5 * minute, 30 * minute, false},
		{"never so long, and half is left", 5 * minute, 150 * second, 30 * minute, false},
		{"never so long, and less than half is left", 5 * minute, 149 * second, 30 * minute, true},
		{"never so long, and ended", 5 * minute, -minute, 30 * minute, true},
		{"exactly so long, which a refresh takes some of", 30 * minute, 29 * minute, 30 * minute, false},
		{"the longest that can be asked for", 30 * minute, 29 * minute, LongestLife(30 * minute), true},
		{"nobody said how long", 0, 5 * minute, 30 * minute, true},
		{"for seconds only", 4 * second, 3 * second, 2 * second, false},
		{"for seconds only, and near its end", 4 * second, second, LongestLife(4 * second), true},
	} {
		in := ordinary(lives(test.whole, test.left))
		if got := in.wantsLife(test.life); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
	if ordinary(endless).wantsLife(minute) {
		t.Error("a token without a known end is refreshed for its life")
	}
}

func TestLifeIsWantedOfWhatMayBeRefreshedOnly(t *testing.T) {
	life := Options{Word: true, Life: 30 * minute}
	for _, test := range []struct {
		name    string
		changes []change
		want    bool
	}{
		{"less is left", []change{left(20 * minute)}, true},
		{"it is due, and has more left than is asked for", []change{lives(8*hour, 31*minute-second), left(30*minute + second)}, false},
		{"it is due, never lives so long, and half is left", []change{client(5 * minute), lives(10*minute, 6*minute)}, false},
		{"it has ended", []change{expired}, true},
		{"a pause", []change{resting, left(20 * minute)}, true},
		{"watch-only", []change{watched, left(20 * minute)}, false},
		{"what a vendor renews", []change{literal, expired}, false},
		{"a program that would not notice", []change{old, expired}, false},
		{"a refused value", []change{refused1, expired}, false},
		{"no known end, for a day", []change{endless, seen(30 * hour)}, true},
		{"no known end, since today", []change{endless, seen(hour)}, false},
	} {
		row := Row{input: ordinary(test.changes...)}
		row.Credential = row.input.C
		if got := row.Wanted(life); got != test.want {
			t.Errorf("%s: wanted %v", test.name, got)
		}
	}
}
