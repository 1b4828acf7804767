package ledger

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/keyring"
	"lamplighter/credfiles/replace"
)

// A Vault is where the system keeps secrets of ours. The errors are those of
// package keyring, or fs.ErrNotExist for a secret that is certainly not there.
// It never asks a person for anything, and is bounded in time.
type Vault interface {
	Recall(ctx context.Context, name string) ([]byte, error)
	// Keep stores a secret under a name that has none. The error is
	// keyring.ErrVolatile where it would not last, or where nothing can be
	// stored without asking.
	Keep(ctx context.Context, name string, secret []byte) error
}

// A seal encrypts what stands in the ledger of credentials whose stores are
// protected: our files must not be plainer than theirs. Its key is in the
// Vault, and once known in memory.
type seal struct {
	mu  sync.Mutex
	key []byte
}

// A SealedError says that something in the ledger cannot be read now.
type SealedError struct {
	For  string // the fingerprint of the refresh token that a record is about; empty for others
	Lost bool   // nobody will ever read it: the key is gone
	Err  error
}

func (e *SealedError) Error() string {
	if e.Lost {
		return "the answer of a refresh is sealed, and its key is not in the keyring any more"
	}
	return fmt.Sprintf("the answer of a refresh is sealed: %v", e.Err)
}

func (e *SealedError) Unwrap() error { return e.Err }

// A box is something sealed, and by which key.
type box struct {
	Sealed []byte `json:"sealed"` // nonce and AES-256-GCM
	By     string `json:"by"`
}

// sealing returns the key, which it makes where there is none yet. It is nil
// where the system keeps nothing for us: then the ledger's files are as plain
// as they are for other credentials, and Unsealed says so.
func (l *Ledger) sealing() (key []byte, err error) {
	if l.Vault == nil {
		return nil, l.plainly()
	}
	if key, err = l.unsealing(); errors.Is(err, fs.ErrNotExist) {
		key, err = l.makeKey()
	}
	if errors.Is(err, keyring.ErrVolatile) {
		return nil, l.plainly()
	}
	if err == nil {
		os.Remove(l.unsealedFile())
	}
	return key, err
}

// unsealing returns the key that there is.
func (l *Ledger) unsealing() ([]byte, error) {
	if l.Vault == nil {
		return nil, keyring.ErrAbsent
	}
	l.seal.mu.Lock()
	defer l.seal.mu.Unlock()
	if l.seal.key != nil {
		return l.seal.key, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), keyring.Patience)
	defer cancel()
	text, err := l.Vault.Recall(ctx, l.keyName())
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(string(text))
	if err != nil || len(key) != 32 {
		return nil, errors.New("the key that seals our files is damaged in the keyring")
	}
	l.seal.key = key
	return key, nil
}

// makeKey makes it. Two processes at once must end with one.
func (l *Ledger) makeKey() ([]byte, error) {
	lock, err := l.lock("seal", 2*keyring.Patience)
	if err != nil {
		return nil, err
	}
	defer lock.Release()
	if key, err := l.unsealing(); !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key := make([]byte, 32)
	rand.Read(key)
	ctx, cancel := context.WithTimeout(context.Background(), keyring.Patience)
	defer cancel()
	if err := l.Vault.Keep(ctx, l.keyName(), []byte(hex.EncodeToString(key))); err != nil {
		return nil, err
	}
	return l.unsealing() // as the next process will read it
}

// keyName is the name of this state folder's key: another one's is another's.
func (l *Ledger) keyName() string {
	sum := sha256.Sum256(append([]byte("seal\x00"), l.salt...))
	return "journal " + hex.EncodeToString(sum[:8])
}

// by names a key without giving it away.
func (l *Ledger) by(key []byte) string {
	sum := sha256.Sum256(append(append([]byte("by\x00"), l.salt...), key...))
	return hex.EncodeToString(sum[:8])
}

// gcm seals with a nonce of its own. With 2^32 messages a chance of 2^-32 is
// left that two have the same (NIST SP 800-38D section 8.3).
func gcm(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err == nil {
		var aead cipher.AEAD
		if aead, err = cipher.NewGCMWithRandomNonce(block); err == nil {
			return aead
		}
	}
	panic(err) // a key of another length
}

// put seals text. It opens only in the place that is named.
func (l *Ledger) put(key, text []byte, place string) box {
	return box{gcm(key).Seal(nil, nil, text, []byte(place)), l.by(key)}
}

// open is its counterpart. The error is a *SealedError.
func (l *Ledger) open(b box, place string) (text []byte, err error) {
	key, err := l.unsealing()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &SealedError{Lost: true, Err: err}
	case err != nil:
		return nil, &SealedError{Err: err}
	case b.By != l.by(key):
		return nil, &SealedError{Lost: true, Err: errors.New("it was sealed with another key")}
	}
	if text, err = gcm(key).Open(nil, nil, b.Sealed, []byte(place)); err != nil {
		return nil, &SealedError{Lost: true, Err: errors.New("it is damaged")}
	}
	return text, nil
}

// Seal is a credfiles.Sealer's, by the same key.
func (l *Ledger) Seal(text []byte, place string) (sealed []byte, err error) {
	key, err := l.sealing()
	if errors.Is(err, keyring.ErrAbsent) || err == nil && key == nil {
		return nil, nil // on a server there is none
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(l.put(key, text, place))
}

// Open is its counterpart.
func (l *Ledger) Open(sealed []byte, place string) (text []byte, err error) {
	var b box
	if err := json.Unmarshal(sealed, &b); err != nil {
		return nil, err
	}
	text, err = l.open(b, place)
	var shut *SealedError
	switch {
	case err == nil || !errors.As(err, &shut):
		return text, err
	case shut.Lost:
		return nil, credfiles.ErrKeyGone
	}
	return nil, shut.Err
}

// plainly notes that what should be sealed is not.
func (l *Ledger) plainly() error {
	if l.Unsealed() {
		return nil
	}
	return replace.File(l.unsealedFile(), []byte(time.Now().UTC().Format(time.RFC3339)+"\n"), 0o600)
}

// Unsealed reports that tokens of protected stores stood in the ledger as
// plainly as others when they were last written: in files that only their
// owner may read.
func (l *Ledger) Unsealed() bool {
	_, err := os.Stat(l.unsealedFile())
	return err == nil
}

func (l *Ledger) unsealedFile() string { return filepath.Join(l.dir, "unsealed") }
