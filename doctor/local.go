package doctor

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/keyring"
	"lamplighter/refresher"
	"lamplighter/refresher/discovery"
	"lamplighter/refresher/ledger"
)

// A Local is this computer, as it was found: what an examination looks at that
// sends nothing.
type Local struct {
	Host     credfiles.Host
	Stores   []*credfiles.Store
	Snapshot refresher.Snapshot
	Ledger   *ledger.Ledger    // nil: StateErr says why
	Finder   *discovery.Finder // what it knows is used; it is not asked
	Say      Say

	Config    string // the file
	ConfigErr error  // why it cannot be used
	State     string // the folder
	StateErr  error

	Self    string                 // the path of this program
	AtLogin func() (string, error) // the program that should start at login and is gone; "": none
	Keeper  bool                   // one runs
	// Service is what the system runs; nil: nobody knows.
	Service func(context.Context) Service
	// Roots are the certificates that the system trusts; nil: as net/http finds
	// them.
	Roots func() (*x509.CertPool, error)
}

// A Service is the keeper as the system's own manager runs it.
type Service struct {
	File string // where it is written down; empty: nothing is installed
	Gone string // the program that it should start, where that is not there
	Idle string // what its manager says of it, where it does not run
	Look string // the command that says more
}

// Say has the words that are the same wherever they are shown.
type Say struct {
	Short   func(text string) string                      // with ~ for the home folder, wherever it stands in there
	Path    func(path string) string                      // with ~ for the home folder
	SignIn  func(refresher.Row) string                    // the command, or the words, that sign in
	Restore func(refresher.Row) string                    // the command that puts back what was erased
	Keep    func(refresher.Row) string                    // the command that names this one the owner
	Reason  func(refresher.Row) string                    // why it is in its state
	Do      func(refresher.Row) string                    // what a person should do about it; empty: nothing
	Store   func(refresher.Row) (why, do string)          // why its store refused
	Problem func(p credfiles.Problem) (what, do string)   // no capital, no full stop
	Advice  func(err error) string                        // what to do about an error of the system's
	Ends    func(row refresher.Row, now time.Time) string // when its access token ends
	Span    func(d time.Duration) string                  // "10 min"
}

// Examine looks at everything that was found and writes down what is wrong
// with it. It sends nothing and changes nothing; in the state folder it makes
// a file for a moment.
func (l Local) Examine(ctx context.Context, x *Recorder) {
	agree := l.own(x)
	l.keepers(ctx, x)
	l.surroundings(x)
	if l.StateErr != nil {
		l.programs(x)
		x.Saw("credentials", "not looked at: without the state folder nobody knows what became of them")
		return
	}
	l.clock(x, agree)
	versions := l.programs(x)
	l.ring(ctx, x)
	l.stores(ctx, x)
	for _, row := range l.Snapshot.Rows {
		l.credential(x, row)
		if !row.Unused {
			l.findRow(x, row, versions[row.Client], false)
		}
	}
	if len(l.Snapshot.Rows) == 0 {
		x.Saw("credentials", "none was found")
	}
	if len(x.Report.Findings) == 0 {
		x.Report.Fine = fine(l.Snapshot.Rows)
	}
}

func fine(rows []refresher.Row) string {
	if len(rows) == 0 {
		return "Nothing is wrong; there is no token either."
	}
	return "Nothing is wrong, as far as can be told without asking a server."
}

// programs are the clients that are installed or run. versions has those of
// each that are known.
func (l Local) programs(x *Recorder) (versions map[string][]string) {
	versions = map[string][]string{}
	places := map[string][]string{}
	met := func(client, version, place string) {
		x.Saw("clients", "%s %s, %s", credfiles.Title(client), cmp.Or(version, "(its files do not tell the version)"), place)
		if version != "" && !slices.Contains(versions[client], version) {
			versions[client] = append(versions[client], version)
			places[client] = append(places[client], version+" "+place)
		}
	}
	for _, p := range l.Host.Programs() {
		met(p.Client, p.Version, "at "+l.Say.Path(p.Path))
	}
	seen := map[int]bool{}
	for _, row := range l.Snapshot.Rows {
		for _, p := range row.Holders {
			if !seen[p.PID] {
				met(p.Name, p.Version, fmt.Sprintf("running as process %d", p.PID))
			}
			seen[p.PID] = true
		}
	}
	for _, client := range slices.Sorted(maps.Keys(versions)) {
		if credfiles.Clash(client, versions[client]) {
			x.Find("version-skew", credfiles.Title(client), strings.Join(places[client], ", "), credfiles.Title(client))
		}
	}
	return versions
}

// ring looks at the keyring where anything is in it.
func (l Local) ring(ctx context.Context, x *Recorder) {
	lasts, ok := l.Host.Keyring.(interface{ Lasts(context.Context) error })
	i := slices.IndexFunc(l.Snapshot.Rows, func(row refresher.Row) bool { return strings.HasPrefix(row.Path, "keyring: ") })
	if !ok || i < 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, keyring.Patience)
	defer cancel()
	switch err := lasts.Lasts(ctx); {
	case errors.Is(err, keyring.ErrVolatile):
		x.Saw("keyring", "ends with the session")
		x.Find("keyring-volatile", l.Snapshot.Rows[i].Path, "its default collection is the session's", credfiles.Title(l.Snapshot.Rows[i].Client))
	case err == nil:
		x.Saw("keyring", "open, and kept past the session")
	default:
		x.Saw("keyring", "%v", err)
	}
}

