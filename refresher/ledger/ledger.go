// Package ledger is what we remember of each credential: which refresh tokens
// are spent or dead, the journal of a refresh under way, the last good token,
// attempts and waits, modes, and the log of what was done. It is the only
// writer of the state folder and holds our own locks.
//
// Everything is keyed by the credential's place (store and entry), never by
// its shown ID. Files are 0600 in folders of 0700. Tokens stand in the journal
// and in the kept records only; everywhere else a token is a fingerprint.
package ledger

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/replace"
)

// format is the version of the state folder's layout. An older one is
// upgraded in place by Open; a newer one is left alone.
const format = 1

// A Ledger is a state folder.
type Ledger struct {
	dir  string
	salt []byte
	cache
}

// A FormatError says that the state folder was written by a newer version.
type FormatError struct {
	Dir   string
	Found int
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s has format %d, this version knows up to %d", e.Dir, e.Found, format)
}

// Open makes sure that dir is a state folder, creating it where it does not
// exist. The error is a *FormatError where a newer version has written it.
func Open(dir string) (*Ledger, error) {
	for _, d := range []string{"", "locks", "journal", "memory", "kept", "modes"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return nil, err
		}
	}
	l := &Ledger{dir: dir}
	if err := l.checkFormat(); err != nil {
		return nil, err
	}
	salt, err := l.readSalt()
	if err != nil {
		return nil, err
	}
	l.salt = salt
	return l, nil
}

func (l *Ledger) checkFormat() error {
	name := filepath.Join(l.dir, "format")
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return replace.File(name, []byte(strconv.Itoa(format)+"\n"), 0o600)
	}
	if err != nil {
		return err
	}
	found, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		// A torn file from a crash at the very first start: there is only
		// one format that it can have been.
		return replace.File(name, []byte(strconv.Itoa(format)+"\n"), 0o600)
	}
	if found > format {
		return &FormatError{l.dir, found}
	}
	return nil
}

// readSalt returns the installation's salt for fingerprints. Two first starts
// at once must end with one salt: whoever links the file first wins.
func (l *Ledger) readSalt() ([]byte, error) {
	name := filepath.Join(l.dir, "salt")
	if text, err := os.ReadFile(name); err == nil {
		if salt, err := hex.DecodeString(strings.TrimSpace(string(text))); err == nil && len(salt) == 32 {
			return salt, nil
		}
		return nil, fmt.Errorf("%s is damaged: without it spent refresh tokens cannot be recognised; restore it, or move the state folder away to begin anew", name)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	salt := make([]byte, 32)
	rand.Read(salt)
	draft := name + "." + hex.EncodeToString(salt[:4])
	if err := replace.File(draft, []byte(hex.EncodeToString(salt)+"\n"), 0o600); err != nil {
		return nil, err
	}
	defer os.Remove(draft)
	if err := os.Link(draft, name); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return l.readSalt()
}

// Fingerprint identifies a token in this ledger: 32 hex digits, of which
// people are shown the first eight. It is "" for the zero Secret.
func (l *Ledger) Fingerprint(s credfiles.Secret) string { return s.Fingerprint(l.salt) }

// Dir is the state folder.
func (l *Ledger) Dir() string { return l.dir }

// file is the path of key's file in one of the ledger's folders.
func (l *Ledger) file(folder string, key credfiles.Key) string {
	sum := sha256.Sum256([]byte(key.Store + "\x00" + key.Entry))
	return filepath.Join(l.dir, folder, hex.EncodeToString(sum[:16]))
}

// SignalFile changes when another process changed something that stands in no
// store: a mode, a wish to be shown. Whoever keeps watches it.
func (l *Ledger) SignalFile() string { return filepath.Join(l.dir, "signal") }

// Signal tells running keepers to look again.
func (l *Ledger) Signal() error {
	return replace.File(l.SignalFile(), strconv.AppendInt(nil, time.Now().UnixNano(), 10), 0o600)
}
