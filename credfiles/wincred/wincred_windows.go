package wincred

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/danieljoos/wincred"
	"golang.org/x/sys/windows"

	"lamplighter/credfiles/keyring"
)

// most is how many bytes Windows takes as a blob (CRED_MAX_CREDENTIAL_BLOB_SIZE
// in wincred.h). Wine 8 takes more (observed).
const most = 5 * 512

// A Manager is the Credential Manager of the user who runs this program. Its
// calls answer with keyring.ErrSlow when ctx has ended: Windows gives no way to
// end them.
type Manager struct{}

// List tells which items of a service there are. Windows hands over the secrets
// of all programs with their names; they are wiped unread.
func (Manager) List(ctx context.Context, service string) ([]keyring.Item, error) {
	return keyring.InTime(ctx, func() ([]keyring.Item, error) {
		all, err := wincred.List()
		if err != nil {
			return nil, named(err, "the items of "+service)
		}
		var items []keyring.Item
		for _, c := range all {
			clear(c.CredentialBlob)
			account, ok := strings.CutSuffix(c.TargetName, "."+service)
			if !ok {
				account, ok = strings.CutPrefix(c.TargetName, service+"/")
			}
			if ok && account != "" {
				items = append(items, keyring.Item{Account: account, Stamp: strconv.FormatInt(c.LastWritten.UnixNano(), 10)})
			}
		}
		return items, nil
	})
}

// A form is how a library calls an item, and what it makes of a text.
type form struct {
	name   func(service, account string) string
	decode func(blob []byte) ([]byte, error)
	encode func(text []byte) []byte
	limit  int // bytes of UTF-8 that are sure to fit
}

// forms are those of Rust's keyring crate (3.6.3) and of keytar for Node (its
// source, src/keytar_win.cc), in the order in which an item is looked for.
var forms = []form{
	{func(service, account string) string { return account + "." + service }, decode, encode, most / 2},
	{func(service, account string) string { return service + "/" + account }, plain, slices.Clone[[]byte], most},
}

// plain is a blob that is a text in UTF-8.
func plain(blob []byte) ([]byte, error) {
	if !utf8.Valid(blob) {
		return nil, errors.New("its secret is no text in UTF-8")
	}
	return slices.Clone(blob), nil
}

// Read returns a secret in UTF-8.
func (Manager) Read(ctx context.Context, service, account string) ([]byte, error) {
	return keyring.InTime(ctx, func() ([]byte, error) {
		c, form, err := get(service, account)
		if err != nil {
			return nil, err
		}
		text, err := form.decode(c.CredentialBlob)
		return text, named(err, c.TargetName)
	})
}

// Write replaces the blob of an item that is there. Its user name, comment,
// persistence and attributes are written as they were read just before, since
// Windows replaces an item whole; so nothing else of it changes (observed with
// Wine 8). What does not fit is keyring.ErrFull, before
// anything is written. After an error that names the read-back the item is to be
// looked at again.
func (Manager) Write(ctx context.Context, service, account string, secret []byte) error {
	_, err := keyring.InTime(ctx, func() (struct{}, error) { return struct{}{}, write(service, account, secret) })
	return err
}

func write(service, account string, secret []byte) error {
	c, form, err := get(service, account)
	if err != nil {
		return err
	}
	blob, name := form.encode(secret), c.TargetName
	switch {
	case !utf8.Valid(secret):
		return named(errors.New("what is to be written is no text"), name)
	case len(blob) > most:
		return named(fmt.Errorf("%w: it needs %d bytes, and %d is the most", keyring.ErrFull, len(blob), most), name)
	}
	c.CredentialBlob = blob
	if err := c.Write(); err != nil {
		return named(err, name)
	}
	now, _, err := get(service, account)
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	now.LastWritten = c.LastWritten
	switch {
	case !bytes.Equal(now.CredentialBlob, blob):
		return named(errors.New("read back: it has another secret than was written"), name)
	case !reflect.DeepEqual(now, c):
		return named(errors.New("read back: more than the secret is another"), name)
	}
	return nil
}

// Limit is the longest secret that is sure to fit into an item. In UTF-16 a text
// has no more units than bytes in UTF-8, and each takes two.
func (Manager) Limit(service, account string) int {
	ctx, cancel := context.WithTimeout(context.Background(), keyring.Patience)
	defer cancel()
	limit, err := keyring.InTime(ctx, func() (int, error) {
		_, form, err := get(service, account)
		return form.limit, err
	})
	if err != nil {
		return most / 2
	}
	return limit
}

// get is an item in the first form in which it is there. The error is the first
// one's.
func get(service, account string) (c *wincred.GenericCredential, f form, err error) {
	var first error
	for _, f := range forms {
		name := f.name(service, account)
		if c, err = wincred.GetGenericCredential(name); err == nil {
			return c, f, nil
		}
		if first == nil {
			first = named(err, name)
		}
		if !errors.Is(err, wincred.ErrElementNotFound) {
			break
		}
	}
	return nil, f, first
}

// named says which item an error is about, in the words of package keyring.
func named(err error, item string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, wincred.ErrElementNotFound):
		err = fs.ErrNotExist
	case errors.Is(err, windows.ERROR_NO_SUCH_LOGON_SESSION):
		err = keyring.ErrAbsent // as for who came over the network
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		err = keyring.ErrDenied
	}
	return fmt.Errorf("%s in the Credential Manager: %w", item, err)
}

// decode makes UTF-8 of a blob. One that could not be written back as it was is
// not passed on.
func decode(blob []byte) ([]byte, error) {
	units := make([]uint16, len(blob)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(blob[2*i:])
	}
	text := []byte(string(utf16.Decode(units)))
	if !bytes.Equal(encode(text), blob) {
		return nil, errors.New("its secret is no text in UTF-16")
	}
	return text, nil
}

// encode makes a blob of UTF-8.
func encode(text []byte) (blob []byte) {
	for _, unit := range utf16.Encode([]rune(string(text))) {
		blob = binary.LittleEndian.AppendUint16(blob, unit)
	}
	return blob
}
