package ledger

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
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

// Keep wraps a token for Kept, as of now.
func Keep(t credfiles.Token, lineage int) *KeptToken {
	return &KeptToken{time.Now(), lineage, plain{t}}
}

// Reveal is the token itself.
func (k *KeptToken) Reveal() credfiles.Token { return k.Token.Token }

// Kept reads the tokens kept of a credential. What is past its time is not
// returned, and a damaged file counts as nothing.
func (l *Ledger) Kept(key credfiles.Key) (Kept, error) { return readKept(l.file("kept", key)) }

func readKept(name string) (Kept, error) {
	text, err := os.ReadFile(name)
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
func (l *Locked) SaveKept(k Kept) error { return writeKept(l.file("kept", l.Key), k) }

func writeKept(name string, k Kept) error {
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
