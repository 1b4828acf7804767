package credfiles

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"lamplighter/credfiles/processes"
)

// Holders lists, by store path, the running programs that may hold a refresh
// token of that store in memory. A program whose home the system does not
// tell (the environment of others is readable on Linux only) counts for every
// home of its client.
func Holders(ctx context.Context, stores []*Store) (map[string][]Process, error) {
	held := map[string][]Process{}
	if len(stores) == 0 || stores[0].host.Processes == nil {
		return held, nil
	}
	host := stores[0].host
	used := map[*client]bool{}
	for _, s := range stores {
		if s.client.rereads != nil { // else nothing of its is ever written
			used[s.client] = true
		}
	}
	running, err := host.Processes(ctx, func(name string) bool { return likely(name, used) })
	if err != nil {
		return nil, err
	}
	for _, p := range running {
		for c := range used {
			if !c.is(p) {
				continue
			}
			home, known := homeOf(c, host, p)
			if !known && host.User != "" && p.Owner != host.User {
				continue // somebody else's, with a home of his own
			}
			if known {
				host.tells(c, p, home)
			}
			version := c.version(p)
			found := Process{PID: p.PID, Name: c.name, Started: p.Started, Version: version, Rereads: c.rereads(version)}
			found.Lockless = c.lockless != nil && c.lockless(version)
			for _, s := range stores {
				// The items of a keyring share a path.
				last := len(held[s.path]) - 1
				if s.client != c || known && !s.uses(home) || last >= 0 && held[s.path][last].PID == found.PID {
					continue
				}
				if c.holds == nil || c.holds(s, p) {
					held[s.path] = append(held[s.path], found)
				}
			}
		}
	}
	return held, nil
}

// uses reports whether a home's client uses this store.
func (s *Store) uses(home string) bool {
	return slices.ContainsFunc(append([]string{s.home}, s.also...), func(h string) bool { return sameHome(h, home) })
}

// likely picks by name what is worth a closer look for some clients.
func likely(name string, used map[*client]bool) bool {
	name = strings.TrimSuffix(name, ".exe")
	for c := range used {
		if slices.Contains(c.programs, name) || c.script != "" && name == "node" {
			return true
		}
	}
	return false
}

// is reports whether a running program is the client.
func (c *client) is(p processes.Process) bool {
	name := strings.TrimSuffix(p.Name, ".exe")
	if slices.Contains(c.programs, name) {
		return c.runs == nil || c.runs(p)
	}
	return c.script != "" && name == "node" && slices.ContainsFunc(p.Args, func(arg string) bool {
		return strings.Contains(strings.ReplaceAll(arg, `\`, "/"), c.script)
	})
}

// homeOf is the home that a running client uses. It is not known where the
// environment is not, or names a folder that is relative to where the client
// was started.
func homeOf(c *client, host Host, p processes.Process) (home string, known bool) {
	user := "HOME"
	if host.OS == "windows" {
		user = "USERPROFILE"
	}
	_, home = c.moved(host.OS, func(name string) string {
		value, _ := p.Env(name)
		return value
	})
	if home == "" {
		if home, _ = p.Env(user); home != "" {
			home = c.home(host.OS, home)
		}
	}
	return home, filepath.IsAbs(home)
}
