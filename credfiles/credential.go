package credfiles

import "time"

// A Key names one credential for the ledger and our lock. It is never shown
// and never changes while the entry stays where it is, whatever its ID.
type Key struct {
	Store string // the store's path, links resolved
	Entry string // the entry's own key in the store; the kind where the store holds only one
}

// A Token is an access token with the refresh token that renews it.
type Token struct {
	Access  Secret
	Refresh Secret
	// Expiry is when the access token ends. Zero means unknown, never "forever".
	Expiry time.Time
	// RefreshExpiry is when the refresh token ends, where the client or the
	// server says so. Zero means unknown.
	RefreshExpiry time.Time
	// Scope is what was granted, space-separated as on the wire (RFC 6749
	// section 3.3). Empty means unknown.
	Scope string

	// written is when a write of it began. What is computed from that must come
	// out the same each time that one write looks at the store.
	written time.Time
}

// A Grant is what is needed to renew a token, as far as the store knows it.
// Empty fields are unknown, not absent.
type Grant struct {
	Issuer              string // bound at sign-in; a refresh token never goes to another one
	MetadataURL         string // the user's or client's own choice of authorization server metadata
	ResourceMetadataURL string // protected-resource metadata, as found at sign-in (RFC 9728)
	TokenURL            string // the user's override
	Endpoint            string // the token endpoint, where the client itself stores it
	ServerURL           string // the MCP server
	ClientID            string
	ClientSecret        Secret
	AuthMethod          string // token_endpoint_auth_method, where configured (RFC 7591 section 2)
	Scopes              []string
	Resource            string // RFC 8707, where the user set it or it was recorded at sign-in
	NoResource          bool   // the user's override: send none
	Request             Request

	// Of own credentials only.
	GrantType                   string // ByClientCredentials, ...; empty for all others: a refresh token
	AuthorizationURL, DeviceURL string // where the user named them
	Audience                    string // as Auth0 wants it
	Parameters                  string // further ones of a token request, as a form
	KeyID, KeyAudience          string // of the client's assertion
	SecretLater                 bool   // a command tells the client's secret when it is needed
	SecretFrom                  string // where the secret is, for people; empty: in our own store
	SecretTrouble               string // why there is none there; empty where that is not known
}

// ByClient reports that the client's own secret brings the access token, and
// no refresh token does (RFC 6749 section 4.4).
func (g Grant) ByClient() bool { return g.GrantType == ByClientCredentials }

// A Request is what the client itself sends when it refreshes, beyond RFC
// 6749 section 6. We send the same, because a rotating refresh token cannot be
// used to find out what a server likes.
type Request struct {
	Scope            bool // repeats the granted scopes
	ServerAsResource bool // sends the server's URL as resource where no metadata names one
	RawBasic         bool // HTTP Basic without the form-encoding of RFC 6749 section 2.3.1
	BasicByDefault   bool // authenticates by HTTP Basic whatever the metadata prefers
	FirstListed      bool // takes the first method the metadata lists that it can do
}

