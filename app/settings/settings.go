// Package settings is what the user set, in config.toml.
//
// A config is taken whole or not at all: Load returns either settings or an
// [*Error] that names every mistake with its line. Set and Unset change one
// key, AddHome and RemoveHome one home; every other byte stays as the user
// wrote it.
package settings

import (
	"time"

	"lamplighter/credfiles"
)

// Settings is what the user set, with the defaults for the rest.
type Settings struct {
	// Mode is what may be done with credentials that have no mode of their
	// own: "keep" or "watch-only".
	Mode string
	// Begun means that the config names a mode, whatever its value: the user
	// has said what may be done. Until then the tray app only watches; the
	// commands and the keeper in the foreground go by Mode all the same.
	Begun bool
	// PausedUntil is when everything goes on. Zero: nothing is paused.
	PausedUntil time.Time
	// Notifications is whether a notification tells when only a sign-in helps.
	Notifications bool
	// StartAtLogin is whether the tray app starts with the desktop. Nil: as the
	// desktop has it.
	StartAtLogin *bool
	// KeychainArguments is whether an item of the macOS keychain that is too long
	// for security's stdin may be written by its arguments, where other programs
	// of the user can see it for a moment. Such an item is else only watched.
	KeychainArguments bool
	Homes             []Home
	Clients           []credfiles.Definition // that we do not know
	Own               []credfiles.Own        // credentials of the user's own
	Deliveries        []Delivery
	Hooks             []Hook
	Lead              Lead
	// Overrides are how single credentials are refreshed, by their ID.
	Overrides map[string]Override
	// AllowPrivate are the host names, addresses and networks (CIDR) on
	// private addresses to which a public server may point.
	AllowPrivate []string
	Log          Log
}

// A Home is a further home of a client.
type Home struct {
	Client string // the client's name in the table
	Path   string // absolute, or below ~/
	Name   string // the profile; empty for the folder's name
}

// Lead says how long before expiry a token is refreshed: a share of its
// lifetime, but at least and at most so long.
type Lead struct {
	Least, Most time.Duration
	Share       float64
}

// An Override replaces what discovery and the client's store say about one
// credential. Empty fields leave it as found.
type Override struct {
	TokenURL, MetadataURL, AuthMethod, Resource, Scope string
	// NoResource means that no resource is sent, whatever was found.
	NoResource bool
}

// A Log is how much of it stays.
type Log struct {
	MaxSize int64 // bytes of one file
	Keep    int   // full files beside the one that is written
}

// Defaults is what a missing config means.
func Defaults() Settings {
	return Settings{
		Mode:          "keep",
		Notifications: true, KeychainArguments: true,
		Lead: Lead{Least: 10 * time.Minute, Most: 30 * time.Minute, Share: 0.1},
		Log:  Log{MaxSize: 1_000_000, Keep: 3},
	}
}

// Load reads the config at path. A missing one gives the defaults. clients
// are the names that a home may have. Mistakes in the file, and a file that
// others may write, are an [*Error].
func Load(path string, clients []string) (Settings, error) {
	text, _, err := read(path)
	if err != nil {
		return Settings{}, err
	}
	s, faults := parse(text, clients)
	if len(faults) > 0 {
		return Settings{}, &Error{File: path, Faults: faults}
	}
	return s, nil
}
