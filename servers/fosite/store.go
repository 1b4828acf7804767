package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/ory/fosite"
)

// A store is what the server knows, in memory and in a file. Each change is in
// the file before the answer that tells of it.
type store struct {
	mu   sync.Mutex
	name string
	known
}

type known struct {
	Clients map[string]*fosite.DefaultClient
	Codes   map[string]*record
	PKCE    map[string]*record
	Access  map[string]*record
	Refresh map[string]*record
}

// A record is a request that was granted something.
type record struct {
	ID        string
	At        time.Time
	Client    string
	Requested []string
	Granted   []string
	Form      url.Values
	Session   *fosite.DefaultSession
	Used      bool   // a code that was redeemed, a refresh token that was replaced
	Access    string // the access token that came with a refresh token
}

// open reads the file, if there is one.
func open(name string) (*store, error) {
	s := &store{name: name, known: known{
		Clients: map[string]*fosite.DefaultClient{}, Codes: map[string]*record{}, PKCE: map[string]*record{},
		Access: map[string]*record{}, Refresh: map[string]*record{},
	}}
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	return s, json.Unmarshal(text, &s.known)
}

// change makes a change and writes it down.
func (s *store) change(do func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := do(); err != nil {
		return err
	}
	text, err := json.Marshal(s.known)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.name+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(s.name+".new", s.name)
}

func (s *store) addClient(c *fosite.DefaultClient) error {
	return s.change(func() error { s.Clients[c.ID] = c; return nil })
}

func (s *store) removeClient(id string) error {
	return s.change(func() error { delete(s.Clients, id); return nil })
}

func (s *store) put(in map[string]*record, key string, r fosite.Requester, access string) error {
	session, _ := r.GetSession().Clone().(*fosite.DefaultSession)
	return s.change(func() error {
		in[key] = &record{
			ID: r.GetID(), At: r.GetRequestedAt(), Client: r.GetClient().GetID(), Requested: r.GetRequestedScopes(),
			Granted: r.GetGrantedScopes(), Form: r.GetRequestForm(), Session: session, Access: access,
		}
		return nil
	})
}

// get returns what was granted, with used as the error if it is used up.
func (s *store) get(in map[string]*record, key string, used error) (fosite.Requester, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec := in[key]
	if rec == nil {
		return nil, fosite.ErrNotFound
	}
	var client fosite.Client = &fosite.DefaultClient{ID: rec.Client}
	if c := s.Clients[rec.Client]; c != nil {
		client = c
	}
	r := fosite.NewRequest()
	r.ID, r.RequestedAt, r.Client, r.Form, r.Session = rec.ID, rec.At, client, rec.Form, rec.Session.Clone()
	r.RequestedScope, r.GrantedScope = rec.Requested, rec.Granted
	if rec.Used {
		return r, used
	}
	return r, nil
}

func (s *store) drop(in map[string]*record, key string) error {
	return s.change(func() error { delete(in, key); return nil })
}

// GetClient is of fosite.ClientManager.
func (s *store) GetClient(_ context.Context, id string) (fosite.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.Clients[id]; c != nil {
		return c, nil
	}
	return nil, fosite.ErrNotFound
}

// No client authenticates with an assertion.

func (s *store) ClientAssertionJWTValid(context.Context, string) error { return fosite.ErrNotFound }

func (s *store) SetClientAssertionJWT(context.Context, string, time.Time) error {
	return fosite.ErrNotFound
}

func (s *store) CreateAuthorizeCodeSession(_ context.Context, code string, r fosite.Requester) error {
	return s.put(s.Codes, code, r, "")
}

func (s *store) GetAuthorizeCodeSession(_ context.Context, code string, _ fosite.Session) (fosite.Requester, error) {
	return s.get(s.Codes, code, fosite.ErrInvalidatedAuthorizeCode)
}

func (s *store) InvalidateAuthorizeCodeSession(_ context.Context, code string) error {
	return s.change(func() error {
		if s.Codes[code] == nil {
			return fosite.ErrNotFound
		}
		s.Codes[code].Used = true
		return nil
	})
}

func (s *store) CreatePKCERequestSession(_ context.Context, code string, r fosite.Requester) error {
	return s.put(s.PKCE, code, r, "")
}

func (s *store) GetPKCERequestSession(_ context.Context, code string, _ fosite.Session) (fosite.Requester, error) {
	return s.get(s.PKCE, code, nil)
}

func (s *store) DeletePKCERequestSession(_ context.Context, code string) error {
	return s.drop(s.PKCE, code)
}

func (s *store) CreateAccessTokenSession(_ context.Context, signature string, r fosite.Requester) error {
	return s.put(s.Access, signature, r, "")
}

func (s *store) GetAccessTokenSession(_ context.Context, signature string, _ fosite.Session) (fosite.Requester, error) {
	return s.get(s.Access, signature, nil)
}

func (s *store) DeleteAccessTokenSession(_ context.Context, signature string) error {
	return s.drop(s.Access, signature)
}

func (s *store) CreateRefreshTokenSession(_ context.Context, signature, access string, r fosite.Requester) error {
	return s.put(s.Refresh, signature, r, access)
}

func (s *store) GetRefreshTokenSession(_ context.Context, signature string, _ fosite.Session) (fosite.Requester, error) {
	return s.get(s.Refresh, signature, fosite.ErrInactiveToken)
}

func (s *store) DeleteRefreshTokenSession(_ context.Context, signature string) error {
	return s.drop(s.Refresh, signature)
}

// RotateRefreshToken uses up one refresh token of a grant, and ends the access
// token that came with it, as fosite's own store does.
func (s *store) RotateRefreshToken(_ context.Context, _ string, signature string) error {
	return s.change(func() error {
		rec := s.Refresh[signature]
		if rec == nil {
			return fosite.ErrNotFound
		}
		rec.Used = true
		delete(s.Access, rec.Access)
		return nil
	})
}

// RevokeRefreshToken ends all refresh tokens of a grant.
func (s *store) RevokeRefreshToken(_ context.Context, grant string) error {
	return s.change(func() error {
		for _, rec := range s.Refresh {
			if rec.ID == grant {
				rec.Used = true
			}
		}
		return nil
	})
}

// RevokeAccessToken ends all access tokens of a grant.
func (s *store) RevokeAccessToken(_ context.Context, grant string) error {
	return s.change(func() error {
		for signature, rec := range s.Access {
			if rec.ID == grant {
				delete(s.Access, signature)
			}
		}
		return nil
	})
}
