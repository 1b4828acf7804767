package credfiles

import (
	"time"

	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/processes"
)

// A client is a program that keeps tokens, as one literal: where its stores
// are, how an entry is read and written, which locks it takes and what else
// it does that matters to somebody who writes beside it. Every fact in a
// literal carries its source.
type client struct {
	name  string // in IDs
	title string // as its makers write it
	dir   string // the default home, below the user's
	// dirOn is the default home on systems (runtime.GOOS) where it is another.
	dirOn map[string]string
	env   string // the variable that moves it
	below string // where the home is in the folder which that variable names; empty: it is that folder
	// vars are further variables that move it, each where those before are not
	// set.
	vars []variable

	files  []file
	ring   *ring    // where it keeps entries in the keyring; nil: it does not
	beside []string // further files of the home that matter to what Scan returns
	// join reads what else the client keeps beside a store: configuration,
	// secrets, marks. root is the store's own document. It may be nil.
	join func(s *Store, root jsonedit.Value) (joined, *Problem)

	threshold time.Duration // how long before expiry the client refreshes by itself
	patience  time.Duration // how long a client waits for a lock of ours before it goes without or fails
	request   Request

	// wipesOnError: it wipes an entry after whatever error it met in a refresh, a
	// network that is down among them. Else only what the server refused.
	wipesOnError bool

	grantLock func(s *Store, c Credential) clientLock // held over the exchange
	storeLock clientLock                              // held over a write
	// further are locks of its that we never take: those of its own login. nil:
	// none is known.
	further func(home string) []clientLock

	// unable says why it cannot renew an entry by itself, although its refresh
	// token may be good; nil: nothing is known that keeps it from that. versions
	// are those of it that were found. link is what it does with a store that is
	// a link.
	unable func(c Credential, versions []string) Hindrance
	link   Hindrance
	// clash reports that one of these versions of it takes out of entries what
	// another needs; nil: none does.
	clash func(versions []string) bool

	marks string // the file in which it notes servers that it will not try before a sign-in

	programs []string // the names that it runs under
	// bundled are where other programs bring it along, as patterns; relative ones
	// are below the user's home.
	bundled []string
	script  string // part of the path of its script, where it runs under node
	// runs recognizes one of these programs where the name says too little, and
	// holds whether it uses that store of its home. Both may be nil.
	runs      func(p processes.Process) bool
	holds     func(s *Store, p processes.Process) bool
	version   func(p processes.Process) string
	rereads   func(version string) Rereads
	lockless  func(version string) bool // takes no lock before it refreshes; nil: none does
	reconnect string                    // what a person does in a session that cannot notice a repair

	signIn func(c Credential) []string
	// inSession is what a person types in a session to sign in, where no command
	// does; nil: nothing.
	inSession func(c Credential) string
	// terminal are the kinds for which that command wants a terminal.
	terminal []string
	// noBrowser is its option for a sign-in without a browser on this computer.
	noBrowser string
	// document is its client ID metadata document, callback the redirect URI that
	// it registers, but for the port.
	document, callback string
	seen               string // the versions that the facts were taken from
}

// A variable of the environment names the folder in which a client's home is.
type variable struct {
	name  string
	below string // where in it; empty: it is that folder
	os    string // the system (runtime.GOOS) on which it counts; empty: all
}

// A clientLock is one of a client's own locks: a flock on a file, if nothing
// else is said.
type clientLock struct {
	path      string        // relative to the home; absolute where it lies elsewhere
	dir       bool          // made by mkdir and kept alive by its mtime
	filled    *filling      // a directory with files in it
	lease     bool          // a file that says who holds it and since when
	exclusive bool          // a file that is only there while it is held
	removed   bool          // the file of a flock goes at its release
	stale     time.Duration // when the client takes a dead one over
	heartbeat time.Duration
}

// A filling is what stands in a lock that is a directory with files in it.
type filling struct {
	files   func(token string) map[string]string
	beat    string // the file that is touched; empty: the directory
	staged  bool   // renamed when it is whole, so that an empty one holds nothing
	breaker string // ends the name of what stands while a client takes it over
	folder  bool   // the folder around it is made, and those around that
}

// A file is one of a client's stores: a JSON document.
type file struct {
	name    string // relative to the home
	many    bool   // the name is a pattern: each file that it matches is the store of one entry
	pairs   []pair // the files beside each of them, that say whose entry it is
	kinds   []kind
	inPlace bool       // the client itself writes it in place, so we may where nothing else works
	sealed  *sealing   // how it is encrypted; nil: it is not
	lock    clientLock // held over a write, where it is not the client's storeLock
	chain   *chain     // what it is in the macOS keychain; nil: it is a file there too
}

