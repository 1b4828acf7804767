package credfiles

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
)

// A Secret is a value that must not be shown: an access token, a refresh
// token, a client secret. It prints as nothing in every verb of fmt, in slog
// and in JSON. The value sits behind a pointer because fmt cannot call
// methods on unexported fields: there a plain string type would leak.
type Secret struct{ v *string }

// NewSecret wraps s. The empty string gives the zero Secret.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{&s}
}

// Reveal returns the value, "" for the zero Secret.
func (s Secret) Reveal() string {
	if s.v == nil {
		return ""
	}
	return *s.v
}

// IsZero reports whether there is no value.
func (s Secret) IsZero() bool { return s.v == nil }

// Equal reports whether both hold the same value.
func (s Secret) Equal(t Secret) bool { return s.Reveal() == t.Reveal() }

// Fingerprint is 32 hex digits that identify the value to those who know
// salt and tell nothing to others: a truncated HMAC-SHA-256. It is "" for
// the zero Secret.
func (s Secret) Fingerprint(salt []byte) string {
	if s.v == nil {
		return ""
	}
	mac := hmac.New(sha256.New, salt)
	io.WriteString(mac, *s.v)
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// Format, String, GoString, LogValue and MarshalText all give nothing.
func (Secret) Format(fmt.State, rune)       {}
func (Secret) String() string               { return "" }
func (Secret) GoString() string             { return "" }
func (Secret) LogValue() slog.Value         { return slog.StringValue("") }
func (Secret) MarshalText() ([]byte, error) { return nil, nil }
