package credfiles

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lamplighter/credfiles/processes"
)

// A Hindrance is why a client cannot renew an entry by itself, although the
// refresh token may be good.
type Hindrance string

// What hinders a client.
const (
	Unbound      Hindrance = "unbound"       // the entry names no issuer, without which it sends no refresh token
	LinkRefused  Hindrance = "link-refused"  // the store is a link, through which it cannot save what it was given
	LinkReplaced Hindrance = "link-replaced" // the store is a link, in whose place it puts a file
)

// Hindrances lists what keeps this store's client from renewing one of its
// entries by itself. versions are those of the client that are installed or
// run; none: they are not known.
func (s *Store) Hindrances(c Credential, versions []string) (all []Hindrance) {
	if s.client.unable != nil {
		if h := s.client.unable(c, versions); h != "" {
			all = append(all, h)
		}
	}
	if s.client.link != "" && s.ring == nil && s.chain == nil && s.file.sealed == nil && c.WatchOnly != VendorLogin {
		if info, err := os.Lstat(s.path); err == nil && info.Mode()&os.ModeSymlink != 0 {
			all = append(all, s.client.link)
		}
	}
	return all
}

// Obstacle is what [Hold.Ready] would find in the way of a write, without any
// lock: nil where the store could be written, or is not there. A draft may
// stand beside a file for a moment; the store itself is not touched.
func (s *Store) Obstacle(ctx context.Context) *Problem {
	if !slices.ContainsFunc(s.file.kinds, func(k kind) bool { return k.watchOnly == "" }) || s.limit() != "" {
		return nil // nobody wants to write it
	}
	doc, err := s.readSettled(ctx)
	if err != nil {
		return nil // Scan tells
	}
	h := Hold{store: s}
	defer h.drop()
	if err := h.prepare(len(doc.text)); err != nil && !gone(err) {
		return s.problem(err)
	}
	return nil
}

// A Program is a client as it is installed.
type Program struct {
	Client  string // its name in the table
	Path    string
	Version string // empty where it cannot be told without running it
}

// Programs lists the clients that the search path finds, and those that others
// bring along. None of them is run: a version is that of the package which a
// program belongs to.
func (h Host) Programs() (all []Program) {
	seen := map[string]bool{}
	add := func(c *client, name, file string) {
		real := resolved(file)
		if interpreters[name] || seen[c.name+real] || !runs(file) {
			return
		}
		seen[c.name+real] = true
		p := Program{Client: c.name, Path: file}
		if c.version != nil {
			p.Version = c.version(processes.Process{Name: name, Exe: real, Args: []string{"node", real}})
		}
		all = append(all, p)
	}
	for _, dir := range filepath.SplitList(h.Getenv("PATH")) {
		if !filepath.IsAbs(dir) {
			continue
		}
		for _, c := range table() {
			for _, name := range c.programs {
				add(c, name, filepath.Join(dir, h.executable(dir, name)))
			}
		}
	}
	for _, c := range table() {
		for _, pattern := range c.bundled {
			if h.OS == "windows" {
				pattern += ".exe"
			}
			if !filepath.IsAbs(pattern) {
				pattern = filepath.Join(h.Home, filepath.FromSlash(pattern))
			}
			found, _ := filepath.Glob(pattern)
			for _, file := range found {
				add(c, c.name, file)
			}
		}
	}
	return all
}

// interpreters run many a program besides.
var interpreters = map[string]bool{
	"node": true, "bun": true, "deno": true, "python": true, "python3": true, "python3.11": true, "python3.12": true,
	"python3.13": true, "python3.14": true, "pythonw": true, "q": true, // and a tool for tables is called q
}

// executable is how a program's file is called.
func (h Host) executable(dir, name string) string {
	if h.OS == "windows" {
		for _, ending := range []string{".exe", ".cmd"} {
			if _, err := os.Stat(filepath.Join(dir, name+ending)); err == nil {
				return name + ending
			}
		}
	}
	return name
}

// runs reports that a file is there and may be run.
func runs(file string) bool {
	info, err := os.Stat(file)
	windows := strings.HasSuffix(file, ".exe") || strings.HasSuffix(file, ".cmd")
	return err == nil && info.Mode().IsRegular() && (windows || info.Mode().Perm()&0o111 != 0)
}

// Clash reports that of these versions of a client one takes out of entries
// what another needs in them.
func Clash(client string, versions []string) bool {
	for _, c := range table() {
		if c.name == client && c.clash != nil {
			return c.clash(versions)
		}
	}
	return false
}
