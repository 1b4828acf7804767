// Package ledger is what we remember of each credential: which refresh tokens
// are spent or dead, the journal of a refresh under way, the last good token,
// attempts and waits, modes, and the log of what was done. It is the only
// writer of the state folder and holds our own locks.
//
// Everything is keyed by the credential's place (store and entry), never by
// its shown ID. Files are 0600 in folders of 0700. Tokens stand in the journal
// and in the kept records only; everywhere else a token is a fingerprint. Those
// of a store that is protected, such as a keyring, stand there sealed.
package ledger

import (
	"context"
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
	"syscall"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/clientlock"
	"lamplighter/credfiles/replace"
)

// format is the version of the state folder's layout. It is the first, so
// there is nothing yet to upgrade.
const format = 1

// A Ledger is a state folder. It may be used by several goroutines, and the
// folder by several processes.
type Ledger struct {
	// Vault holds the key for what is remembered of protected stores. It is set
	// once, before use; nil where the system has none.
	Vault Vault

	dir   string
	salt  []byte
	seal  seal
	marks marks
	swept swept
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
// exist. The error is a *FormatError where a newer version has written it;
// nothing in it was touched then.
func Open(dir string) (*Ledger, error) {
	l, err := open(dir)
	if err == nil {
		// What cannot be removed today is removed another day: a folder that is
		// read-only can still be looked into.
		_ = l.Prune()
	}
	return l, err
}

// Look is Open for who is gone in a moment. It prunes only where no process did
// so within the last hour: all that is kept would be read for it.
func Look(dir string) (*Ledger, error) {
	l, err := open(dir)
	if err == nil {
		if info, err := os.Stat(l.sweptFile()); err == nil {
			l.swept.at = info.ModTime()
		}
		_ = l.Prune()
	}
	return l, err
}

func open(dir string) (*Ledger, error) {
	l := &Ledger{dir: dir}
	if err := l.checkFormat(); errors.Is(err, fs.ErrNotExist) {
		if err := l.begin(); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	for _, folder := range []string{"locks", "journal", "memory", "kept", "modes", "deliveries"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o700); err != nil {
			return nil, err
		}
	}
	var err error
	if l.salt, err = l.readSalt(); err != nil {
		return nil, err
	}
	return l, nil
}

// begin makes a new state folder. Two first starts at once must end with one
// salt. The format is written last: where it stands, the rest does.
func (l *Ledger) begin() error {
	if err := os.MkdirAll(filepath.Join(l.dir, "locks"), 0o700); err != nil {
		return err
	}
	lock, err := l.lock("begin", 10*time.Second)
	if err != nil {
		return err
	}
	defer lock.Release()
	if err := l.checkFormat(); !errors.Is(err, fs.ErrNotExist) {
		return err // somebody else was first
	}
	if _, err := l.readSalt(); errors.Is(err, fs.ErrNotExist) {
		salt := make([]byte, 32)
		rand.Read(salt)
		if err := l.write("salt", hex.EncodeToString(salt)); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	if _, err := os.Stat(l.marksFile()); errors.Is(err, fs.ErrNotExist) {
		if err := replace.File(l.marksFile(), nil, 0o600); err != nil {
			return err
		}
	}
	return l.write("format", strconv.Itoa(format))
}

func (l *Ledger) write(name, text string) error {
	return replace.File(filepath.Join(l.dir, name), []byte(text+"\n"), 0o600)
}

// checkFormat returns fs.ErrNotExist for a folder that is none of ours yet.
func (l *Ledger) checkFormat() error {
	text, err := os.ReadFile(filepath.Join(l.dir, "format"))
	if err != nil {
		return err
	}
	found, err := strconv.Atoi(strings.TrimSpace(string(text)))
	switch {
	case err != nil || found < 1:
		return l.damaged("format", "its format is not known")
	case found > format:
		return &FormatError{l.dir, found}
	}
	return nil
}

// readSalt returns the installation's salt for fingerprints.
func (l *Ledger) readSalt() ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(l.dir, "salt"))
	if err != nil {
		return nil, err
	}
	salt, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(salt) != 32 {
		return nil, l.damaged("salt", "spent refresh tokens cannot be recognised")
	}
	return salt, nil
}

func (l *Ledger) damaged(name, so string) error {
	return fmt.Errorf("%s is damaged, so %s; restore it, or move the state folder away to begin anew", filepath.Join(l.dir, name), so)
}

// ErrReplaced says that the state folder is not the one that was opened: it
// was moved away or erased, or a newer version has it now.
var ErrReplaced = errors.New("the state folder is another one now; start again")

// same reports whether the folder is still the one that was opened. A process
// that runs for months must not write the old format into one that was
// upgraded, nor fingerprints that nobody else can read.
func (l *Ledger) same() error {
	salt, err := l.readSalt()
	if err == nil && string(salt) != string(l.salt) {
		return ErrReplaced
	}
	if err == nil {
		err = l.checkFormat()
	}
	var system syscall.Errno
	if err == nil || errors.As(err, &system) && !errors.Is(err, fs.ErrNotExist) {
		return err // a disk that cannot be read is not another one
	}
	return fmt.Errorf("%w (%w)", ErrReplaced, err)
}

// lock takes one of the locks that guard a file of several credentials. They
// are held for milliseconds; who waits longer waits for a process that was
// stopped.
func (l *Ledger) lock(name string, patience time.Duration) (*clientlock.Lock, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return clientlock.File(ctx, filepath.Join(l.dir, "locks", name), clientlock.FileOptions{
		Mode: 0o600, FolderMode: 0o700, Retry: 5 * time.Millisecond,
	})
}

// Fingerprint identifies a token in this ledger: 32 hex digits, of which
// people are shown the first eight. It is "" for the zero Secret.
func (l *Ledger) Fingerprint(s credfiles.Secret) string { return s.Fingerprint(l.salt) }

// Dir is the state folder.
func (l *Ledger) Dir() string { return l.dir }

// OwnerOf is the name under which the ledger's files speak of a credential.
func (l *Ledger) OwnerOf(key credfiles.Key) string {
	sum := sha256.Sum256([]byte(key.Store + "\x00" + key.Entry))
	return hex.EncodeToString(sum[:16])
}

// file is the path of key's file in one of the ledger's folders.
func (l *Ledger) file(folder string, key credfiles.Key) string {
	return filepath.Join(l.dir, folder, l.OwnerOf(key))
}

// SignalFile changes when another process changed something that stands in no
// store: a mode, a wish to be shown. Whoever keeps watches it.
func (l *Ledger) SignalFile() string { return filepath.Join(l.dir, "signal") }

// Signal tells running keepers to look again.
func (l *Ledger) Signal() error {
	return replace.File(l.SignalFile(), strconv.AppendInt(nil, time.Now().UnixNano(), 10), 0o600)
}
