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
	Box     *box      `json:"box,omitempty"` // in place of Token, where that is sealed
}

// Keep wraps a token for Kept, as of now.
func Keep(t credfiles.Token, lineage int) *KeptToken {
	return &KeptToken{At: time.Now(), Lineage: lineage, Token: plain{Token: t}}
}

// In adds the text of the whole entry that the token stood in. What comes back
// is k.
func (k *KeptToken) In(text credfiles.Secret) *KeptToken {
	k.Token.text = text
	return k
}

// Text is that text; the zero Secret where it was not kept.
func (k *KeptToken) Text() credfiles.Secret { return k.Token.text }

// Reveal is the token itself.
func (k *KeptToken) Reveal() credfiles.Token { return k.Token.Token }

// Kept reads the tokens kept of a credential. What is past its time is not
// returned, and what is damaged, or sealed for good, counts as nothing. The
// error is a *SealedError where one cannot be read now.
func (l *Ledger) Kept(key credfiles.Key) (Kept, error) {
	k, err := readKept(l.file("kept", key))
	if err == nil {
		k.Good, err = l.unsealed(key, k.Good)
	}
	if err == nil {
		k.Orphan, err = l.unsealed(key, k.Orphan)
	}
	if err != nil {
		return Kept{}, err
	}
	return k, nil
}

// unsealed is a kept token that can be read.
func (l *Ledger) unsealed(key credfiles.Key, t *KeptToken) (*KeptToken, error) {
	if t == nil || t.Box == nil {
		return t, nil
	}
	text, err := l.open(*t.Box, "kept "+l.OwnerOf(key))
	var sealed *SealedError
	switch {
	case errors.As(err, &sealed) && sealed.Lost:
		return nil, nil
	case err != nil:
		return nil, err
	}
	read := &KeptToken{At: t.At, Lineage: t.Lineage}
	if json.Unmarshal(text, &read.Token) != nil {
		return nil, nil
	}
	return read, nil
}

// sealed is a kept token as it is written.
func (l *Locked) sealed(key []byte, t *KeptToken) (*KeptToken, error) {
	if t == nil {
		return nil, nil
	}
	text, err := json.Marshal(t.Token)
	if err != nil {
		return nil, err
	}
	box := l.put(key, text, "kept "+l.OwnerOf(l.Key))
	return &KeptToken{At: t.At, Lineage: t.Lineage, Box: &box}, nil
}

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
func (l *Locked) SaveKept(k Kept) error {
	if l.Protected && (k.Good != nil || k.Orphan != nil) {
		key, err := l.sealing()
		if err != nil {
			return err
		}
		if key != nil {
			if k.Good, err = l.sealed(key, k.Good); err == nil {
				k.Orphan, err = l.sealed(key, k.Orphan)
			}
		}
		if err != nil {
			return err
		}
	}
	return writeKept(l.file("kept", l.Key), k)
}

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
