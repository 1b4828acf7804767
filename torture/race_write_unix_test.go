//go:build unix

package torture_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"lamplighter/lab"
	"lamplighter/refresher/authtest"
)

// A meddler is what a client, or anybody, does to the store between the
// server's deed and our write, and what the table of the design's section 4
// wants to become of our token.
type meddler struct {
	name string
	do   func(m *meddled)
	code int    // of "refresh ID"
	last string // the last event of the log
	says string // a part of what the command prints
	// then looks at what is left, and goes on from there.
	then func(m *meddled)
	only []string // the clients that it is about; nil: all
}

// meddled is the scene of one meddler.
type meddled struct {
	*rivals
	t      *testing.T
	c      client
	id     string
	g      authtest.Grant // ours
	theirs authtest.Grant // what the meddler brought
	before []byte         // the store before the first refresh
	after  []byte         // the store as the meddler left it
}

// linear is the server of a scene.
const linear = "linear"

func (m *meddled) text() []byte {
	text, err := os.ReadFile(m.c.file())
	if err != nil {
		return nil
	}
	return text
}

// holds checks the tokens in the store.
func (m *meddled) holds(g authtest.Grant) {
	m.t.Helper()
	now := m.s.Current(g.ID)
	access, refresh, ok := m.c.stored(linear)
	if !ok || access != now.AccessToken || refresh != now.RefreshToken {
		m.t.Errorf("the store holds %s, not the newest of %s, %s", m.s.Serial(refresh), g.ID, m.s.Serial(now.RefreshToken))
	}
}

// untouched checks that the store is as the meddler left it.
func (m *meddled) untouched() {
	m.t.Helper()
	if string(m.text()) != string(m.after) {
		m.t.Error("the store is not as they left it")
	}
}

func (m *meddled) posts(g authtest.Grant, want int) {
	m.t.Helper()
	if n := m.s.TokenPosts(g.ID); n != want {
		m.t.Errorf("%s was sent %d times, want %d", g.ID, n, want)
	}
}

// again runs a command and checks its exit code.
func (m *meddled) again(code int, args ...string) string {
	m.t.Helper()
	got := m.Run(args...)
	if got.Code != code {
		m.t.Errorf("%v: exit code %d, want %d: %s", args, got.Code, code, got.Output)
	}
	return got.Output
}

// relogin is a sign-in of the same registration, or of a new one.
func (m *meddled) relogin(clientID string) {
	m.theirs = m.s.Grant(authtest.GrantOptions{ClientID: clientID})
	m.c.signIn(linear, m.theirs)
}

var meddlers = []meddler{
	{name: "nobody does anything", do: func(*meddled) {}, code: 0, last: "refreshed", says: "refreshed, good for",
		then: func(m *meddled) { m.holds(m.g); m.posts(m.g, 1) }},
	{name: "writes the same again", do: func(m *meddled) {
		m.c.put(linear, m.g.AccessToken, m.g.RefreshToken, m.g.Expiry)
	}, code: 0, last: "refreshed", says: "refreshed, good for", then: func(m *meddled) { m.holds(m.g); m.posts(m.g, 1) }},
	{name: "replaces the file by one of the same bytes", do: func(m *meddled) {
		m.replace(m.text())
	}, code: 0, last: "refreshed", says: "refreshed, good for", then: func(m *meddled) { m.holds(m.g); m.posts(m.g, 1) }},
	{name: "signs in to another server", do: func(m *meddled) { m.c.note("notes") }, code: 0, last: "refreshed", says: "refreshed, good for",
		then: func(m *meddled) {
			m.holds(m.g)
			if !m.c.noted("notes") {
				m.t.Error("the other entry is lost")
			}
		}},
	{name: "empties the file, and takes its time to write", do: func(m *meddled) {
		text := m.text()
		os.Truncate(m.c.file(), 0)
		time.AfterFunc(300*time.Millisecond, func() { os.WriteFile(m.c.file(), text, 0o600) })
	}, code: 0, last: "refreshed", says: "refreshed, good for", then: func(m *meddled) { m.holds(m.g); m.posts(m.g, 1) }},
	{name: "brings another refresh token", do: func(m *meddled) { m.relogin(m.g.ClientID) }, code: 0, last: "adopted", says: "refreshed by another program",
		then: func(m *meddled) {
			m.untouched()
			m.holds(m.theirs)
			m.posts(m.theirs, 0)
			// Ours is kept, and tried only if theirs is refused.
			m.s.KillGrant(m.theirs.ID)
			if said := m.again(0, "refresh", m.id); !strings.Contains(said, "the newer token was put back") && !strings.Contains(said, "refreshed, good for") {
				m.t.Errorf("it says %q", said)
			}
			m.posts(m.theirs, 1)
			m.holds(m.g)
			m.again(0, "refresh", m.id)
			m.holds(m.g)
		}},
	{name: "brings another access token for the same refresh token", do: func(m *meddled) {
		m.c.put(linear, "at-EXAMPLE", m.g.RefreshToken, time.Now().Add(9*time.Hour))
	}, code: 0, last: "refreshed", says: "refreshed, good for", then: func(m *meddled) { m.holds(m.g); m.posts(m.g, 1) }},
	{name: "wipes it as after a refusal", only: sharers, do: func(m *meddled) { m.c.wipe(linear) }, code: 0, last: "refreshed", says: "refreshed, good for",
		then: func(m *meddled) { m.holds(m.g); m.posts(m.g, 1) }},
	{name: "wipes it with its registration", only: []string{"claude"}, do: func(m *meddled) { m.c.(*claude).wipeClient(linear) }, code: 1, last: "gone", says: "signed out or replaced",
		then: func(m *meddled) { m.untouched(); m.posts(m.g, 1) }},
	{name: "signs out", only: sharers, do: func(m *meddled) { m.c.signOut(linear) }, code: 1, last: "gone", says: "signed out or replaced",
		then: func(m *meddled) {
			m.untouched()
			m.posts(m.g, 1)
			if said := m.again(0, "status"); strings.Contains(said, m.id) {
				m.t.Errorf("its row is still there: %s", said)
			}
		}},
	{name: "wipes it by deleting", only: []string{"mcp-remote"}, do: func(m *meddled) { m.c.wipe(linear) }, code: 1, last: "gone", says: "signed out or replaced",
		then: func(m *meddled) {
			if m.text() != nil {
				m.t.Error("there is a store again")
			}
			m.posts(m.g, 1)
			// Its configuration still names the server.
			if st, ok := m.Status(m.id); !ok || st.State != "sign-in-needed" {
				m.t.Errorf("it is %q", st.State)
			}
		}},
	{name: "signs out of everything, which removes the file", only: sharers, do: func(m *meddled) { os.Remove(m.c.file()) }, code: 1, last: "gone", says: "signed out or replaced",
		then: func(m *meddled) {
			if m.text() != nil {
				m.t.Error("there is a store again")
			}
			m.posts(m.g, 1)
		}},
	{name: "signs in anew", do: func(m *meddled) { m.relogin("") }, code: 1, last: "gone", says: "signed out or replaced",
		then: func(m *meddled) {
			m.untouched()
			m.holds(m.theirs)
			m.again(0, "refresh", m.id)
			m.posts(m.theirs, 1)
			m.posts(m.g, 1)
			m.holds(m.theirs)
		}},
	{name: "puts the value back that is being spent", do: func(m *meddled) {
		time.AfterFunc(50*time.Millisecond, func() { m.replace(m.before) })
	}, code: 0, last: "refreshed", says: "refreshed, good for",
		then: func(m *meddled) {
			time.Sleep(100 * time.Millisecond)
			m.again(0, "refresh")
			m.holds(m.g)
			m.posts(m.g, 1)
		}},
	{name: "leaves half a file", do: func(m *meddled) { m.replace(m.before[:len(m.before)/2]) }, code: 3, last: "unsaved refreshed", says: "safe in the journal",
		then: func(m *meddled) {
			m.untouched()
			if n := len(m.Pending()); n != 1 {
				m.t.Errorf("%d records in the journal", n)
			}
			m.replace(m.before)
			m.again(0, "refresh", m.id)
			m.posts(m.g, 1)
			m.holds(m.g)
		}},
}

