package credfiles

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"lamplighter/credfiles/agefile"
	"lamplighter/credfiles/keyring"
)

// A sealing is how a client encrypts a file, with a passphrase that it keeps in
// the keyring.
type sealing struct {
	service string
	// accounts are under what the passphrase of a home may stand.
	accounts func(home string) []string
	// used reports whether the client of a home looks there. Where it does not,
	// the file is not worth the opening.
	used func(h Host, home string) bool
	// unfold makes the document of what is in the file, and fold the reverse. The
	// error is errOddShape for what fold could not make again.
	unfold, fold func(text []byte) ([]byte, error)
}

var errOddShape = errors.New("it has another shape than its client writes")

// An Opener opens clients' encrypted files, each time in a short-lived process
// of its own, which takes seconds and up to 1 GB. It remembers what was in the
// last few, and with Remember what other processes opened, so that nothing is
// opened twice that did not change. It is safe for concurrent use.
type Opener struct {
	Process agefile.Process

	opening sync.Mutex // a second opening of the same file would take as long again
	mu      sync.Mutex
	opened  []opened // the latest last
	memory  memory
}

// opened is what was in a file with that hash, or why that is not known.
type opened struct {
	file, passphrase [sha256.Size]byte
	text             []byte
	err              error
	until            time.Time // zero: always
}

const (
	// remembered bounds what an Opener keeps: more homes than anybody has, each
	// with the file that is there and the one that we put there.
	remembered = 32
	// rest is how long an opening that was ended, as where memory ran out, is
	// not tried again.
	rest = 10 * time.Minute
)

// open returns what is in a file at a path. The passphrase is asked for where
// that is not known.
func (o *Opener) open(ctx context.Context, path string, file []byte, passphrase func(context.Context) (string, error)) ([]byte, error) {
	sum := sha256.Sum256(file)
	same := func(was opened) bool { return was.file == sum && was.err == nil }
	if was, ok := o.recall(path, same); ok {
		return was.text, nil
	}
	word, err := passphrase(ctx)
	if err != nil {
		return nil, err
	}
	return o.openBy(ctx, path, file, word)
}

// openBy returns what this passphrase opens.
func (o *Opener) openBy(ctx context.Context, path string, file []byte, word string) ([]byte, error) {
	o.opening.Lock()
	defer o.opening.Unlock()
	sum, key := sha256.Sum256(file), sha256.Sum256([]byte(word))
	same := func(was opened) bool { return was.file == sum && was.passphrase == key }
	if was, ok := o.recall(path, same); ok {
		return was.text, was.err
	}
	now := opened{file: sum, passphrase: key}
	now.text, now.err = o.Process.Open(ctx, file, word)
	if now.err != nil && sealedKind(now.err) == "" {
		now.until = time.Now().Add(rest)
	}
	if ctx.Err() == nil {
		o.keep(path, now)
	}
	return now.text, now.err
}

func (o *Opener) recall(path string, same func(opened) bool) (opened, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, was := range slices.Backward(o.opened) {
		if same(was) && (was.until.IsZero() || time.Now().Before(was.until)) {
			return was, true
		}
	}
	was, ok := o.memory.recall(path)
	if !ok || !same(was) {
		return opened{}, false
	}
	o.opened = append(o.opened[max(0, len(o.opened)-remembered+1):], was)
	return was, true
}

func (o *Opener) keep(path string, latest opened) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.memory.remember(path, latest)
	o.opened = append(o.opened[max(0, len(o.opened)-remembered+1):], latest)
}

// sealedKind is the kind of a Problem with an encrypted file that stays as long
// as file and passphrase do; empty where it is another.
func sealedKind(err error) ProblemKind {
	for _, known := range []error{agefile.ErrFormat, agefile.ErrPassphrase, agefile.ErrWorkFactor, agefile.ErrDamaged, errNoPassphrase, errNoOpener} {
		if errors.Is(err, known) {
			return Sealed
		}
	}
	return ""
}

// A sealedPlace is a file that is encrypted. What is looked at, compared and
// exchanged is what is in it.
type sealedPlace struct {
	s    *Store
	file filePlace
}

// errNoOpener says that this program was not given the means.
var errNoOpener = errors.New("it is encrypted")

func (p sealedPlace) look(ctx context.Context) ([]byte, signature, error) {
	// Most homes have none, and then nobody has to read their configuration.
	if _, err := os.Lstat(p.file.path); gone(err) || !p.s.file.sealed.used(p.s.host, p.s.home) {
		return nil, signature{}, fs.ErrNotExist
	}
	file, sign, err := p.file.look(ctx)
	if err != nil {
		return nil, sign, err
	}
	text, err := p.open(ctx, file)
	p.s.waits.Store(ringKind(err) != "")
	return text, sign, err
}

