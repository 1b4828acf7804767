package app

import (
	"errors"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"lamplighter/app/settings"
	"lamplighter/credfiles"
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

	mu       sync.Mutex
	settings settings.Settings
	fault    error // why the settings are those of before
	stores   []*credfiles.Store
}

// open reads the settings and wires the parts. A config that cannot be read is
// an error for a command; a running keeper reloads and goes on with the last
// good one.
func (p *program) open() (*parts, error) {
	config, state, err := settings.Paths(settings.Env{OS: p.host.OS, Home: p.host.Home, Getenv: p.host.Getenv})
	if err != nil {
		return nil, err
	}
	if p.config != "" {
		if config, err = filepath.Abs(p.config); err != nil {
			return nil, err
		}
	}
	x := &parts{configFile: config}
	if err := x.load(p.host); err != nil {
		return nil, err
	}
	repaired, err := settings.Secure(state)
	if err != nil {
		return nil, err
	}
	for _, name := range repaired {
		p.warnf(saidRepaired, p.short(name))
	}
	if x.ledger, err = ledger.Open(state); err != nil {
		return nil, stateError(err)
	}
	exchange.UserAgent = "lamplighter/" + p.version
	x.refresher = &refresher.Refresher{
		Stores: x.currentStores, Policy: x.policy, Ledger: x.ledger,
		Finder:  &discovery.Finder{Dir: filepath.Join(state, "discovery"), AllowPrivate: x.settings.AllowPrivate},
		Tell:    p.tell,
		Network: network,
	}
	return x, nil
}

// load reads the settings; on an error those of before stay.
func (x *parts) load(host credfiles.Host) error {
	s, err := settings.Load(x.configFile, credfiles.ClientNames())
	x.mu.Lock()
	defer x.mu.Unlock()
	x.fault = err
	if err != nil && x.stores != nil {
		return err
	}
	if err != nil {
		return err
	}
	var homes []credfiles.Home
	for _, h := range s.Homes {
		homes = append(homes, credfiles.Home{Client: h.Client, Path: h.Path, Name: h.Name})
	}
	x.settings, x.stores = s, credfiles.Stores(host, homes)
	return nil
}

func (x *parts) currentStores() []*credfiles.Store {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.stores
}

func (x *parts) policy() refresher.Policy {
	x.mu.Lock()
	defer x.mu.Unlock()
	return policyOf(x.settings)
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
	return err
}
