package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"lamplighter/app/settings"
	"lamplighter/credfiles"
	"lamplighter/credfiles/keychain"
	"lamplighter/refresher"
	"lamplighter/refresher/discovery"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// parts is what every command that looks at credentials is made of.
type parts struct {
	refresher  *refresher.Refresher
	ledger     *ledger.Ledger
	configFile string
	state      string // our folder
	face       bool   // a tray app's: nobody gave the word yet to refresh anything
	keeps      bool   // others can see that we keep
	adds       string // the own credential that is being added: the config does not name it yet

	listing sync.Mutex // one list of stores at a time

	mu       sync.Mutex
	settings settings.Settings
	read     string // the signature of the config when it was read
	fault    error  // why the settings are those of before
	sure     bool   // the settings are, or were, those of the config
	host     credfiles.Host
	homes    []credfiles.Home
	found    []credfiles.Home // that nobody named
	more     bool             // some of them since they were last asked for
	meets    chan struct{}    // tells who watches files
	stores   []*credfiles.Store
	stamps   string // what the keyring told at the last look
}

// open reads the settings and wires the parts. A config that cannot be used
// is an error: what it forbids would not be known.
func (p *program) open() (*parts, error) {
	x, err := p.openWith(ledger.Open)
	if err == nil && x.fault != nil {
		return nil, sayf(saidBadConfig, p.view(false).tilde(x.fault.Error()))
	}
	return x, err
}

// openFace is open for the tray app, which shows itself whatever the config
// says: with one that cannot be used everything is only watched.
func (p *program) openFace() (*parts, error) {
	x, err := p.openWith(ledger.Open)
	if err == nil {
		x.face = true
	}
	return x, err
}

// openAnyway is open for commands that only look: with a config that cannot
// be used the defaults are in force, and the parts tell.
func (p *program) openAnyway() (*parts, error) { return p.openWith(ledger.Look) }

// openStores is open for who wants what stands in the stores and no more: it
// works where our own state folder does not.
func (p *program) openStores() (*parts, error) { return p.openWith(nil) }

func (p *program) openWith(open func(dir string) (*ledger.Ledger, error)) (*parts, error) {
	config, state, err := settings.Paths(settings.Env{OS: p.host.OS, Home: p.host.Home, Getenv: p.host.Getenv})
	if err != nil {
		return nil, err
	}
	if p.config != "" {
		if config, err = filepath.Abs(p.config); err != nil {
			return nil, err
		}
		if _, err := os.Stat(config); errors.Is(err, os.ErrNotExist) {
			return nil, sayf(saidNoConfig, p.config)
		}
	}
	x := &parts{configFile: config, state: state, meets: make(chan struct{}, 1)}
	if x.load(p.host) != nil {
		x.use(settings.Defaults(), p.host)
	}
	if open == nil {
		return x, nil
	}
	repaired, err := settings.Secure(state)
	if err != nil {
		return nil, fmt.Errorf(saidNoState, err)
	}
	for _, name := range repaired {
		p.warnf(saidRepaired, shortPath(p.host.Home, name))
	}
	if x.ledger, err = open(state); err != nil {
		return nil, stateError(err)
	}
	x.ledger.Vault = vault(p.host.Keyring)
	exchange.UserAgent = "lamplighter/" + p.version
	x.refresher = &refresher.Refresher{
		Stores: x.currentStores, Policy: x.policy, Ledger: x.ledger, Finder: x.finder(),
		Tell: p.tell, Network: network, Elsewhere: x.met,
	}
	return x, nil
}

// load reads the settings; where that fails those of before stay.
func (x *parts) load(host credfiles.Host) error {
	before := signature(x.configFile)
	s, err := settings.Load(x.configFile, credfiles.ClientNames())
	if err == nil {
		x.use(s, host)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.fault, x.read, x.sure = err, before, x.sure || err == nil
	return err
}

// outdated reports that the config changed since it was read.
func (x *parts) outdated() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return signature(x.configFile) != x.read
}

// signature tells whether a file is as it was.
func signature(name string) string {
	info, err := os.Stat(name)
	if err != nil {
		return ""
	}
	return fmt.Sprint(info.ModTime(), info.Size(), info.Mode())
}

