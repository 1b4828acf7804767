package secretservice

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/godbus/dbus/v5"

	"lamplighter/credfiles/keyring"
)

// The attributes that Rust's keyring crate gives an item, and finds it by
// (3.6.3). Others, such as go-keyring, leave target out.
const (
	serviceAttribute = "service"
	accountAttribute = "username"
	targetAttribute  = "target"
	target           = "default"
	// keytarAttribute is what keytar for Node has in the place of username
	// (its source, src/keytar_posix.cc).
	keytarAttribute = "account"
)

// An item is one of the service's.
type item struct {
	path       dbus.ObjectPath
	attributes map[string]string
	locked     bool
	modified   uint64 // seconds since 1970
}

// account is the user that an item names.
func (i item) account() string {
	return cmp.Or(i.attributes[accountAttribute], i.attributes[keytarAttribute])
}

// List tells which items of a service there are. The error beside them is
// keyring.ErrLocked where a collection is locked that does not tell what is in
// it, and keyring.ErrVolatile where none outlives the session.
func (s *Service) List(ctx context.Context, service string) (all []keyring.Item, err error) {
	err = s.ask(ctx, func(ctx context.Context, o owner) error {
		items, err := o.search(ctx, map[string]string{serviceAttribute: service})
		if err != nil {
			return err
		}
		for len(items) > 0 {
			account := items[0].account()
			same := func(i item) bool { return i.account() == account }
			all = append(all, listed(account, slices.DeleteFunc(slices.Clone(items), func(i item) bool { return !same(i) })))
			items = slices.DeleteFunc(items, same)
		}
		return o.hidden(ctx)
	})
	if err != nil && !errors.Is(err, keyring.ErrLocked) && !errors.Is(err, keyring.ErrVolatile) {
		return nil, err
	}
	return all, err
}

// listed is what is told of the items of one account.
func listed(account string, items []item) keyring.Item {
	told := keyring.Item{Account: account, Locked: true}
	for _, i := range items {
		told.Locked = told.Locked && i.locked
		told.Stamp += string(i.path) + " " + strconv.FormatUint(i.modified, 10) + ";"
	}
	return told
}

// Read returns the secret of an item.
func (s *Service) Read(ctx context.Context, service, account string) (text []byte, err error) {
	err = s.ask(ctx, func(ctx context.Context, o owner) error {
		path, err := o.find(ctx, service, account)
		if err != nil {
			return err
		}
		text, _, err = s.secret(ctx, o, path)
		return err
	})
	return text, err
}

// Write replaces the secret of an item that is there. Its type stays what it
// was.
func (s *Service) Write(ctx context.Context, service, account string, text []byte) error {
	return s.ask(ctx, func(ctx context.Context, o owner) error {
		path, err := o.find(ctx, service, account)
		if err != nil {
			return err
		}
		return s.replace(ctx, o, path, text)
	})
}

func (s *Service) replace(ctx context.Context, o owner, path dbus.ObjectPath, text []byte) error {
	_, contentType, err := s.secret(ctx, o, path)
	if err != nil {
		return err
	}
	sealed, err := s.session.seal(text)
	if err != nil {
		return err
	}
	sealed.ContentType = contentType
	return known(o.call(ctx, path, itemInterface+".SetSecret", sealed).Err)
}

// secret reads one item.
func (s *Service) secret(ctx context.Context, o owner, path dbus.ObjectPath) (text []byte, contentType string, err error) {
	if err := s.enter(ctx, o); err != nil {
		return nil, "", err
	}
	var got secret
	if err := o.call(ctx, path, itemInterface+".GetSecret", s.session.path).Store(&got); err != nil {
		return nil, "", known(err)
	}
	text, err = s.session.unseal(got)
	return text, got.ContentType, err
}

// find is the item that Rust's keyring crate finds for an account: the one
// with its target, else the one in the default collection. Where there is none
// it is keytar's, which takes whichever comes first, so that there may be one
// only.
func (o owner) find(ctx context.Context, service, account string) (dbus.ObjectPath, error) {
	items, err := o.search(ctx, map[string]string{serviceAttribute: service, accountAttribute: account})
	if err != nil {
		return "", err
	}
	if len(items) == 0 {
		if items, err = o.search(ctx, map[string]string{serviceAttribute: service, keytarAttribute: account}); err != nil {
			return "", err
		}
		if len(items) > 0 {
			return lone(items)
		}
		if err := o.hidden(ctx); err != nil {
			return "", err // it may be there
		}
		return "", fs.ErrNotExist
	}
	fits := slices.DeleteFunc(slices.Clone(items), func(i item) bool { return i.attributes[targetAttribute] != target })
	if len(fits) == 0 {
		standard, err := o.standard(ctx)
		if err != nil {
			return "", err
		}
		fits = slices.DeleteFunc(items, func(i item) bool { return !strings.HasPrefix(string(i.path), string(standard)+"/") })
	}
	return lone(fits)
}

