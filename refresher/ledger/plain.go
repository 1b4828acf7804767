package ledger

import (
	"encoding/json"
	"time"

	"lamplighter/credfiles"
)

// plain is a Token as the journal and the kept records write it: readable. It
// prints as a Token does, without its secrets.
type plain struct{ credfiles.Token }

type written struct {
	Access        string    `json:"access,omitempty"`
	Refresh       string    `json:"refresh,omitempty"`
	Expiry        time.Time `json:"expiry,omitzero"`
	RefreshExpiry time.Time `json:"refresh_expiry,omitzero"`
	Scope         string    `json:"scope,omitempty"`
}

// MarshalJSON reveals the token.
func (p plain) MarshalJSON() ([]byte, error) {
	return json.Marshal(written{p.Access.Reveal(), p.Refresh.Reveal(), p.Expiry, p.RefreshExpiry, p.Scope})
}

// UnmarshalJSON is its counterpart.
func (p *plain) UnmarshalJSON(text []byte) error {
	var w written
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	p.Token = credfiles.Token{
		Access: credfiles.NewSecret(w.Access), Refresh: credfiles.NewSecret(w.Refresh),
		Expiry: w.Expiry, RefreshExpiry: w.RefreshExpiry, Scope: w.Scope,
	}
	return nil
}
