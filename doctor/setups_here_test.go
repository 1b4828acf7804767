package doctor

import (
	"slices"
	"testing"
)

func init() {
	for _, f := range faults {
		setups = append(setups, setup{name: "here/" + string(f.cause), from: f.from, want: f.cause, examine: func(t *testing.T) *Report {
			c := newComputer(t, f.server)
			f.make(c)
			r := c.examine()
			f.alone(t, r)
			return &r
		}})
	}
}

// alone fails where a report finds anything else.
func (f fault) alone(t *testing.T, r Report) {
	t.Helper()
	least := temporary
	if words[f.cause].severity == note {
		least = note
	}
	if got := causesOf(r, least); !slices.Equal(got, []Cause{f.cause}) {
		t.Errorf("found %v, want %s alone\n%s", got, f.cause, r.Text(80, nil))
	}
}

func init() {
	for _, f := range ailments {
		setups = append(setups, setup{name: "credential/" + string(f.cause), from: f.from, want: f.cause, examine: func(t *testing.T) *Report {
			c := newComputer(t, f.server)
			f.make(c)
			spent := c.s.TokenPosts("g1")
			r := c.examineID(f.id)
			f.alone(t, r)
			if n := c.s.TokenPosts("g1"); n != spent {
				t.Error("the refresh token was sent")
			}
			return &r
		}})
	}
}
