package ledger

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/replace"
)

// A Mode is what the user allows for one credential.
type Mode struct {
	Mode   string    `json:"mode,omitempty"` // "keep" or "watch-only"; empty where the user said nothing
	Paused bool      `json:"paused,omitempty"`
	Until  time.Time `json:"until,omitzero"` // end of the pause; zero: until told otherwise
}

// Mode reads what the user allows for a credential. A pause that has ended is
// none; the mode under it comes back.
func (l *Ledger) Mode(key credfiles.Key) (Mode, error) {
	text, err := os.ReadFile(l.file("modes", key))
	if errors.Is(err, fs.ErrNotExist) {
		return Mode{}, nil
	}
	if err != nil {
		return Mode{}, err
	}
	var m Mode
	if err := json.Unmarshal(text, &m); err != nil || m.Mode != "" && m.Mode != "keep" {
		// What the user forbade is not known any more: allow nothing.
		m.Mode = "watch-only"
	}
	if m.Paused && !m.Until.IsZero() && !time.Now().Before(m.Until) {
		m.Paused, m.Until = false, time.Time{}
	}
	return m, nil
}

// SetMode remembers what the user allows. It takes no lock: a refresh under
// way looks at the mode once more before it sends anything.
func (l *Ledger) SetMode(key credfiles.Key, m Mode) error {
	if m == (Mode{}) {
		if err := os.Remove(l.file("modes", key)); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return replace.File(l.file("modes", key), append(text, '\n'), 0o600)
}