// stores are where tokens stand. Clients that have a file for each entry have
// one line for a folder.
func (l Local) stores(ctx context.Context, x *Recorder) {
	type folder struct{ place, client, mode string }
	var order []folder
	files := map[folder][]string{}
	entries := map[folder]int{}
	for _, s := range l.Stores {
		n := len(l.entries(s))
		if n == 0 || !s.Exists() {
			continue
		}
		dir := filepath.Dir(s.Path())
		if strings.HasPrefix(s.Path(), "keyring: ") {
			dir = s.Path()
		}
		f := folder{dir, credfiles.Title(s.Client()), l.modeOf(s)}
		if files[f] == nil {
			order = append(order, f)
		}
		files[f] = append(files[f], s.Path())
		entries[f] += n
	}
	for _, f := range order {
		place, of := files[f][0], ""
		if n := len(files[f]); n > 1 {
			place, of = f.place, fmt.Sprintf(" in %d places", n)
		}
		x.Saw("stores", "%s: %s, %s%s%s", l.Say.Path(place), f.client, count(entries[f]), of, f.mode)
	}
	l.findStores(ctx, x)
}

func (l Local) entries(s *credfiles.Store) (all []credfiles.Credential) {
	for _, row := range l.Snapshot.Rows {
		if s.May(row.Key) && row.Client == s.Client() {
			all = append(all, row.Credential)
		}
	}
	return all
}

// findStores says what keeps stores from being read and written, and by whom
// they can be.
func (l Local) findStores(ctx context.Context, x *Recorder) {
	astray := slices.ContainsFunc(x.Report.Findings, func(f Finding) bool { return f.Cause == "clock-files" })
	for _, p := range l.Snapshot.Problems {
		sealed := func(row refresher.Row) bool {
			return row.Path == p.Store && (row.WatchOnly == credfiles.KeyGone || row.WatchOnly == credfiles.KeyringShut)
		}
		if !slices.ContainsFunc(l.Snapshot.Rows, sealed) { // of which more is said with the row
			l.problem(x, p)
		}
	}
	locks := map[string]bool{}
	for _, s := range l.Stores {
		if !s.Exists() {
			continue
		}
		entries, client := l.entries(s), credfiles.Title(s.Client())
		for _, left := range s.LeftLocks(entries) {
			if !locks[left.Path] {
				x.Find("lock-left", l.Say.Path(left.Path), fmt.Sprintf("no sign of life since %s, for which %s waits %v", moment(left.Since), client, left.Stale),
					client, l.Say.Path(left.Path))
			}
			locks[left.Path] = true
		}
		if len(entries) == 0 {
			continue
		}
		if p := s.Obstacle(ctx); p != nil {
			l.problem(x, *p)
		}
		if do := l.openToOthers(s); do != "" {
			x.Find("store-open", l.Say.Path(s.Path()), strings.TrimPrefix(l.modeOf(s), ", "), client, do)
		}
		if info, err := os.Stat(s.Real()); err == nil && !astray && time.Until(info.ModTime()) > skew {
			x.Find("clock-back", l.Say.Path(s.Path()), "it was written "+moment(info.ModTime()))
		}
	}
}

func (l Local) problem(x *Recorder, p credfiles.Problem) {
	place := l.Say.Path(p.Store)
	if p.Entry != "" {
		place += ", " + p.Entry
	}
	evidence := strings.ReplaceAll(string(p.Kind), "-", " ")
	if p.Line > 0 {
		evidence += fmt.Sprintf(", line %d", p.Line)
	}
	if p.Err != nil {
		evidence += ": " + x.Clean(p.Err.Error())
	}
	_, do := l.Say.Problem(p)
	x.Find(problemCause(p.Kind), place, evidence, place, credfiles.Title(p.Client), advised(do, "nothing"))
}

func count(entries int) string {
	if entries == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", entries)
}

func (l Local) modeOf(s *credfiles.Store) string {
	info, err := os.Stat(s.Real())
	if err != nil || l.Host.OS == "windows" { // whose modes say nothing
		return ""
	}
	return fmt.Sprintf(", mode %04o", info.Mode().Perm())
}

// openToOthers is what to do about a file that every user of this computer can
// read; empty where none can.
func (l Local) openToOthers(s *credfiles.Store) string {
	file := s.Real()
	info, err := os.Stat(file)
	if l.Host.OS == "windows" || err != nil || info.Mode().Perm()&0o004 == 0 {
		return ""
	}
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		folder, err := os.Stat(dir)
		if err != nil || folder.Mode().Perm()&0o001 == 0 {
			return "" // nobody comes as far
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	// Its client may give the file that mode again.
	return "Close its folder to others: chmod 700 " + l.Say.Path(filepath.Dir(file))
}

// credential is one line on a credential.
func (l Local) credential(x *Recorder, row refresher.Row) {
	words := []string{string(row.State)}
	if row.Why == refresher.DueNow {
		words[0] = "due" // nobody is at it yet
	}
	if ends := l.Say.Ends(row, l.Snapshot.At); ends != "" {
		words = append(words, ends)
	}
	if row.Unused {
		words = append(words, "not in use: its client's configuration names another")
	}
	x.Saw("credentials", "%s: %s", row.ID, strings.Join(words, ", "))
}
