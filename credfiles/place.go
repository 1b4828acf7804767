package credfiles

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"lamplighter/credfiles/replace"
)

// A place is where a store's bytes are: a file, an item of a keyring, or
// either in a wrapper. Everything above it - reading, deciding, comparing,
// reading back - is the same for all.
type place interface {
	// look returns the bytes as they are at this moment, and a signature that is
	// another one when they are. The error wraps fs.ErrNotExist only where it is
	// certain that nothing is there.
	look(ctx context.Context) ([]byte, signature, error)
	// exists reports whether anything is there. Where that cannot be told, it is.
	exists() bool
	// tears reports that a writer may leave the bytes half there, or away, for a
	// moment.
	tears() bool
	// ready finds out whether others of about that size could take the place of
	// the bytes that are there, and leaves as little as possible to go wrong. It
	// changes nothing.
	ready(ctx context.Context, size int) (ready, error)
}

// ready is how the bytes of a place can be replaced, now that it is known
// that they can: by swap where that is not nil, else by over.
type ready struct {
	swap swapper
	// over replaces what is there, which was compared a moment before.
	over func(ctx context.Context, data []byte) error
	// torn means that a crash in over may leave half of it.
	torn bool
}

// A swapper exchanges the bytes of a place for others in one step, and tells
// what it took out, as a [replace.Target] does.
type swapper interface {
	Swap(data []byte) (came []byte, err error)
	Came() ([]byte, error) // what came out last, as it is now
	Close() error
}

// where is the place of a store.
func (s *Store) where() place {
	if s.ring != nil {
		return ringPlace{s}
	}
	if s.chain != nil {
		return chainPlace{s}
	}
	if s.own != nil {
		return ownPlace{s}
	}
	file := filePlace{s.path, s.file.inPlace}
	if s.file.sealed != nil {
		return sealedPlace{s, file}
	}
	return file
}

// A filePlace is a plain file.
type filePlace struct {
	path    string
	inPlace bool // its client writes it in place, so we may where nothing else works
}

func (p filePlace) look(context.Context) ([]byte, signature, error) {
	sign := sign(p.path)
	text, err := readFile(p.path, maxSize)
	return text, sign, err
}

func (p filePlace) exists() bool { return sign(p.path).here }
func (p filePlace) tears() bool  { return true }

func (p filePlace) ready(_ context.Context, size int) (ready, error) {
	// Tokens differ in length; a quarter more and 64 KiB hold any that we take.
	room := int64(size + size/4 + 64<<10)
	if room > maxSize {
		return ready{}, errTooLarge // we could not read it back
	}
	replace.Leftovers(p.path)
	target, err := replace.Prepare(p.path, room)
	var obstacle *replace.Obstacle
	if errors.As(err, &obstacle) && obstacle.Kind == replace.Mount && p.inPlace {
		over := func(_ context.Context, data []byte) error { return replace.InPlace(p.path, data) }
		return ready{over: over, torn: true}, replace.CanInPlace(p.path)
	}
	if err != nil {
		return ready{}, err
	}
	return ready{swap: target}, nil
}

// isFolder reports that a home is there.
func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// gone reports that an error says so, for certain.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) }
