package secretservice

import (
	"context"
	"errors"
	"io/fs"

	"github.com/godbus/dbus/v5"

	"lamplighter/credfiles/keyring"
)

// ownService is the service that our own items name.
const ownService = "Lamplighter"

// Recall returns a secret of ours. The error is fs.ErrNotExist where it is
// certainly not there.
func (s *Service) Recall(ctx context.Context, name string) ([]byte, error) {
	return s.Read(ctx, ownService, name)
}

// Keep stores a secret of ours under a name that has none, where a collection
// is open that outlives the session: the default one, else another. The error
// is keyring.ErrLocked where such ones are locked, and keyring.ErrVolatile where
// there is none, or where the service would ask its user: then nothing is
// stored, and nobody asked.
func (s *Service) Keep(ctx context.Context, name string, text []byte) error {
	return s.ask(ctx, func(ctx context.Context, o owner) error {
		return s.create(ctx, o, ownService, name, text)
	})
}

// Put replaces the secret of an item, or makes one as Keep does.
func (s *Service) Put(ctx context.Context, service, account string, text []byte) error {
	return s.ask(ctx, func(ctx context.Context, o owner) error {
		path, err := o.find(ctx, service, account)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return s.create(ctx, o, service, account, text)
		case err != nil:
			return err
		}
		return s.replace(ctx, o, path, text)
	})
}

// Remove deletes an item.
func (s *Service) Remove(ctx context.Context, service, account string) error {
	return s.ask(ctx, func(ctx context.Context, o owner) error {
		path, err := o.find(ctx, service, account)
		if err != nil {
			return err
		}
		var prompt dbus.ObjectPath
		if err := o.call(ctx, path, itemInterface+".Delete").Store(&prompt); err != nil {
			return known(err)
		}
		if prompt != "/" {
			return keyring.ErrDenied // the prompt is left alone
		}
		return nil
	})
}

func (s *Service) create(ctx context.Context, o owner, service, account string, text []byte) error {
	collection, err := o.lasting(ctx)
	if err != nil {
		return err
	}
	if err := s.enter(ctx, o); err != nil {
		return err
	}
	sealed, err := s.session.seal(text)
	if err != nil {
		return err
	}
	sealed.ContentType = "text/plain"
	described := map[string]dbus.Variant{
		itemInterface + ".Label": dbus.MakeVariant("Lamplighter: " + account),
		itemInterface + ".Attributes": dbus.MakeVariant(map[string]string{
			serviceAttribute: service, accountAttribute: account, targetAttribute: target,
		}),
	}
	var made, prompt dbus.ObjectPath
	if err := o.call(ctx, collection, collectionInterface+".CreateItem", described, sealed, false).Store(&made, &prompt); err != nil {
		return err
	}
	if made == "/" {
		return keyring.ErrVolatile // the prompt is left alone
	}
	return nil
}

// lasting is an open collection that outlives the session.
func (o owner) lasting(ctx context.Context) (dbus.ObjectPath, error) {
	standard, err := o.standard(ctx)
	if err != nil {
		return "", err
	}
	all, err := o.collections(ctx)
	if err != nil {
		return "", err
	}
	closed := false
	for _, path := range append([]dbus.ObjectPath{standard}, all...) {
		if path == "/" || path == sessionCollection {
			continue
		}
		var locked dbus.Variant
		err := o.call(ctx, path, properties+".Get", collectionInterface, "Locked").Store(&locked)
		var e dbus.Error
		if err != nil && !errors.As(err, &e) {
			return "", err
		}
		if is, ok := locked.Value().(bool); err == nil && ok && !is {
			return path, nil
		}
		closed = closed || err == nil
	}
	if closed {
		return "", keyring.ErrLocked
	}
	return "", keyring.ErrVolatile
}
