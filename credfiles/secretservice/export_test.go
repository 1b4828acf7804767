package secretservice

import "context"

// Exchange begins a session as where the service wants no plain secrets, and
// Key is its key.
func (s *Service) Exchange(ctx context.Context) error {
	return s.ask(ctx, func(ctx context.Context, o owner) (err error) {
		s.session, err = session{of: o.name}.exchange(ctx, o)
		return err
	})
}

// Key is that of the session; nil where secrets travel as they are.
func (s *Service) Key() []byte { return s.session.key }
