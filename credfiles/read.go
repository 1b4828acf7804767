package credfiles

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/replace"
)

const (
	// maxSize is beyond what a client writes: a store of a thousand servers
	// has about 2 MB.
	maxSize = 16 << 20
	// settle is how long a store that is missing, empty or torn is read again
	// before it counts: Codex truncates in place (0.169.0, strace), as Claude
	// Code did up to 2.1.74.
	settle = 2 * time.Second
)

var errTooLarge = errors.New("too large")

// readFile reads a client's file of up to limit bytes. The error wraps
// fs.ErrNotExist only where nothing has that name: a link to nothing and what
// is no regular file are a *replace.Obstacle.
func readFile(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		if _, lerr := os.Lstat(name); lerr == nil {
			return nil, &replace.Obstacle{Kind: replace.Link, Path: name, Err: errors.New("a link to nothing")}
		}
	}
	if err != nil {
		return nil, err
	}
	// The opening of a FIFO would wait for its other end.
	if !info.Mode().IsRegular() {
		return nil, &replace.Obstacle{Kind: replace.NotRegular, Path: name, Err: fs.ErrInvalid}
	}
	f, err := replace.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size := min(info.Size(), limit) // as it was; the end of the file counts
	buf := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	_, err = buf.ReadFrom(io.LimitReader(f, limit+1))
	if err == nil && int64(buf.Len()) > limit {
		return nil, errTooLarge
	}
	return buf.Bytes(), err
}

// readJSON reads a client's file beside its stores, which may be missing or
// torn.
func readJSON(name string) (jsonedit.Value, bool) {
	text, err := readFile(name, 4*maxSize)
	if err != nil {
		return jsonedit.Value{}, false
	}
	root, err := jsonedit.Parse(text)
	return root, err == nil && root.Kind() == jsonedit.Object
}

// A document is a store's bytes, which are whole, and what they say.
type document struct {
	text []byte
	root jsonedit.Value
}

// parse makes a document of a store's bytes. The error is a *Problem.
func (s *Store) parse(text []byte) (document, error) {
	root, err := jsonedit.Parse(text)
	if err != nil {
		return document{}, s.problem(err)
	}
	return document{text, root}, nil
}

// read returns the store as it is at this moment. The error wraps
// fs.ErrNotExist where the store does not exist, else it is a *Problem.
func (s *Store) read(ctx context.Context) (document, signature, error) {
	text, sign, err := s.where().look(ctx)
	if gone(err) {
		return document{}, sign, err
	}
	if err != nil {
		return document{}, sign, s.problem(err)
	}
	doc, err := s.parse(text)
	return doc, sign, err
}

// readSettled is read for a store that somebody may be writing in place: one
// that is empty, torn or suddenly gone is read again until it is whole, for
// two seconds. What did not mend in that time is not waited for again while
// it stays as it is.
func (s *Store) readSettled(ctx context.Context) (document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tears := s.where().tears()
	for deadline := time.Now().Add(settle); ; {
		doc, sign, err := s.read(ctx)
		if err == nil {
			s.seen, s.bad = true, signature{}
			return doc, nil
		}
		gone := gone(err)
		passing := tears && (transient(err) && s.bad != sign || gone && s.seen)
		if !passing || !time.Now().Before(deadline) || ctx.Err() != nil {
			if ctx.Err() == nil {
				s.seen, s.bad = s.seen && !gone, sign
			}
			return document{}, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(25 * time.Millisecond):
		}
	}
}

// transient reports whether a writer that writes in place leaves this for a
// moment.
func transient(err error) bool {
	var p *Problem
	return errors.As(err, &p) && (p.Kind == Empty || p.Kind == Torn || p.Kind == NotJSON || p.Kind == Trailing)
}

// signature tells whether a file is as it was.
type signature struct {
	size int64
	mod  time.Time
	here bool
}

func sign(path string) signature {
	info, err := os.Stat(path)
	if err != nil {
		return signature{}
	}
	return signature{info.Size(), info.ModTime(), true}
}
