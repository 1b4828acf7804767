package app

import (
	"encoding/json"
	"time"

	"lamplighter/app/model"
)

// The JSON of status is a contract: keys are only ever added, times are
// RFC 3339 in UTC, unknown is null.
type statusJSON struct {
	Version     int              `json:"version"`
	At          stamp            `json:"at"`
	Keeper      bool             `json:"keeper"`
	Credentials []credentialJSON `json:"credentials"`
	Problems    []problemJSON    `json:"problems"`
}

type credentialJSON struct {
	ID          string   `json:"id"`
	Client      string   `json:"client"`
	Name        *string  `json:"name"`
	Kind        string   `json:"kind"`
	Profile     *string  `json:"profile"`
	Server      *string  `json:"server"`
	Store       string   `json:"store"`
	State       string   `json:"state"`
	Mode        string   `json:"mode"`
	Reason      string   `json:"reason"`
	ExpiresAt   stamp    `json:"expires_at"`
	RefreshAt   stamp    `json:"refresh_at"`
	LastRefresh stamp    `json:"last_refresh"`
	RefreshEnds stamp    `json:"refresh_token_expires_at"`
	SignIn      *string  `json:"sign_in"` // a command line, the client's or ours; null where neither signs in
	Restore     *string  `json:"restore"`
	Used        bool     `json:"used"`
	Reconnect   []string `json:"reconnect"`
}

type problemJSON struct {
	Store   string `json:"store"`
	Message string `json:"message"`
}

// A stamp is a time in JSON. What is unknown is null; so is an expiry of 0,
// which clients write for a token that they erased.
type stamp time.Time

func (s stamp) MarshalJSON() ([]byte, error) {
	t := time.Time(s)
	if t.IsZero() || t.Unix() == 0 {
		return []byte("null"), nil
	}
	return []byte(t.UTC().Format(`"` + time.RFC3339 + `"`)), nil
}

func jsonOf(m model.Model) statusJSON {
	s := statusJSON{Version: 1, At: stamp(m.At), Keeper: m.Keeper, Credentials: []credentialJSON{}, Problems: []problemJSON{}}
	for _, r := range m.Rows {
		s.Credentials = append(s.Credentials, credentialJSON{
			ID: r.ID, Client: r.Client, Name: known(r.Name), Kind: r.Kind, Profile: known(r.Profile), Server: known(r.Server),
			Store: r.Store, State: r.State, Mode: r.Mode, Reason: upper(r.Reason) + ".",
			ExpiresAt: stamp(r.Expires), RefreshAt: stamp(r.Refresh), LastRefresh: stamp(r.Refreshed), RefreshEnds: stamp(r.Ends),
			SignIn: known(r.SignIn), Restore: known(r.Restore), Used: !r.Unused, Reconnect: append([]string{}, r.Reconnect...),
		})
	}
	for _, p := range m.Problems {
		s.Problems = append(s.Problems, problemJSON(p))
	}
	return s
}

// known is a text in JSON; the empty one is null.
func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (p *program) printJSON(v any) error {
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
