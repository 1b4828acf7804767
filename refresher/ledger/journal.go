package ledger

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/replace"
	"lamplighter/refresher/exchange"
)

// answerRoom is what an answer may need in a record at most: its body in
// base64, and its header.
const answerRoom = (exchange.MaxBody+2)/3*4 + 16<<10

// A Sent is what a journal record says before the refresh token leaves: all
// that recovery needs to repeat the same request and to find the entry again.
type Sent struct {
	Key      credfiles.Key `json:"key"`
	ID       string        `json:"id"`
	Name     string        `json:"name,omitempty"`
	At       time.Time     `json:"at"`
	Post     exchange.Post `json:"post"`
	Before   plain         `json:"before"` // the token as it was read
	Client   string        `json:"client_id,omitempty"`
	Issuer   string        `json:"issuer,omitempty"`
	Endpoint string        `json:"endpoint,omitempty"` // where the store has it
	Server   string        `json:"server_url,omitempty"`
	Lineage  int           `json:"lineage"`
	// Protected means that the record is sealed, as its store is protected.
	Protected bool          `json:"protected,omitempty"`
	Unusable  bool          `json:"unusable,omitempty"` // no client could use the token as it was
	Write     bool          `json:"write,omitempty"`    // nothing is sent: the record is for the image of a write in place
	SignIn    *Registration `json:"sign_in,omitempty"`  // a code is sent, for a token of this registration
}

// A Registration is a client as an authorization server knows it.
type Registration struct {
	Issuer   string
	ClientID string
	Secret   credfiles.Secret
	Redirect string
}

type writtenRegistration struct {
	Issuer   string `json:"issuer,omitempty"`
	ClientID string `json:"client_id"`
	Secret   string `json:"client_secret,omitempty"`
	Redirect string `json:"redirect_uri,omitempty"`
}

// MarshalJSON reveals the secret: a journal record is what a restart writes
// the store from.
func (r Registration) MarshalJSON() ([]byte, error) {
	return json.Marshal(writtenRegistration{r.Issuer, r.ClientID, r.Secret.Reveal(), r.Redirect})
}

// UnmarshalJSON is its counterpart.
func (r *Registration) UnmarshalJSON(text []byte) error {
	var w writtenRegistration
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	*r = Registration{w.Issuer, w.ClientID, credfiles.NewSecret(w.Secret), w.Redirect}
	return nil
}

// Credential is the entry as it was read before the POST, as far as a write
// compares it.
func (s Sent) Credential() credfiles.Credential {
	return credfiles.Credential{
		Key: s.Key, ID: s.ID, Name: s.Name, Protected: s.Protected, Token: s.Before.Token,
		Grant: credfiles.Grant{ClientID: s.Client, Issuer: s.Issuer, Endpoint: s.Endpoint, ServerURL: s.Server},
	}
}

// SentOf describes a refresh that is about to begin.
func SentOf(c credfiles.Credential, p exchange.Post, lineage int, unusable bool) Sent {
	return Sent{
		Key: c.Key, ID: c.ID, Name: c.Name, At: time.Now(), Post: p, Before: plain{Token: c.Token},
		Client: c.ClientID, Issuer: c.Issuer, Endpoint: c.Endpoint, Server: c.ServerURL, Lineage: lineage, Unusable: unusable, Protected: c.Protected,
	}
}

// A Record is one refresh under way, in one file: what was sent, the raw
// answer, and an image of the store where it has to be written in place. Each
// is a line of JSON; the rest of the file is zeros. A line that a crash tore
// does not parse and counts as not written. It prints as its ID: the answer
// and the image hold tokens.
type Record struct {
	Sent   Sent
	For    string           // fingerprint of the refresh token that was sent
	Answer *exchange.Answer // nil until it came
	Image  []byte           // the store's new content, before it is written in place
	Sealed bool             // it cannot be read now: Sent has Key, ID and At only, and an Answer is not known

	l    *Ledger
	key  []byte // that it is sealed with; nil for a plain one
	f    *os.File
	next int64 // where the next line goes; an image may be written over
}

