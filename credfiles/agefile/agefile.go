// Package agefile opens and seals files of age (age-encryption.org/v1) that
// have a passphrase: Codex keeps its secrets in such ones.
//
// The passphrase goes through scrypt, which is made to cost: at the work
// factors that Codex chooses, seconds of processor time and up to 1 GB. So a
// program that runs for months has that done by a [Process], which gives it
// all back by ending.
package agefile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"

	"filippo.io/age"
)

// MaxWorkFactor bounds what a file may demand: 2^22 are 4 GB, four times what
// Codex was seen to choose.
const MaxWorkFactor = 22

// maxSize bounds what is in a file: a thousand servers are about 2 MB.
const maxSize = 16 << 20

// What can be wrong with a file.
var (
	ErrFormat     = errors.New("not an age file with a passphrase")
	ErrPassphrase = errors.New("the passphrase does not open it")
	ErrWorkFactor = fmt.Errorf("its work factor is beyond %d", MaxWorkFactor)
	ErrDamaged    = errors.New("it ends too early, or was changed")
)

// header is the first two lines of a file with a passphrase, which is always
// the only recipient: the version, then the salt and the binary logarithm of
// scrypt's cost.
var header = regexp.MustCompile(`\Aage-encryption\.org/v1\n-> scrypt [A-Za-z0-9+/]{22} ([1-9][0-9]?)\n`)

// WorkFactor is the binary logarithm of scrypt's cost, as the file's header
// says. The error is ErrFormat or ErrWorkFactor.
func WorkFactor(sealed []byte) (int, error) {
	m := header.FindSubmatch(sealed)
	if m == nil {
		return 0, ErrFormat
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil || n > MaxWorkFactor {
		return 0, ErrWorkFactor
	}
	return n, nil
}

// Open returns what is in a file, in this process: see [Process.Open]. The
// error is one of the package's.
func Open(sealed []byte, passphrase string) ([]byte, error) {
	if _, err := WorkFactor(sealed); err != nil {
		return nil, err
	}
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil { // only the empty one
		return nil, ErrPassphrase
	}
	identity.SetMaxWorkFactor(MaxWorkFactor)
	r, err := age.Decrypt(bytes.NewReader(sealed), identity)
	var none *age.NoIdentityMatchError
	switch {
	case errors.As(err, &none):
		return nil, ErrPassphrase
	case err != nil:
		return nil, ErrDamaged
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err != nil || len(plain) > maxSize {
		return nil, ErrDamaged
	}
	return plain, nil
}

// Seal makes a file, in this process: see [Sealer]. workFactor is that of the
// file whose place it takes, so that its client's own choice stays.
func Seal(plain []byte, passphrase string, workFactor int) ([]byte, error) {
	var sealed bytes.Buffer
	w, err := sealing(&sealed, passphrase, workFactor)
	if err == nil {
		err = finish(w, plain)
	}
	if err != nil {
		return nil, err
	}
	return sealed.Bytes(), nil
}

// sealing does all of it that costs, before there is any content.
func sealing(to io.Writer, passphrase string, workFactor int) (io.WriteCloser, error) {
	if workFactor < 1 || workFactor > MaxWorkFactor {
		return nil, ErrWorkFactor
	}
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, ErrPassphrase
	}
	recipient.SetWorkFactor(workFactor)
	return age.Encrypt(to, recipient)
}

func finish(w io.WriteCloser, plain []byte) error {
	if _, err := w.Write(plain); err != nil {
		return err
	}
	return w.Close()
}