// replace puts another file in the place of the store, without any lock.
func (m *meddled) replace(text []byte) {
	temporary := m.c.file() + ".somebody"
	if err := os.WriteFile(temporary, text, 0o600); err != nil {
		m.t.Error(err)
	}
	if err := os.Rename(temporary, m.c.file()); err != nil {
		m.t.Error(err)
	}
}

// scene is a home with one credential near its end.
func scene(t *testing.T, name string) *meddled {
	m := &meddled{rivals: newRivals(t, setting{clients: []string{name}}), t: t, id: name + "/mcp/" + linear}
	m.c = m.models[0]
	m.g = m.s.Grant(authtest.GrantOptions{AccessLeft: time.Minute})
	m.c.signIn(linear, m.g)
	m.before = m.text()
	return m
}

// well checks what holds whatever was done.
func (m *meddled) well() {
	m.t.Helper()
	for _, wrong := range append(m.s.Check(), m.Quiet(), m.Leaks()) {
		if wrong != "" {
			m.t.Error(wrong)
		}
	}
}

func (m *meddled) last() string {
	events := m.Events(m.id)
	if len(events) == 0 {
		return ""
	}
	e := events[len(events)-1]
	return strings.TrimSpace(e.Event + " " + e.Verdict)
}

// Whatever is done to a store while the server thinks, what the table wants
// becomes of it.
func TestWhatIsDoneToAStoreWhileTheServerThinks(t *testing.T) {
	for _, d := range meddlers {
		for _, name := range lockers {
			if d.only != nil && !slices.Contains(d.only, name) {
				continue
			}
			t.Run(fmt.Sprintf("%s %s", name, d.name), func(t *testing.T) {
				t.Parallel()
				m := scene(t, name)
				m.s.NextGrant(m.g.ID, authtest.Behaviour{BeforeAnswer: func() {
					d.do(m)
					m.after = m.text()
				}})
				ran := m.Run("refresh", m.id)
				if last := m.last(); ran.Code != d.code || last != d.last || !strings.Contains(ran.Output, d.says) {
					t.Errorf("exit code %d, %s, %q; want %d, %s, %q", ran.Code, last, ran.Output, d.code, d.last, d.says)
				}
				d.then(m)
				m.well()
			})
		}
	}
}

// Somebody puts a backup back that is two tokens old, while the server thinks.
// What stands there is used up, and ours is the newest there is.
func TestABackupThatComesBackWhileTheServerThinks(t *testing.T) {
	for _, name := range lockers {
		for _, keeps := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, by a keeper %v", name, keeps), func(t *testing.T) {
				t.Parallel()
				m := scene(t, name)
				m.again(0, "refresh", m.id)
				m.s.NextGrant(m.g.ID, authtest.Behaviour{BeforeAnswer: func() { m.replace(m.before) }})
				m.Run("refresh", m.id)
				m.posts(m.g, 2)
				if keeps {
					m.Keep()
					lab.Until(5*time.Second, func() bool { _, r, _ := m.c.stored(linear); return r == m.s.Current(m.g.ID).RefreshToken })
				} else {
					m.Run("refresh")
				}
				m.posts(m.g, 2)
				m.holds(m.g)
				m.again(0, "refresh", m.id)
				m.holds(m.g)
				m.well()
			})
		}
	}
}