// Format writes the ID in every verb.
func (r Record) Format(f fmt.State, _ rune) { io.WriteString(f, r.Sent.ID) }

type line struct {
	Sent   *Sent            `json:"sent,omitempty"`
	Answer *exchange.Answer `json:"answer,omitempty"`
	Image  []byte           `json:"image,omitempty"`

	Box *box   `json:"box,omitempty"` // or one of these, sealed
	Of  *about `json:"of,omitempty"`
}

// about is what a sealed record says plainly.
type about struct {
	Key credfiles.Key `json:"key"`
	ID  string        `json:"id"`
	At  time.Time     `json:"at"`
	For string        `json:"for"` // the fingerprint of the refresh token
}

var errOther = errors.New("the journal record is of another credential")

// Begin writes the record of a refresh that is about to be sent: at its full
// size, so that a disk that fills up meanwhile cannot refuse the answer, and on
// disk when it returns. After an error nothing may be sent.
func (l *Locked) Begin(s Sent) (*Record, error) {
	r, err := l.begin(s)
	if err != nil {
		return nil, fmt.Errorf("the journal cannot be written, so nothing is sent: %w", err)
	}
	return r, nil
}

func (l *Locked) begin(s Sent) (*Record, error) {
	if s.Key != l.Key {
		return nil, errOther
	}
	r := &Record{Sent: s, For: l.Fingerprint(s.Before.Refresh), l: l.Ledger}
	room := int64(answerRoom)
	var err error
	if s.Protected {
		// Before anything is sent: what comes back must find the key in memory.
		if r.key, err = l.sealing(); err != nil {
			return nil, err
		}
		room = room/3*4 + 1<<10
	}
	text, err := r.line(line{Sent: &s}, &about{s.Key, s.ID, s.At, r.For})
	if err != nil {
		return nil, err
	}
	name := l.file("journal", l.Key)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	r.f = f
	if err = allocate(f, int64(len(text))+room); err == nil {
		if err = r.add(text); err == nil {
			err = syncFolder(filepath.Dir(name))
		}
	}
	if err != nil {
		r.Done()
		return nil, err
	}
	return r, nil
}

// Answered puts the raw answer on disk, before anybody looks at it. After an
// error it may be called again.
func (r *Record) Answered(a exchange.Answer) error {
	text, err := r.line(line{Answer: &a}, nil)
	if err != nil {
		return err
	}
	if err := r.add(text); err != nil {
		return err
	}
	r.Answer = &a
	return nil
}

// Imaged puts the store's whole new content on disk, before the store is
// written in place. It takes the place of an earlier image: the store was
// whole when this one was made.
func (r *Record) Imaged(store []byte) error {
	text, err := r.line(line{Image: store}, nil)
	if err != nil {
		return err
	}
	at := r.next
	if err := r.add(text); err != nil {
		return err
	}
	r.Image, r.next = store, at
	return nil
}

// line is a line of the record's file, without its end.
func (r *Record) line(of line, plainly *about) ([]byte, error) {
	text, err := json.Marshal(of)
	if err != nil || r.key == nil {
		return text, err
	}
	sealed := r.l.put(r.key, text, r.place())
	return json.Marshal(line{Box: &sealed, Of: plainly})
}

// place is where the record's lines may be opened.
func (r *Record) place() string { return "journal " + r.l.OwnerOf(r.Sent.Key) }

func (r *Record) add(text []byte) error {
	// What stood here before, a torn line or an older image, must not be read
	// as a line of its own: a zero ends the record.
	if _, err := r.f.WriteAt(append(text, '\n', 0), r.next); err != nil {
		return err
	}
	if err := r.f.Sync(); err != nil {
		return err
	}
	// Last, because the answer has to be on the disk as soon as it came.
	if !r.named() {
		return errors.New("the journal record was removed by another program")
	}
	r.next += int64(len(text)) + 1
	return nil
}

