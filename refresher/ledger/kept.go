package ledger

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/replace"
)

// How long a token of a client's is kept beside its store.
const (
	GoodFor   = 7 * 24 * time.Hour // the last good record
	OrphanFor = 24 * time.Hour     // an answer whose store had moved on
)

// Kept are the tokens of one credential that stand in the ledger: never
// plainer than its client keeps them, never longer than their time.
type Kept struct {
	Good   *KeptToken `json:"good,omitempty"`   // the last that we saw good or received
	Orphan *KeptToken `json:"orphan,omitempty"` // received by us while the store got another one: tried only if that one is refused
}

// A KeptToken is a token and when it was kept.
type KeptToken struct {
	At      time.Time `json:"at"`
	Lineage int       `json:"lineage"`
	Token   plain     `json:"token"`
}

// plain is a Token as the journal and the kept records write it.
type plain struct {
	Access        string    `json:"access,omitempty"`
	Refresh       string    `json:"refresh,omitempty"`
	Expiry        time.Time `json:"expiry,omitzero"`
	RefreshExpiry time.Time `json:"refresh_expiry,omitzero"`
	Scope         string    `json:"scope,omitempty"`
}

func plainOf(t credfiles.Token) plain {
	return plain{t.Access.Reveal(), t.Refresh.Reveal(), t.Expiry, t.RefreshExpiry, t.Scope}
}

func (p plain) token() credfiles.Token {
	return credfiles.Token{
		Access: credfiles.NewSecret(p.Access), Refresh: credfiles.NewSecret(p.Refresh),
		Expiry: p.Expiry, RefreshExpiry: p.RefreshExpiry, Scope: p.Scope,
	}
}

// Keep wraps a token for Kept, as of now.
func Keep(t credfiles.Token, lineage int) *KeptToken {
	return &KeptToken{time.Now(), lineage, plainOf(t)}
}

// Reveal is the token itself.
func (k *KeptToken) Reveal() credfiles.Token { return k.Token.token() }

// Kept reads the tokens kept of a credential. What is past its time is not
// returned.
func (l *Ledger) Kept(key credfiles.Key) (Kept, error) {
	text, err := os.ReadFile(l.file("kept", key))
	if errors.Is(err, fs.ErrNotExist) {
		return Kept{}, nil
	}
	if err != nil {
		return Kept{}, err
	}
	var k Kept
	if json.Unmarshal(text, &k) != nil {
		return Kept{}, nil
	}
	return k.current(), nil
}

func (k Kept) current() Kept {
	if k.Good != nil && time.Since(k.Good.At) > GoodFor {
		k.Good = nil
	}
	if k.Orphan != nil && time.Since(k.Orphan.At) > OrphanFor {
		k.Orphan = nil
	}
	return k
}

// SaveKept replaces the tokens kept of the credential.
func (l *Locked) SaveKept(k Kept) error {
	name := l.file("kept", l.Key)
	if k.Good == nil && k.Orphan == nil {
		if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	text, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return replace.File(name, append(text, '\n'), 0o600)
}

// Prune removes kept tokens that are past their time, of credentials that
// nobody looks at any more too. It takes no lock: a file that is younger than
// the shortest time is not looked at, and one past the longest is only old.
func (l *Ledger) Prune() error {
	entries, err := os.ReadDir(filepath.Join(l.dir, "kept"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && time.Since(info.ModTime()) > GoodFor {
			os.Remove(filepath.Join(l.dir, "kept", e.Name()))
		}
	}
	return nil
}