// lone is the one item that there may be.
func lone(fits []item) (dbus.ObjectPath, error) {
	switch {
	case len(fits) == 0:
		return "", fs.ErrNotExist
	case len(fits) > 1:
		return "", keyring.ErrDouble
	case fits[0].locked:
		return "", keyring.ErrLocked
	}
	return fits[0].path, nil
}

// search finds items, locked ones too, by attributes that are among theirs.
func (o owner) search(ctx context.Context, attributes map[string]string) (all []item, err error) {
	var open, locked []dbus.ObjectPath
	if err := o.call(ctx, servicePath, serviceInterface+".SearchItems", attributes).Store(&open, &locked); err != nil {
		return nil, err
	}
	slices.Sort(open)
	slices.Sort(locked)
	for n, path := range append(open, locked...) {
		i, err := o.item(ctx, path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		i.locked = i.locked || n >= len(open)
		all = append(all, i)
	}
	return all, nil
}

// item reads what may be read without the secret.
func (o owner) item(ctx context.Context, path dbus.ObjectPath) (item, error) {
	i := item{path: path}
	var all map[string]dbus.Variant
	if err := o.call(ctx, path, properties+".GetAll", itemInterface).Store(&all); err != nil {
		return i, known(err)
	}
	for name, to := range map[string]any{"Attributes": &i.attributes, "Locked": &i.locked, "Modified": &i.modified} {
		if v, ok := all[name]; ok {
			if err := v.Store(to); err != nil {
				return i, errors.New("the keyring tells an item's " + name + " in a shape of its own")
			}
		}
	}
	return i, nil
}

// hidden is keyring.ErrLocked where the collection that clients put their items
// in is locked and shows none, as those of KeePassXC and KWallet do, and
// keyring.ErrVolatile where there is none that outlives the session, as while
// KeePassXC has none open: what is not found then may still be there.
func (o owner) hidden(ctx context.Context) error {
	standard, err := o.standard(ctx)
	if err != nil {
		return err
	}
	paths := []dbus.ObjectPath{standard}
	if standard == "/" || standard == sessionCollection {
		if paths, err = o.collections(ctx); err != nil {
			return err
		}
	}
	lasting := 0
	for _, path := range paths {
		var all map[string]dbus.Variant
		if err := known(o.call(ctx, path, properties+".GetAll", collectionInterface).Store(&all)); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			return err
		}
		locked, _ := all["Locked"].Value().(bool)
		items, _ := all["Items"].Value().([]dbus.ObjectPath)
		if locked && len(items) == 0 {
			return keyring.ErrLocked
		}
		if path != sessionCollection {
			lasting++
		}
	}
	if lasting == 0 {
		return keyring.ErrVolatile
	}
	return nil
}

// Lasts is nil where the items that programs make outlive the session: where
// the default collection does. Else it is keyring.ErrVolatile, or why that
// cannot be told.
func (s *Service) Lasts(ctx context.Context) error {
	return s.ask(ctx, func(ctx context.Context, o owner) error {
		standard, err := o.standard(ctx)
		if err != nil {
			return err
		}
		if standard == "/" || standard == sessionCollection {
			return keyring.ErrVolatile
		}
		return nil
	})
}

// sessionCollection is GNOME Keyring's for what ends with the session.
const sessionCollection = "/org/freedesktop/secrets/collection/session"

// standard is the collection that programs put their items in; "/" where there
// is none.
func (o owner) standard(ctx context.Context) (path dbus.ObjectPath, err error) {
	err = o.call(ctx, servicePath, serviceInterface+".ReadAlias", "default").Store(&path)
	return path, err
}

// collections are all that there are.
func (o owner) collections(ctx context.Context) (paths []dbus.ObjectPath, err error) {
	var all dbus.Variant
	err = o.call(ctx, servicePath, properties+".Get", serviceInterface, "Collections").Store(&all)
	if err == nil {
		err = all.Store(&paths)
	}
	return paths, err
}

// known says fs.ErrNotExist of an object that is not there any more.
func known(err error) error {
	var e dbus.Error
	if errors.As(err, &e) && (e.Name == "org.freedesktop.Secret.Error.NoSuchObject" || e.Name == busName+".Error.UnknownMethod" || e.Name == busName+".Error.UnknownObject") {
		return fs.ErrNotExist
	}
	return err
}
