package ledger

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/replace"
)

// A Wait says why the next attempt has to wait.
type Wait string

// Why the next attempt has to wait. A command overrides Unsent only.
const (
	Unsent        Wait = "unsent"        // the trouble came before the refresh token was sent
	Asked         Wait = "asked"         // the server named the time
	Ambiguous     Wait = "ambiguous"     // the server may have used the refresh token, nobody knows
	Misconfigured Wait = "misconfigured" // rests until store, config or metadata change
	Unready       Wait = "unready"       // the store could not be written, nothing was sent
	Unsaved       Wait = "unsaved"       // rotated, and the store refuses: the journal holds it
	User          Wait = "user"          // a policy or a lost registration: only a sign-in helps
)

// A Memory is what we remember of one credential besides tokens.
type Memory struct {
	Store string `json:"store"`
	Entry string `json:"entry"`
	ID    string `json:"id"` // as last shown, for people who read the file

	Client   string        `json:"client_id,omitempty"`
	Lineage  int           `json:"lineage"`            // counts sign-ins with another client_id
	Refresh  string        `json:"refresh,omitempty"`  // fingerprint of the refresh token last seen in the store
	Access   string        `json:"access,omitempty"`   // fingerprint of the access token last seen
	Seen     time.Time     `json:"seen,omitzero"`      // when Access was first seen
	Lifetime time.Duration `json:"lifetime,omitempty"` // of the access token named by Access, as its server said

	// RefreshExpiry is when the refresh token named by Refresh ends, where its
	// server said so.
	RefreshExpiry time.Time `json:"refresh_expiry,omitzero"`

	Refreshed time.Time `json:"refreshed,omitzero"` // our last successful refresh
	Repaired  time.Time `json:"repaired,omitzero"`  // when a credential that no client could use became fresh again

	For      string        `json:"for,omitempty"` // fingerprint of the refresh token that the following is about
	Tried    time.Time     `json:"tried,omitzero"`
	Failures int           `json:"failures,omitempty"` // in a row
	Wait     Wait          `json:"wait,omitempty"`
	Until    time.Time     `json:"until,omitzero"` // no attempt before
	Verdict  string        `json:"verdict,omitempty"`
	Code     string        `json:"code,omitempty"`
	Detail   string        `json:"detail,omitempty"`
	Setup    string        `json:"setup,omitempty"`   // hash of the grant that the misconfigured attempt was made with
	Request  string        `json:"request,omitempty"` // hash of the request that it would have been
	Slowest  time.Duration `json:"slowest,omitempty"` // how long the token endpoint took, slowest of late

	// Skew is how far the token endpoint's clock was ahead of ours at its last
	// answer, as far as that showed; zero where it did not.
	Skew time.Duration `json:"skew,omitempty"`

	// Endpoint is where the store said that Refresh goes when that, or the one
	// that it descends from, was first seen there: nobody but a sign-in moves it.
	Endpoint string `json:"endpoint,omitempty"`

	Posts    int         `json:"posts,omitempty"`     // requests sent to the token endpoint whose end we saw
	TokenURL string      `json:"token_url,omitempty"` // of the last successful refresh
	Issuer   string      `json:"issuer,omitempty"`    // who vouched for it
	Reverts  []time.Time `json:"reverts,omitempty"`   // when a store that had gone back got its successor again
	Gone     time.Time   `json:"gone,omitzero"`       // when its entry was first found gone, where its client wipes by deleting
	Dead     time.Time   `json:"dead,omitzero"`       // when Refresh was found dead
	Told     string      `json:"told,omitempty"`      // fingerprint whose death was told
	Hooked   string      `json:"hooked,omitempty"`    // and that of which the user's hooks were told last, until they are told of the recovery
}

// Settle forgets the trouble that the last attempts met.
func (m *Memory) Settle() {
	m.For, m.Wait, m.Until, m.Failures = "", "", time.Time{}, 0
	m.Verdict, m.Code, m.Detail, m.Setup, m.Request = "", "", "", "", ""
}

// Memory reads what is remembered of a credential; nothing is a zero Memory,
// but for the lineage where its refresh tokens have marks. A damaged file counts
// as nothing: tokens are not in it.
func (l *Ledger) Memory(key credfiles.Key) (Memory, error) {
	m := Memory{Store: key.Store, Entry: key.Entry}
	text, err := os.ReadFile(l.file("memory", key))
	if errors.Is(err, fs.ErrNotExist) {
		m.Lineage, err = l.begins(key)
		return m, err
	}
	if err != nil {
		return m, err
	}
	if json.Unmarshal(text, &m) != nil {
		return Memory{Store: key.Store, Entry: key.Entry}, nil
	}
	return m, nil
}

// Knows reports whether anything is remembered of a store. It reads all that
// is remembered.
func (l *Ledger) Knows(store string) bool {
	folder := filepath.Join(l.dir, "memory")
	entries, err := os.ReadDir(folder)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		var m Memory
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		return err == nil && json.Unmarshal(text, &m) == nil && m.Store == store
	})
}

// Save replaces what is remembered.
func (l *Locked) Save(m Memory) error {
	m.Store, m.Entry = l.Key.Store, l.Key.Entry
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return replace.File(l.file("memory", l.Key), append(text, '\n'), 0o600)
}
