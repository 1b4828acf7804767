package credfiles

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/replace"
)

// An ownPlace is the file of an own credential, sealed where the system has a
// keyring. One that is not there is the same as one with nothing in it: what
// the user defined is there as long as it stands in the config.
type ownPlace struct{ s *Store }

// ownFile is what stands in it. Only we write it, and whole.
type ownFile struct {
	Version int `json:"version"`
	// Grant is whose the tokens are, and Asked what they were asked for: others
	// are defined by now where these are not what the config says.
	Grant string `json:"grant"`
	Asked string `json:"asked"`

	Entry  string `json:"entry,omitempty"`  // a JSON object, as a text
	Sealed []byte `json:"sealed,omitempty"` // or that, sealed
}

func (p ownPlace) look(context.Context) ([]byte, signature, error) {
	sign := sign(p.s.path)
	text, err := readFile(p.s.path, maxSize)
	if gone(err) {
		return []byte("{}"), sign, nil
	}
	if err != nil {
		return nil, sign, err
	}
	entry, err := p.entry(text)
	p.s.waits.Store(ringKind(err) != "")
	return entry, sign, err
}

// entry is the entry in a file, without what is not its any more.
func (p ownPlace) entry(text []byte) ([]byte, error) {
	var f ownFile
	if err := json.Unmarshal(text, &f); err != nil || f.Version != 1 {
		return nil, p.s.odd("")
	}
	entry := []byte(f.Entry)
	p.s.shut.Store(f.Sealed != nil)
	if f.Sealed != nil {
		if p.s.host.Own.Sealer == nil {
			return nil, ErrKeyGone
		}
		var err error
		if entry, err = p.s.host.Own.Sealer.Open(f.Sealed, p.sealedFor()); err != nil {
			return nil, err
		}
	}
	switch grant, asked := p.s.own.prints(); {
	case f.Grant != grant:
		return []byte("{}"), nil // another client's, or another server's
	case f.Asked != asked:
		return lacking(entry, "access_token", "expires_at", "scope")
	}
	return entry, nil
}

// lacking is a JSON object without some members. It comes out the same each
// time.
func lacking(text []byte, names ...string) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, err
	}
	for _, name := range names {
		delete(members, name)
	}
	return json.Marshal(members)
}

// prints tell whose tokens these are, and what they were asked for.
func (o *Own) prints() (grant, asked string) {
	print := func(parts ...string) string {
		sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
		return hex.EncodeToString(sum[:16])
	}
	return print(o.Grant, o.TokenURL, o.Issuer, o.ClientID),
		print(o.Scope, o.Resource, o.Audience, o.parameters())
}

// sealedFor is where a text of this store may be opened.
func (p ownPlace) sealedFor() string { return "own " + p.s.own.Name }

func (p ownPlace) exists() bool { return true }
func (p ownPlace) tears() bool  { return false }

func (p ownPlace) ready(context.Context, int) (ready, error) {
	// That the key is to be had, and the folder to be written, has to be known
	// before a token is asked for.
	if _, err := p.file([]byte("{}")); err != nil {
		return ready{}, err
	}
	replace.Leftovers(p.s.path)
	if err := writable(p.s.path); err != nil {
		return ready{}, err
	}
	return ready{over: func(_ context.Context, data []byte) error {
		text, err := p.file(data)
		if err != nil {
			return err
		}
		return replace.File(p.s.path, text, 0o600)
	}}, nil
}

// begin makes the file of a store that has none: what is in the journal must be
// sealed if the store is. The error is ErrGone for one that was removed.
func (p ownPlace) begin() error {
	if still := p.s.host.Own.Still; still != nil && !still(p.s.own.Name) {
		return ErrGone
	}
	if _, err := os.Lstat(p.s.path); !gone(err) {
		return err
	}
	text, err := p.file([]byte("{}"))
	if err == nil {
		err = os.MkdirAll(p.s.home, 0o700)
	}
	if err == nil {
		err = replace.File(p.s.path, text, 0o600)
	}
	return err
}

// writable reports why a file could not be replaced.
func writable(path string) error {
	target, err := replace.Prepare(path, maxSecret)
	if err != nil {
		return err
	}
	return target.Close()
}

// file is the text of a file with an entry.
func (p ownPlace) file(entry []byte) (text []byte, err error) {
	f := ownFile{Version: 1}
	f.Grant, f.Asked = p.s.own.prints()
	if p.s.host.Own.Sealer != nil {
		if f.Sealed, err = p.s.host.Own.Sealer.Seal(entry, p.sealedFor()); err != nil {
			return nil, err
		}
	}
	if f.Sealed == nil {
		f.Entry = string(entry)
	}
	text, err = json.Marshal(f)
	return append(text, '\n'), err
}

// Erase removes the file of an own credential.
func (o *Owned) Erase(name string) error {
	replace.Leftovers(o.Path(name))
	if err := os.Remove(o.Path(name)); err != nil && !gone(err) {
		return err
	}
	os.Remove(o.Dir) // if it was the last
	return nil
}

// Left reports that there is a file of one that is not defined any more.
func (o *Owned) Left(name string) bool {
	if name == "" || name != filepath.Base(name) || slices.ContainsFunc(o.All, func(own Own) bool { return own.Name == name }) {
		return false
	}
	_, err := os.Lstat(o.Path(name))
	return err == nil
}

// Entrust puts into the store of an own credential what a person hands over: the
// client's secret, a refresh token with which the tokens before it go, or both;
// one that is zero stays as it is.
func (h *Hold) Entrust(secret, refresh Secret) error {
	doc, err := h.store.readSettled(context.Background())
	switch {
	case errors.Is(err, ErrKeyGone):
		doc.text = []byte("{}") // nobody will ever read what was there
	case err != nil:
		return err
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(doc.text, &members); err != nil {
		return err
	}
	if !secret.IsZero() {
		members["client_secret"] = jsonedit.Quote(secret.Reveal())
	}
	if !refresh.IsZero() {
		for _, of := range []string{"access_token", "expires_at", "scope", "refresh_token_expires_at"} {
			delete(members, of)
		}
		members["refresh_token"] = jsonedit.Quote(refresh.Reveal())
	}
	text, err := json.Marshal(members)
	if err != nil {
		return err
	}
	made, err := h.store.where().ready(context.Background(), len(text))
	if err != nil {
		return h.store.problem(err)
	}
	if err := made.over(context.Background(), text); err != nil {
		return h.store.problem(err)
	}
	return nil
}
