// Package model is what there is to see at one moment, in words: plain data,
// made by app and drawn by status, the tray and the window alike, so that all
// of them say the same. It holds no token.
package model

import "time"

// A Model is everything there is to see. Whatever was left out is empty: status
// needs no settings, the menu no history.
type Model struct {
	At      time.Time
	Version string
	Icon    string // a state of the icon, as assets names them
	Summary string // one sentence on how things are
	Keeper  bool   // one is running
	// Begun: the user said that tokens may be refreshed. Until then everything
	// is only watched, and each Row's Plan says what would be done.
	Begun    bool
	Paused   time.Time // everything rests until then; zero: nothing does
	Rests    string    // the sentence on it; empty: nothing does
	AtLogin  bool      // the tray app starts at login
	Rows     []Row
	Problems []Problem
	Restarts []string // what to do in running programs that cannot notice a repair
	Notes    []string // what this desktop lacks, and what to do about it
	SignIn   *SignIn  // the one under way
	Settings *Settings
	History  []Event // the latest first
}

// A Row is one credential. Zero times are unknown.
type Row struct {
	Key         string // stays when the ID changes; for Actions
	ID          string
	Client      string // the client's name in the table: "claude"
	ClientTitle string // and for people: "Claude Code"
	Name        string // of the server, as the client calls it
	Title       string // for people: the Name, or what it is instead of a server's
	Kind        string
	Profile     string
	Server      string // its URL
	Store       string // the path of the file, or the place in a keyring
	State       string
	Word        string // the State for people
	Mode        string
	Reason      string // why it is in this state, to go on a sentence
	Do          string // what a person should do; empty: nothing
	SignIn      string // the command line that signs in
	Restore     string // the command line that puts back what its client erased
	Plan        string // what will be done once the user has begun
	Left        string // how much life is left, short: "58 min"
	NeedsYou    bool   // only a person helps
	Kept        bool   // a keeper keeps it fresh, or would
	Unused      bool   // its client does not read it any more
	Expires     time.Time
	Refresh     time.Time // when it is refreshed next
	Refreshed   time.Time
	Ends        time.Time     // when the refresh token itself ends
	Life        time.Duration // of an access token; zero: unknown
	Endpoint    string        // where its refresh token is sent
	Issuer      string
	Hosts       []string // every host that we talk to for it
	Holders     []string // running programs that may hold its refresh token
	Reconnect   []string // what to do in running programs that cannot notice
	Can         []string // what may be done with it: names of Actions
	Facts       []Fact   // what else there is to know of it
}

// A Fact is one line of what there is to know.
type Fact struct {
	Name, Text string
	Copy       bool // people want to copy the Text
}

// A Problem is something about a store, or about our config.
type Problem struct {
	Store   string
	Message string
}

// An Event is something that was done, or found.
type Event struct {
	At   time.Time
	When string // At, for people
	Key  string // of the Row that it is about; may be empty
	ID   string
	What string // in words
	// Old and New are fingerprints of refresh tokens: short, and of no use to
	// anybody.
	Old, New string
}

// A SignIn is one that waits for a person.
type SignIn struct {
	Key   string
	Title string // what is signed in to
	Text  string // what the person does now
	URL   string // to go to in a browser, where one cannot be started
	Paste bool   // the address on which the browser ended can be handed in
}

// Settings are those that can be set in the window. Each is also a key of the
// config, and is named as there.
type Settings struct {
	File          string // of the config
	Fault         string // why it cannot be used; empty: it can
	Mode          string
	LeadLeast     string // durations as they are written: "10m"
	LeadMost      string
	LeadShare     float64
	Homes         []Home
	Clients       []string // that a home may have
	Notifications bool
	// LoginFault says why starting at login cannot be set; empty: it can.
	LoginFault string
}

// A Home is a further home of a client.
type Home struct{ Client, Path, Name string }
