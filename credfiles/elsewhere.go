package credfiles

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lamplighter/credfiles/processes"
)

// tells says in which home a program of this user's runs, where a variable of
// its environment moved it. One with another HOME is somebody's experiment.
func (h Host) tells(c *client, p processes.Process, home string) {
	if h.Found == nil || h.User != "" && p.Owner != h.User {
		return
	}
	env := func(name string) string {
		value, _ := p.Env(name)
		return value
	}
	user := "HOME"
	if h.OS == "windows" {
		user = "USERPROFILE"
	}
	if _, moved := c.moved(h.OS, env); moved == "" || env(user) != h.Home || !isFolder(home) {
		return
	}
	h.Found(Home{Client: c.name, Path: filepath.Clean(home), Found: true})
}

// Lists reports whether any of the stores is in that home.
func Lists(stores []*Store, home Home) bool {
	return slices.ContainsFunc(stores, func(s *Store) bool { return s.client.name == home.Client && s.uses(home.Path) })
}

// Across are the homes of clients on the Windows that this Linux runs on, of
// those that have one there: they are only watched. They are asked for once,
// for that file system is slow. On Windows nothing is looked for in WSL: to ask
// would start a distribution that was stopped.
func (h Host) Across() []Home {
	if h.OS != "linux" || !h.foreign("/mnt/c/") {
		return nil
	}
	return across("/mnt/c/Users")
}

// across looks into the homes of a Windows' users.
func across(users string) (all []Home) {
	names, _ := os.ReadDir(users)
	for _, user := range names {
		if !user.IsDir() || slices.Contains([]string{"Public", "Default", "All Users", "Default User"}, user.Name()) {
			continue
		}
		for _, c := range table() {
			home := c.home("windows", filepath.Join(users, user.Name()))
			if isFolder(home) {
				all = append(all, Home{Client: c.name, Path: home, Name: "windows-" + strings.Map(plain, user.Name()), Found: true})
			}
		}
	}
	return all
}

// plain takes what separates the parts of an ID out of a name.
func plain(r rune) rune {
	if r == '/' || r == '@' {
		return '_'
	}
	return r
}
