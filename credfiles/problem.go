package credfiles

import (
	"errors"
	"io/fs"
	"slices"
	"syscall"

	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/replace"
)

// A Problem is something about a store that a person has to know. The
// sentences are in app; here is what failed, and on what.
type Problem struct {
	Store  string      // the path as the client knows it
	Client string      // the client's name in the table
	Kind   ProblemKind // which sentence
	Entry  string      // the entry's name, where only one is concerned
	Line   int         // where in the file; 0 where that says nothing
	Err    error       // what the system said, if it said anything
	// Perhaps means that it matters only to who knows that there were entries.
	Perhaps bool
}

// Distinct drops the Problems that say what one before them says.
func Distinct(all []Problem) []Problem {
	type same struct {
		store, entry string
		kind         ProblemKind
		line         int
	}
	said := map[same]bool{}
	return slices.DeleteFunc(all, func(p Problem) bool {
		is := same{p.Store, p.Entry, p.Kind, p.Line}
		was := said[is]
		said[is] = true
		return was
	})
}

// A ProblemKind chooses the sentence.
type ProblemKind string

// What can be wrong with a store.
const (
	Empty      ProblemKind = "empty"       // no bytes
	Torn       ProblemKind = "torn"        // ends too early
	Trailing   ProblemKind = "trailing"    // goes on after its end, as after a crash that left zeros there
	NotJSON    ProblemKind = "not-json"    // a syntax error
	NotUTF8    ProblemKind = "not-utf8"    // a byte order mark, or bytes that are not UTF-8
	TooDeep    ProblemKind = "too-deep"    // nested beyond reason
	TooLarge   ProblemKind = "too-large"   // beyond what a store can be
	OddShape   ProblemKind = "odd-shape"   // values of other types than the client writes
	NotRegular ProblemKind = "not-regular" // a folder, a device
	Dangling   ProblemKind = "dangling"    // a link to nothing
	Denied     ProblemKind = "denied"      // the system refuses
	Mount      ProblemKind = "mount"       // a file mounted by itself: it cannot be replaced
	ReadOnly   ProblemKind = "read-only"
	Folder     ProblemKind = "folder" // nothing can be created beside it
	Owner      ProblemKind = "owner"  // the new file could not be given to the old one's owner
	Space      ProblemKind = "space"
	BadConfig  ProblemKind = "bad-config"  // the client's own configuration cannot be read
	Cache      ProblemKind = "cache"       // what the client caches could not be cleared
	Locked     ProblemKind = "locked"      // the keyring, so that its items cannot be read
	NoKeyring  ProblemKind = "no-keyring"  // none runs, or none can be reached
	Slow       ProblemKind = "slow"        // the keyring does not answer in time
	NotAllowed ProblemKind = "not-allowed" // the keyring keeps the item from us
	Full       ProblemKind = "full"        // a new token may be larger than the keyring takes
	Double     ProblemKind = "double"      // the keyring has two such items
	Sealed     ProblemKind = "sealed"      // it is encrypted, and cannot be opened: Err says why
	PlainState ProblemKind = "plain-state" // our own state folder is plainer than a store that is protected
	StaleCopy  ProblemKind = "stale-copy"  // an entry in a file that its client does not read, for the keyring has another
	Failed     ProblemKind = "failed"      // anything else: Err says
)

func (p *Problem) Error() string {
	text := p.Store + ": " + string(p.Kind)
	if p.Entry != "" {
		text = p.Store + ", " + p.Entry + ": " + string(p.Kind)
	}
	if p.Err != nil {
		text += ": " + p.Err.Error()
	}
	return text
}

func (p *Problem) Unwrap() error { return p.Err }

// problem makes a Problem of what reading or replacing a store met.
func (s *Store) problem(err error) *Problem {
	p := &Problem{Store: s.path, Client: s.client.name, Kind: Failed, Err: err}
	var known *Problem
	var syntax *jsonedit.SyntaxError
	var obstacle *replace.Obstacle
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &syntax):
		p.Kind, p.Line, p.Err = NotJSON, syntax.Line, nil
		if kind, ok := syntaxKinds[syntax.Kind]; ok {
			p.Kind = kind
		}
		if p.Kind == Trailing {
			p.Err = errors.New("there is something after its end")
		}
	case ringKind(err) != "":
		p.Kind, p.Err, p.Perhaps = ringKind(err), nil, s.unread != nil && !s.sure
	case sealedKind(err) != "":
		p.Kind = sealedKind(err)
	case errors.Is(err, ErrKeyGone):
		p.Kind = Sealed
	case errors.Is(err, errTooLarge):
		p.Kind, p.Err = TooLarge, nil
	case errors.Is(err, syscall.ELOOP):
		p.Kind = Dangling
	case errors.As(err, &obstacle):
		p.Err = obstacle.Err
		if kind, ok := obstacleKinds[obstacle.Kind]; ok {
			p.Kind = kind
		}
	case errors.Is(err, fs.ErrPermission):
		p.Kind = Denied
	}
	return p
}

var syntaxKinds = map[jsonedit.ErrorKind]ProblemKind{
	jsonedit.Empty: Empty, jsonedit.Truncated: Torn, jsonedit.BOM: NotUTF8, jsonedit.NotUTF8: NotUTF8, jsonedit.TooDeep: TooDeep,
	jsonedit.TrailingData: Trailing,
}

var obstacleKinds = map[replace.Kind]ProblemKind{
	replace.NotRegular: NotRegular,
	replace.Link:       Dangling,
	replace.Folder:     Folder,
	replace.Mount:      Mount,
	replace.Owner:      Owner,
	replace.Space:      Space,
	replace.ReadOnly:   ReadOnly,
	replace.Denied:     Denied,
}