func (p sealedPlace) exists() bool {
	return p.s.file.sealed.used(p.s.host, p.s.home) && p.file.exists()
}
func (p sealedPlace) tears() bool { return false } // it is renamed into place

// open is the document in a file.
func (p sealedPlace) open(ctx context.Context, file []byte) ([]byte, error) {
	if p.s.host.Opener == nil {
		return nil, errNoOpener
	}
	text, err := p.s.host.Opener.open(ctx, p.s.path, file, p.passphrase)
	if err != nil {
		return nil, err
	}
	text, err = p.s.file.sealed.unfold(text)
	if errors.Is(err, errOddShape) {
		err = p.s.odd("")
	}
	return text, err
}

// passphrase asks the keyring for it.
func (p sealedPlace) passphrase(ctx context.Context) (string, error) {
	if p.s.host.Keyring == nil {
		return "", keyring.ErrAbsent
	}
	ctx, cancel := context.WithTimeout(ctx, keyring.Patience)
	defer cancel()
	for _, account := range p.s.file.sealed.accounts(p.s.home) {
		word, err := p.s.host.Keyring.Read(ctx, p.s.file.sealed.service, account)
		if err == nil || !gone(err) {
			return string(word), err
		}
	}
	return "", errNoPassphrase
}

// errNoPassphrase says that a file can be read by nobody.
var errNoPassphrase = errors.New("the keyring has no passphrase for it")

func (p sealedPlace) ready(ctx context.Context, size int) (ready, error) {
	file, _, err := p.file.look(ctx)
	if err != nil {
		return ready{}, err
	}
	workFactor, err := agefile.WorkFactor(file)
	if err != nil {
		return ready{}, err
	}
	word, err := p.passphrase(ctx)
	if err != nil {
		return ready{}, err
	}
	if p.s.host.Opener == nil {
		return ready{}, errNoOpener
	}
	// Nobody could open what we seal with another passphrase than that of the
	// file that is there.
	if _, err := p.s.host.Opener.openBy(ctx, p.s.path, file, word); err != nil {
		return ready{}, err
	}
	made, err := p.file.ready(ctx, max(size, len(file)))
	if err != nil {
		return ready{}, err
	}
	sealer, err := p.s.host.Opener.Process.Sealer(ctx, word, workFactor)
	if err != nil {
		made.swap.Close()
		return ready{}, err
	}
	return ready{swap: &sealedSwap{p: p, file: made.swap, sealer: sealer, word: word, workFactor: workFactor}}, nil
}

// A sealedSwap exchanges an encrypted file by the content.
type sealedSwap struct {
	p          sealedPlace
	file       swapper
	sealer     *agefile.Sealer // has the key for the first file that is made
	word       string
	workFactor int
}

// seal makes the file that holds a document. The first is made at once; there
// is a second one only if somebody wrote at the same time.
func (x *sealedSwap) seal(data []byte) ([]byte, error) {
	text, err := x.p.s.file.sealed.fold(data)
	if err != nil {
		return nil, err
	}
	sealer := x.sealer
	if x.sealer = nil; sealer == nil {
		sealer, err = x.p.s.host.Opener.Process.Sealer(context.Background(), x.word, x.workFactor)
		if err != nil {
			return nil, err
		}
	}
	file, err := sealer.Seal(text)
	if err == nil {
		x.p.s.host.Opener.keep(x.p.s.path, opened{file: sha256.Sum256(file), passphrase: sha256.Sum256([]byte(x.word)), text: text})
	}
	return file, err
}

func (x *sealedSwap) Swap(data []byte) (came []byte, err error) {
	file, err := x.seal(data)
	if err != nil {
		return nil, err
	}
	out, err := x.file.Swap(file)
	if out == nil {
		return nil, err
	}
	came, openErr := x.p.open(context.Background(), out)
	if openErr != nil {
		// Whatever it is, it was there: nothing may take its place.
		back, err := x.file.Swap(out)
		if back != nil && !bytes.Equal(back, file) {
			_, backErr := x.file.Swap(back)
			err = errors.Join(err, backErr)
		}
		return nil, errors.Join(openErr, err)
	}
	return came, err
}

func (x *sealedSwap) Came() ([]byte, error) {
	file, err := x.file.Came()
	if err != nil {
		return nil, err
	}
	return x.p.open(context.Background(), file)
}

func (x *sealedSwap) Close() error {
	if x.sealer != nil {
		x.sealer.Close()
	}
	return x.file.Close()
}