// A Credential is one access token with what is needed to renew it, as its
// store held it when it was read.
type Credential struct {
	Key     Key
	ID      string // client/kind/name[@profile], as shown and as typed
	Client  string // the client's name in the table: "codex"
	Kind    string // "mcp" or "login"
	Name    string // as the client shows it; empty for a login
	Profile string // empty for the default home
	Path    string // the store's path as the client knows it, links not resolved
	// Beside are the keys that this entry has, or had, where its client keeps it
	// in another place: what the user said of one holds for all.
	Beside []Key
	// Protected means that reading the disk does not give the token away: the
	// store is in the keyring, or encrypted.
	Protected bool

	Token
	Grant
	Registration

	// WatchOnly says why it may not be refreshed by us whatever the user
	// allows; empty where it may.
	WatchOnly Reason
	// Blanked means that the entry has the shape that the client leaves when
	// the server refused the refresh token.
	Blanked bool
	// Missing means that the entry is not there any more, that its client wipes
	// by deleting it, and that the server is still configured: Blanked, unless
	// nobody ever saw a token there.
	Missing bool
	// Erased means that nothing of it stands in the store: Missing, where not
	// only the token went.
	Erased bool
	// Anew means that such an entry comes to be anew with a sign-in of ours.
	Anew bool
	// Text is the whole entry as it stands, where its client deletes entries
	// after any error: what [Hold.PutBack] can put there again.
	Text Secret
	// UnsureWipe means that its client wipes after any error of a refresh: a wipe
	// does not say that the server refused the refresh token.
	UnsureWipe bool
	// Unused means that the client's own configuration names this server with
	// other values, so that the client no longer reads this entry.
	Unused bool
	// ToFile is the line of the client's configuration with which its next sign-in
	// goes into a file that we may write; empty where there is none.
	ToFile string
	// stale means that the client finds this entry in another place first: this
	// is an old copy, and not shown.
	stale bool
	// NeedsAuth means that the client remembers this server as waiting for a
	// sign-in and will not try it, whatever the store holds.
	NeedsAuth bool

	// Own means that the user defined it: nobody else refreshes it.
	Own bool
	// Unread means that its store cannot be opened now: no more is known of it
	// than the config says.
	Unread bool
	// SecretExpires is when the client's secret ends, where the user said so.
	SecretExpires time.Time

	Holders []Process // running processes that may hold the refresh token
	SignIn  []string  // the client's own command that signs in; nil where it has none
	// SignInEnv is NAME=value where that command needs its home named.
	SignInEnv string
	// SignInSession is what a person does in a session of the client to sign in,
	// where it has no such command: "in Gemini CLI: /mcp auth NAME".
	SignInSession string
	// SignInTerminal means that the command wants a terminal.
	SignInTerminal bool
	// SignInNoBrowser is the command's option for a sign-in without a browser on
	// this computer; empty where it has none.
	SignInNoBrowser string
}

// A Registration is what only a sign-in has to know of a client's registration
// with the authorization server.
type Registration struct {
	RedirectURI string // the one registered, where the client stores it
	// Preset means that a person registered the client, by the client's own
	// configuration: no other one may take its place.
	Preset bool
	// Document is the client's own metadata document, whose URL is its ID where a
	// server takes such.
	Document string
	// Callback is the redirect URI, but for the port, with which the client
	// registers itself. CallbackUnnamed is the one for servers that do not say who
	// answers (RFC 9207), where that is another.
	Callback, CallbackUnnamed string
	// TakesClient and TakesSecret mean that the store has a place for another
	// client ID, and for a secret that comes with it.
	TakesClient, TakesSecret bool
}

// A Reason is a word for why a client's literal limits what may be done with
// a credential. The sentences are in app.
type Reason string

// The reasons for which a credential is only watched.
const (
	VendorLogin   Reason = "vendor-login"   // the vendor's own login: its terms and its program renew it
	ForeignOwner  Reason = "foreign-owner"  // another user's store
	ForeignSystem Reason = "foreign-system" // a home of another system, such as \\wsl.localhost
	OddFormat     Reason = "odd-format"     // a shape that we do not know
	Fallback      Reason = "fallback"       // the client prefers another place on this system, such as the keychain
	KeychainLine  Reason = "keychain-line"  // the keychain would take a new token by an argument only, and the user forbids that
	KeychainOwn   Reason = "keychain-own"   // the keychain lets only its client read it: no more is known than that it is there
	KeychainSeen  Reason = "keychain-seen"  // likewise; a person let us read it once, and only its client may write it
	ClientConfig  Reason = "client-config"  // the client's own configuration cannot be read
	KeyringUnread Reason = "keyring-unread" // the keyring may hold a newer one, and cannot be read
	NoServer      Reason = "no-server"      // the store does not say whose token it is, and no configuration does
	NoClient      Reason = "no-client"      // the registration that the token belongs to is not there
	ClientRenews  Reason = "client-renews"  // its client was told to use a token that no refresh token renews
	KeyringShut   Reason = "keyring-shut"   // it is sealed, and the keyring that has the key is locked or does not run
	KeyGone       Reason = "key-gone"       // it is sealed with a key that the keyring has not got any more
	LedgerUnread  Reason = "ledger"         // our own memory cannot be read, so what is spent is not known
)

// Rereads says when a running client looks at its store again.
type Rereads int

// When a running client looks at its store again.
const (
	EachUse    Rereads = iota // at every request
	NearExpiry                // when its own copy is about to end
	AtStart                   // only when it starts, or never
)

// A Process is a running program that may hold a refresh token in memory.
type Process struct {
	PID     int
	Name    string // the client's name in the table
	Started time.Time
	Version string // empty where unknown
	Rereads Rereads
	// Lockless means that its version takes no lock before it refreshes.
	Lockless bool
}
