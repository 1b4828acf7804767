package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/clientlock"
	"lamplighter/credfiles/replace"
)

// A Place is where access tokens are delivered: a file, an item of the keyring,
// or a secret of Vault.
type Place struct {
	File    string `json:"file,omitempty"`
	Service string `json:"service,omitempty"`
	Account string `json:"account,omitempty"`
	Vault   string `json:"vault,omitempty"`
}

// A Delivery is what is remembered of one place. Texts stand in it as their
// fingerprints.
type Delivery struct {
	Place
	ID   string   `json:"id"`             // of the credential that was put there last
	Text string   `json:"text,omitempty"` // what was put there last
	Next []string `json:"next,omitempty"` // what may have been put there since

	Failures int       `json:"failures,omitempty"` // in a row
	Until    time.Time `json:"until,omitzero"`     // no attempt before
	Why      string    `json:"why,omitempty"`      // of the last failure
}

// mostNext bounds how many texts may be the one that is there, after as many
// failures without a success.
const mostNext = 16

// Begin notes that a text is about to be put there.
func (d *Delivery) Begin(text string) {
	if !slices.Contains(d.Next, text) {
		d.Next = append(d.Next, text)
		d.Next = d.Next[max(0, len(d.Next)-mostNext):]
	}
}

// Done notes that it is there.
func (d *Delivery) Done(text string) {
	*d = Delivery{Place: d.Place, ID: d.ID, Text: text}
}

// Ours reports whether a text with this fingerprint is one that we put there.
func (d Delivery) Ours(text string) bool {
	return text != "" && (text == d.Text || slices.Contains(d.Next, text))
}

// Is reports that this text of this credential was put there last.
func (d Delivery) Is(id, text string) bool { return d.ID == id && d.Text == text && text != "" }

// Delivery reads what is remembered of a place. A damaged record counts as
// nothing; one that cannot be read does not.
func (l *Ledger) Delivery(p Place) (d Delivery, err error) {
	text, err := os.ReadFile(l.deliveryFile(p))
	if errors.Is(err, fs.ErrNotExist) || err == nil && json.Unmarshal(text, &d) != nil {
		d, err = Delivery{}, nil
	}
	d.Place = p
	return d, err
}

// Deliveries are all that is remembered.
func (l *Ledger) Deliveries() (all []Delivery, err error) {
	entries, err := os.ReadDir(filepath.Join(l.dir, "deliveries"))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue // on its way
		}
		var d Delivery
		text, err := os.ReadFile(filepath.Join(l.dir, "deliveries", e.Name()))
		if err == nil && json.Unmarshal(text, &d) == nil {
			all = append(all, d)
		}
	}
	return all, nil
}

// A LockedDelivery is one place while nobody else of ours puts anything there.
type LockedDelivery struct {
	Delivery
	l    *Ledger
	held *clientlock.Lock
}

// LockDelivery takes our lock on a place. ctx bounds the wait.
func (l *Ledger) LockDelivery(ctx context.Context, p Place) (*LockedDelivery, error) {
	held, err := clientlock.File(ctx, filepath.Join(l.dir, "locks", "delivery-"+l.nameOf(p)), clientlock.FileOptions{
		Mode: 0o600, FolderMode: 0o700, Retry: 20 * time.Millisecond,
	})
	if err != nil {
		return nil, err
	}
	lk := &LockedDelivery{l: l, held: held}
	if err := l.same(); err != nil {
		held.Release()
		return nil, err
	}
	if lk.Delivery, err = l.Delivery(p); err != nil {
		held.Release()
		return nil, err
	}
	return lk, nil
}

// Save replaces what is remembered.
func (lk *LockedDelivery) Save() error {
	text, err := json.Marshal(lk.Delivery)
	if err != nil {
		return err
	}
	return replace.File(lk.l.deliveryFile(lk.Place), append(text, '\n'), 0o600)
}

// Forget removes what is remembered.
func (lk *LockedDelivery) Forget() error {
	if err := os.Remove(lk.l.deliveryFile(lk.Place)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Unlock lets others in.
func (lk *LockedDelivery) Unlock() error { return lk.held.Release() }

func (l *Ledger) deliveryFile(p Place) string { return filepath.Join(l.dir, "deliveries", l.nameOf(p)) }

func (l *Ledger) nameOf(p Place) string {
	return l.OwnerOf(credfiles.Key{Store: strings.Join([]string{p.File, p.Vault}, "\x00"), Entry: p.Service + "\x00" + p.Account})
}
