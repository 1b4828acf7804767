package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"lamplighter/app/settings"
	"lamplighter/credfiles"
	"lamplighter/credfiles/clientlock"
	"lamplighter/refresher/ledger"
)

// owned are the user's own credentials, and where they are kept: sealed by the
// key that seals the ledger.
func (x *parts) owned(s settings.Settings) *credfiles.Owned {
	return &credfiles.Owned{Dir: filepath.Join(x.state, "own"), All: s.Own, Sealer: sealer{x}, Still: x.defines}
}

// defines reports that the config says that of an own credential at this
// moment, of which this process may not have taken notice yet.
func (x *parts) defines(name string) bool {
	if name == x.adds {
		return true
	}
	s := x.current()
	if x.outdated() {
		now, err := settings.Load(x.configFile, credfiles.ClientNames())
		if err != nil {
			return true // then the settings of before stay in force
		}
		s = now
	}
	return slices.ContainsFunc(s.Own, func(o credfiles.Own) bool { return o.Name == name })
}

// defining keeps everybody else from adding and removing own credentials: of two
// at one name each would erase what the other has just stored.
func (p *program) defining(ctx context.Context, x *parts) (*clientlock.Lock, error) {
	lock, err := clientlock.File(ctx, filepath.Join(x.ledger.Dir(), "locks", "own"), clientlock.FileOptions{
		Mode: 0o600, FolderMode: 0o700, Retry: 20 * time.Millisecond,
	})
	if err != nil && ctx.Err() != nil {
		p.errorf(saidInterrupted)
		err = exit{exitLater}
	}
	return lock, err
}

// A sealer is the ledger, which is opened after the settings are read, and
// by some commands not at all.
type sealer struct{ x *parts }

var errNoLedger = errors.New("our state folder cannot be opened")

func (s sealer) Seal(text []byte, place string) ([]byte, error) {
	if s.x.ledger == nil {
		return nil, errNoLedger
	}
	return s.x.ledger.Seal(text, place)
}

func (s sealer) Open(text []byte, place string) ([]byte, error) {
	if s.x.ledger == nil {
		return nil, errNoLedger
	}
	return s.x.ledger.Open(text, place)
}

// An onlooker is a sealer for commands without a ledger too, where there is one:
// to look into it costs less than it saves.
type onlooker struct {
	sealer
	keyring credfiles.Keyring
}

func (o onlooker) Seal(text []byte, place string) ([]byte, error) {
	l, err := o.look()
	if err != nil {
		return nil, err
	}
	return l.Seal(text, place)
}

func (o onlooker) Open(text []byte, place string) ([]byte, error) {
	l, err := o.look()
	if err != nil {
		return nil, err
	}
	return l.Open(text, place)
}

func (o onlooker) look() (*ledger.Ledger, error) {
	if o.x.ledger != nil {
		return o.x.ledger, nil
	}
	if info, err := os.Stat(o.x.state); err != nil || !info.IsDir() {
		return nil, errNoLedger
	}
	l, err := ledger.Look(o.x.state)
	if err != nil {
		return nil, errNoLedger
	}
	l.Vault = vault(o.keyring)
	return l, nil
}
