package model

// What a person can ask for. Those marked with a key are about one Row.
const (
	Begin       = "begin"        // refresh from now on
	OnlyWatch   = "only-watch"   // never refresh
	Refresh     = "refresh"      // key
	Login       = "sign-in"      // key
	Restore     = "restore"      // key: put back what its client erased
	Ask         = "ask"          // key: read what the keychain keeps for its client; macOS asks for leave
	CancelLogin = "cancel-login" // the one under way
	Paste       = "paste"        // Value is the address on which the browser ended
	Copy        = "copy"         // key: the access token, to the clipboard
	Pause       = "pause"        // key; Value as for PauseAll
	Resume      = "resume"       // key
	Keep        = "keep"         // key: keep it fresh; of copies, this is the one in use
	Watch       = "watch"        // key: watch it only
	PauseAll    = "pause-all"    // Value is "1h", "tomorrow", or empty: until told otherwise
	ResumeAll   = "resume-all"
	Set         = "set" // Value of the setting Name
	AddHome     = "add-home"
	RemoveHome  = "remove-home"
	AtLogin     = "at-login" // Value is "on" or "off"
	Open        = "open"     // the window; with a key, on that Row
	OpenConfig  = "open-config"
	About       = "about"
	Quit        = "quit"
)

// An Action is what a person asked for, by a click. It names its Row by the key
// that stood under the click: if that Row has gone, nothing happens.
type Action struct {
	Do    string
	Key   string `json:",omitempty"`
	Name  string `json:",omitempty"`
	Value string `json:",omitempty"`
	Home  *Home  `json:",omitempty"`
}

// A Message goes to the window, one JSON object in a line each; Actions come
// back the same way. Exactly one field is set.
type Message struct {
	Model *Model `json:",omitempty"`
	Show  *Show  `json:",omitempty"`
	// Said is what came of an Action: a sentence.
	Said string `json:",omitempty"`
}

// Show brings the window to the front, on a page.
type Show struct {
	Page string // "", "history", "settings", "problems", "about"
	Key  string // of the Row whose page is shown
}
