package ledger

import (
	"encoding/json"
	"time"

	"lamplighter/credfiles"
)

// plain is a Token as the journal and the kept records write it: readable. It
// prints as a Token does, without its secrets.
type plain struct {
	credfiles.Token
	text credfiles.Secret // the whole entry around it, where that is kept
}

type written struct {
	Access        string    `json:"access,omitempty"`
	Refresh       string    `json:"refresh,omitempty"`
	Expiry        time.Time `json:"expiry,omitzero"`
	RefreshExpiry time.Time `json:"refresh_expiry,omitzero"`
	Scope         string    `json:"scope,omitempty"`
	Text          string    `json:"text,omitempty"`
}

// MarshalJSON reveals the token.
func (p plain) MarshalJSON() ([]byte, error) {
	return json.Marshal(written{p.Access.Reveal(), p.Refresh.Reveal(), p.Expiry, p.RefreshExpiry, p.Scope, p.text.Reveal()})
}

// UnmarshalJSON is its counterpart.
func (p *plain) UnmarshalJSON(text []byte) error {
	var w written
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	p.text = credfiles.NewSecret(w.Text)
	p.Token = credfiles.Token{
		Access: credfiles.NewSecret(w.Access), Refresh: credfiles.NewSecret(w.Refresh),
		Expiry: w.Expiry, RefreshExpiry: w.RefreshExpiry, Scope: w.Scope,
	}
	return nil
}
