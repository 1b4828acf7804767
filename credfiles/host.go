package credfiles

import (
	"context"
	"path/filepath"
	"strings"

	"lamplighter/credfiles/processes"
)

// A Host is the computer as the clients see it. It is an argument so that a
// test can have one of its own.
type Host struct {
	OS     string // as runtime.GOOS
	Home   string // the user's home folder
	User   string // as processes.Process names its owner
	Getenv func(string) string
	// Keyring is the system's; nil where none is looked at.
	Keyring Keyring
	// Keychain is that of macOS; nil: none is looked at.
	Keychain *Keychain
	// Opener opens files that are encrypted; nil: none is.
	Opener *Opener
	// Kernel is its release, as uname -r prints it: only that tells a service,
	// which has no variable of WSL's, that it runs there.
	Kernel string
	// Processes lists running programs by name; nil where that is not wanted.
	Processes func(ctx context.Context, want func(name string) bool) ([]processes.Process, error)
	// Own are the user's own credentials; nil: there are none.
	Own *Owned
	// Found is told the home of each program that Holders meets and that a
	// variable moved; nil: nobody wants to know.
	Found func(Home)
}

// A Home is a further home of a client, from our config.
type Home struct {
	Client string // the client's name in the table
	Path   string // absolute, or below ~/
	Name   string // the profile; empty for the folder's name
	// Found means that nobody named it: it takes no name from another.
	Found bool
}

// expand resolves a leading ~/ and makes the path clean.
func (h Host) expand(path string) string {
	if rest, ok := strings.CutPrefix(filepath.ToSlash(path), "~/"); ok {
		return filepath.Join(h.Home, rest)
	}
	return filepath.Clean(path)
}

// xdg is a folder of the XDG Base Directory Specification: what its variable
// names, XDG_CONFIG_HOME for "CONFIG", and else the folder below the user's
// home. The specification says to ignore a path that is not absolute.
func (h Host) xdg(name, below string) string {
	if dir := h.Getenv("XDG_" + name + "_HOME"); filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(h.Home, filepath.FromSlash(below))
}

func (h Host) configHome() string { return h.xdg("CONFIG", ".config") }
func (h Host) dataHome() string   { return h.xdg("DATA", ".local/share") }
func (h Host) stateHome() string  { return h.xdg("STATE", ".local/state") }

// foreign reports whether a path belongs to another system than the one that
// we run on: Windows looking into WSL, or WSL looking into Windows. Locks do
// not reach across, so such a home is only watched.
func (h Host) foreign(path string) bool {
	switch h.OS {
	case "windows":
		p := strings.ToLower(strings.ReplaceAll(path, `\`, "/"))
		p = strings.Replace(p, "//?/unc/", "//", 1)
		return strings.HasPrefix(p, "//wsl.localhost/") || strings.HasPrefix(p, "//wsl$/")
	case "linux":
		wsl := h.Getenv("WSL_DISTRO_NAME") != "" || strings.Contains(strings.ToLower(h.Kernel), "microsoft")
		// It mounts the drives at /mnt/c, /mnt/d, ... unless told otherwise.
		return wsl && len(path) > 6 && strings.HasPrefix(path, "/mnt/") && path[6] == '/'
	}
	return false
}
