package ledger

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher/exchange"
)

// room is what a journal record may need at most: an answer of 1 MiB in
// base64 with its header, and what was sent. It is allocated before the POST,
// so that a disk that fills up meanwhile cannot refuse the answer.
const room = 1<<20/3*4 + 64<<10

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
	Server   string        `json:"server_url,omitempty"`
	Lineage  int           `json:"lineage"`
	Unusable bool          `json:"unusable,omitempty"` // no client could use the token as it was
	Write    bool          `json:"write,omitempty"`    // nothing is sent: the record is for the image of a write in place
}

// Credential is the entry as it was read before the POST, as far as a write
// compares it.
func (s Sent) Credential() credfiles.Credential {
	return credfiles.Credential{
		Key: s.Key, ID: s.ID, Name: s.Name, Token: s.Before.token(),
		Grant: credfiles.Grant{ClientID: s.Client, Issuer: s.Issuer, ServerURL: s.Server},
	}
}

// SentOf describes a refresh that is about to begin.
func SentOf(c credfiles.Credential, p exchange.Post, lineage int, unusable bool) Sent {
	return Sent{
		Key: c.Key, ID: c.ID, Name: c.Name, At: time.Now(), Post: p, Before: plainOf(c.Token),
		Client: c.ClientID, Issuer: c.Issuer, Server: c.ServerURL, Lineage: lineage, Unusable: unusable,
	}
}

// A Record is one refresh under way, in one file: what was sent, the raw
// answer, and an image of the store where it has to be written in place. Each
// is a line of JSON; the rest of the file is zeros. A line that a crash tore
// does not parse and counts as not written.
type Record struct {
	Sent   Sent
	Answer *exchange.Answer // nil until it came
	Image  []byte           // the store's new content, before it is written in place

	f    *os.File
	next int64 // where the next line goes
}

type line struct {
	Sent   *Sent            `json:"sent,omitempty"`
	Answer *exchange.Answer `json:"answer,omitempty"`
	Image  []byte           `json:"image,omitempty"`
}

// Begin writes the record of a refresh that is about to be sent: at its full
// size and on disk when it returns. After an error nothing may be sent.
func (l *Locked) Begin(s Sent) (*Record, error) {
	name := l.file("journal", l.Key)
	if l.file("journal", s.Key) != name {
		return nil, errors.New("the journal record is of another credential")
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the journal cannot be written, so nothing is sent: %w", err)
	}
	r := &Record{Sent: s, f: f}
	if err = allocate(f, room); err == nil {
		if err = r.add(line{Sent: &s}); err == nil {
			err = syncFolder(filepath.Dir(name))
		}
	}
	if err != nil {
		r.Done()
		return nil, fmt.Errorf("the journal cannot be written, so nothing is sent: %w", err)
	}
	return r, nil
}

// Answered puts the raw answer on disk, before anybody looks at it.
func (r *Record) Answered(a exchange.Answer) error {
	if err := r.add(line{Answer: &a}); err != nil {
		return err
	}
	r.Answer = &a
	return nil
}

// Imaged puts the store's whole new content on disk, before the store is
// written in place.
func (r *Record) Imaged(store []byte) error {
	if err := r.add(line{Image: store}); err != nil {
		return err
	}
	r.Image = store
	return nil
}

func (r *Record) add(l line) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if _, err := r.f.WriteAt(text, r.next); err != nil {
		return err
	}
	r.next += int64(len(text))
	return r.f.Sync()
}

// Done ends the record: its tokens are in the store, kept elsewhere, or not
// worth keeping.
func (r *Record) Done() error {
	name := r.f.Name()
	r.f.Close()
	return os.Remove(name)
}

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
	r := &Record{f: f}
	if !r.read() {
		// Begin did not return: nothing was sent.
		return nil, r.Done()
	}
	return r, nil
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
		f, err := os.Open(filepath.Join(l.dir, "journal", e.Name()))
		if err != nil {
			continue // ended meanwhile
		}
		r := Record{f: f}
		if r.read() {
			all = append(all, r)
		}
		f.Close()
	}
	return all, nil
}

// read takes the lines that are whole; false where not even the first is.
func (r *Record) read() bool {
	in := bufio.NewReaderSize(r.f, 64<<10)
	for {
		text, err := in.ReadBytes('\n')
		if err != nil || text[0] == 0 {
			break
		}
		var l line
		if json.Unmarshal(bytes.TrimSpace(text), &l) != nil {
			break
		}
		r.next += int64(len(text))
		switch {
		case l.Sent != nil:
			r.Sent = *l.Sent
		case l.Answer != nil:
			r.Answer = l.Answer
		case l.Image != nil:
			r.Image = l.Image
		}
	}
	return r.next > 0
}