// A pair is a file beside each file of one entry. A value that the entry
// itself does not hold is read there.
type pair struct {
	tail   string // its name, from the last * of the entry's file's on
	folder string // of an item in the keyring: where it is, below the home; the item's account comes before tail
	fields fields
}

// A kind is one sort of credential in a file.
type kind struct {
	name   string
	at     []string // where its entries' object stands in the document
	single bool     // what stands there is the one entry
	list   bool     // what stands there is an array of entries, with their names as keys
	double double   // of two entries of a list with one name
	keyed  bool     // an entry's key is its name
	// configured: a server that its configuration names has an entry here as
	// soon as anybody signed in. One that is gone while its server is still
	// named was wiped, not logged out.
	configured bool
	// preset: the registration may stand in its configuration alone; away: the
	// server may.
	preset, away bool
	watchOnly    Reason
	fields       fields
	or           []fields   // where else a value may stand: the first place that is there counts
	required     [][]string // strings without which the client does not take it for an entry
	// blanked reports the shape that only the client's own wipe leaves.
	blanked func(e jsonedit.Value) bool
	// anew is an entry as its client makes one at a sign-in, before its tokens and
	// its registration are in it; nil: only the client makes one. Of a Credential
	// it may use Key, Name and ServerURL.
	anew func(c Credential) string
	// adopt adds what the client keeps elsewhere. It may be nil.
	adopt func(c *Credential, e jsonedit.Value, j joined)
}

// fields says where in an entry the values stand. Empty paths: not stored.
type fields struct {
	name, server, issuer, clientID, clientSecret []string
	authMethod                                   []string // token_endpoint_auth_method (RFC 7591 section 2)
	tokenURL                                     []string // where the client itself sends the refresh token
	access, refresh                              []string
	copies                                       [][]string // where the access token stands once more

	expiry, refreshExpiry []string   // without expiry the access token itself may tell
	unit                  unit       // of every time in the entry
	expiryGone            absence    // how the client writes that the expiry is not known
	lifetime              []string   // seconds, as the server named them
	since                 []string   // when that lifetime began, which the client notes at each refresh
	sinceFile             bool       // where neither expiry nor since tells, it began when the file was written
	stamps                [][]string // what the client sets to the time of each refresh

	scope                      []string
	scopeList                  bool // an array instead of one string
	metadata, resourceMetadata []string
	redirect                   []string // the redirect URI that the client registered
	found                      []string // the authorization server that a sign-in found, where it stands beside issuer
	refreshGone                absence  // how the client writes that a sign-in brought no refresh token
}

// A double says which of two entries with one name the client takes.
type double int

const (
	oddDouble  double = iota // nobody knows: neither is written
	lastDouble               // as it is for the members of objects
	firstDouble
)

type absence int

const (
	asNull absence = iota
	asMissing
)

// joined is what a client keeps beside its entries, read together with them.
// The zero value is that of a client that keeps nothing.
type joined struct {
	servers   map[string]server // by the name that the client shows
	entries   map[string]bool   // the keys of all entries
	secrets   map[string]Secret // by entry key
	marks     map[string]bool   // servers that it will not try before a sign-in
	stubs     map[string]bool   // entries whose servers it will not try either
	blocked   Reason            // why nothing here may be refreshed now
	elsewhere bool              // the client does not look into this store
	item      bool              // the store is an item of a keyring
	kept      map[string]bool   // entries that it finds in the keyring first
	places    []string          // where else an entry may stand, links resolved; empty where that was not asked
	pairs     []jsonedit.Value  // what stands about an entry in the files beside its own
	quiet     bool              // which is how its stores always are
	written   time.Time         // when the store was, by its file system
	command   *remoteServer     // the command line that uses it

	tokens  map[string]Token    // by entry key, where they stand in other entries
	signIns map[string][]string // the commands, by the names of files
}

// server is what the client's configuration says of one MCP server.
type server struct {
	keys         map[string]bool // entry keys that it would look for
	unknown      bool            // the key cannot be computed from what we can read
	clientID     string
	clientSecret Secret
	authMethod   string
	redirect     string          // registered with clientID
	registered   map[string]bool // client IDs that it names, in whatever project
	url          string          // where no key is computed from it
	name         string          // where it is kept by another
	scopes       []string        // that it asks for at each refresh
}

func at(path ...string) []string { return path }