// named reports whether whoever comes next will find what is written.
func (r *Record) named() bool {
	ours, err1 := r.f.Stat()
	there, err2 := os.Stat(r.f.Name())
	return err1 == nil && err2 == nil && os.SameFile(ours, there)
}

// Done ends the record: its tokens are in the store, kept elsewhere, or not
// worth keeping.
func (r *Record) Done() error {
	r.f.Close()
	if err := os.Remove(r.f.Name()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Close leaves the record as it is, for the next one who takes the lock.
func (r *Record) Close() error { return r.f.Close() }

// Unfinished returns the record that a crash or a refusing store left, nil
// where there is none.
func (l *Locked) Unfinished() (*Record, error) {
	f, err := os.OpenFile(l.file("journal", l.Key), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r := &Record{l: l.Ledger, f: f}
	whole, err := r.read()
	var sealed *SealedError
	switch {
	case errors.As(err, &sealed):
		f.Close()
		sealed.For = r.For
		return nil, sealed
	case err != nil:
		f.Close()
		return nil, err
	case !whole:
		// Begin did not return: nothing was sent.
		return nil, r.Done()
	case r.Sent.Key != l.Key:
		f.Close()
		return nil, errOther
	}
	r.For = l.Fingerprint(r.Sent.Before.Refresh)
	return r, nil
}

// Drop ends a record that nobody will ever read.
func (l *Locked) Drop() error {
	if err := os.Remove(l.file("journal", l.Key)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Pending lists what the journal holds, for those who only look. An answer
// in it is one that waits for its store.
func (l *Ledger) Pending() ([]Record, error) {
	entries, err := os.ReadDir(filepath.Join(l.dir, "journal"))
	if err != nil {
		return nil, err
	}
	var all []Record
	for _, e := range entries {
		f, err := replace.Open(filepath.Join(l.dir, "journal", e.Name()))
		if err != nil {
			continue // ended meanwhile
		}
		r := Record{l: l, f: f}
		whole, err := r.read()
		var sealed *SealedError
		r.Sealed = errors.As(err, &sealed)
		if (err == nil && whole || r.Sealed) && l.OwnerOf(r.Sent.Key) == e.Name() {
			if !r.Sealed {
				r.For = l.Fingerprint(r.Sent.Before.Refresh)
			}
			all = append(all, r)
		}
		f.Close()
	}
	return all, nil
}

// read takes the lines that are whole; false where not even the first is. The
// error is a *SealedError where they cannot be opened: then Sent is what the
// record says plainly.
func (r *Record) read() (whole bool, err error) {
	in := bufio.NewReaderSize(r.f, 64<<10)
	for {
		if first, err := in.Peek(1); err == io.EOF || err == nil && first[0] == 0 {
			break
		} else if err != nil {
			return false, err
		}
		text, err := in.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return false, err
		}
		var l line
		if err == io.EOF || json.Unmarshal(bytes.TrimSpace(text), &l) != nil {
			break
		}
		if l.Box != nil {
			if l, err = r.opened(l); err != nil {
				return false, err
			}
		}
		switch {
		case l.Sent != nil && r.next == 0:
			r.Sent = *l.Sent
		case l.Answer != nil && r.next > 0:
			r.Answer = l.Answer
		case l.Image != nil && r.next > 0:
			r.Image = l.Image
			continue // and it may be written over
		default:
			return r.next > 0, nil
		}
		r.next += int64(len(text))
	}
	return r.next > 0, nil
}

// opened is what a sealed line holds.
func (r *Record) opened(sealed line) (l line, err error) {
	if sealed.Of != nil && r.next == 0 {
		r.Sent = Sent{Key: sealed.Of.Key, ID: sealed.Of.ID, At: sealed.Of.At, Protected: true}
		r.For = sealed.Of.For
	}
	text, err := r.l.open(*sealed.Box, r.place())
	if err != nil {
		return l, err
	}
	if r.key, err = r.l.unsealing(); err != nil {
		return l, err
	}
	return l, json.Unmarshal(text, &l)
}