func (x *parts) use(s settings.Settings, host credfiles.Host) {
	var homes []credfiles.Home
	for _, h := range s.Homes {
		homes = append(homes, credfiles.Home{Client: h.Client, Path: h.Path, Name: h.Name})
	}
	credfiles.Define(s.Clients)
	host.Own = x.owned(s)
	hide(s)
	if host.Opener != nil {
		host.Opener.Remember(filepath.Join(x.state, "opened"), onlooker{sealer{x}, host.Keyring})
	}
	if host.OS == "darwin" && host.Keychain == nil {
		host.Keychain = &credfiles.Keychain{Keychain: keychain.Keychain{Program: keychain.Program, Arguments: s.KeychainArguments}}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	host.Found = x.meet
	if x.found == nil {
		x.found = host.Across()
	}
	x.settings, x.host, x.homes, x.stores = s, host, homes, nil
}

func (x *parts) finder() *discovery.Finder {
	x.mu.Lock()
	defer x.mu.Unlock()
	return &discovery.Finder{Dir: filepath.Join(x.ledger.Dir(), "discovery"), AllowPrivate: x.settings.AllowPrivate}
}

// currentStores are the stores as they are now: some clients add one for each
// server.
func (x *parts) currentStores() []*credfiles.Store {
	x.listing.Lock()
	defer x.listing.Unlock()
	x.mu.Lock()
	host, homes, found, before := x.host, x.homes, x.found, x.stores
	x.mu.Unlock()
	stores := credfiles.Stores(host, slices.Concat(homes, found), before...) // a keyring may take its time
	x.mu.Lock()
	defer x.mu.Unlock()
	if slices.Equal(homes, x.homes) {
		x.stores = stores
	}
	return stores
}

// folders are where more stores may come to be.
func (x *parts) folders() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return credfiles.Folders(x.host, slices.Concat(x.homes, x.found))
}

// meet takes in the home of a running client. It stays while we run: what a
// client began with is there when it ends.
func (x *parts) meet(h credfiles.Home) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if slices.Contains(x.found, h) || len(x.found) >= mostFound || credfiles.Lists(x.stores, h) {
		return
	}
	x.found, x.more = append(slices.Clone(x.found), h), true
	again(x.meets)
}

// mostFound bounds what programs that come and go leave behind.
const mostFound = 32

// met reports that homes came in since it was last asked.
func (x *parts) met() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	more := x.more
	x.more = false
	return more
}

func (x *parts) policy() refresher.Policy {
	p := policyOf(x.current())
	if x.waits() != "" {
		p.Mode = "watch-only"
	}
	return p
}

// waits says why everything is only watched, although the settings in force do
// not say so. Empty: it is not.
func (x *parts) waits() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case !x.face:
	case !x.sure:
		return wordUnsure
	case !x.settings.Begun:
		return wordWaits
	}
	return ""
}

func (x *parts) current() settings.Settings {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.settings
}

// trouble is why the settings are not those of the config.
func (x *parts) trouble() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.fault
}

// scan reads the stores, and shows on a terminal that it does.
func (p *program) scan(ctx context.Context, x *parts) (refresher.Snapshot, error) {
	defer p.working(workReading)()
	snap := x.refresher.Scan(ctx)
	if ctx.Err() != nil {
		p.errorf(saidInterrupted)
		return snap, exit{exitLater}
	}
	return snap, nil
}

// read is scan for who wants no more than what stands in the stores: nothing is
// decided, and no list of programs asked for. Where clients are named only
// their stores are read: opening one that is encrypted takes seconds.
func (p *program) read(ctx context.Context, x *parts, clients []string) (snapshot, error) {
	defer p.working(workReading)()
	snap := snapshot{At: time.Now()}
	var all []credfiles.Credential
	for _, s := range x.currentStores() {
		if clients != nil && !slices.Contains(clients, s.Client()) {
			continue
		}
		found, problems := s.Scan(ctx)
		all = append(all, found...)
		snap.Problems = append(snap.Problems, slices.DeleteFunc(problems, func(p credfiles.Problem) bool { return p.Perhaps })...)
	}
	snap.Problems = credfiles.Distinct(snap.Problems)
	credfiles.NameAll(all)
	for _, c := range all {
		snap.Rows = append(snap.Rows, refresher.Row{Credential: c})
	}
	if ctx.Err() != nil {
		p.errorf(saidInterrupted)
		return snap, exit{exitLater}
	}
	return snap, nil
}

// tell is for commands, which say steps on the way only to those who asked why.
func (p *program) tell(e ledger.Event) {
	p.acts.event(e)
	if p.loud {
		p.line("%s", p.view(false).event(e, true))
	}
}

// network describes how the computer is connected, by its addresses: they
// change when it moves to another network or comes back to one.
func network() string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	var all []string
	for _, a := range addrs {
		all = append(all, a.String())
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func stateError(err error) error {
	var f *ledger.FormatError
	if errors.As(err, &f) {
		return sayf(saidNewerState, f.Dir)
	}
	return fmt.Errorf(saidNoState, err)
}
