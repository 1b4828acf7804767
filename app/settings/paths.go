package settings

import (
	"errors"
	"strings"
)

// An Env is the computer, as far as our paths depend on it.
type Env struct {
	OS     string // as runtime.GOOS
	Home   string // the user's home folder
	Getenv func(string) string
}

// Paths returns where the config file and the state folder are:
//
//	Linux, BSD  $XDG_CONFIG_HOME/lamplighter/config.toml, $XDG_STATE_HOME/lamplighter
//	macOS       ~/Library/Application Support/Lamplighter/config.toml and .../state
//	Windows     %AppData%\Lamplighter\config.toml, %LocalAppData%\Lamplighter
//
// A variable with a relative path is ignored, as the XDG Base Directory
// Specification demands. An error says which variable to set.
func Paths(e Env) (config, state string, err error) {
	switch e.OS {
	case "windows":
		config = e.base("APPDATA", "AppData", "Roaming")
		state = e.base("LOCALAPPDATA", "AppData", "Local")
		if config == "" || state == "" {
			return "", "", errors.New("there is no home folder: set USERPROFILE, or APPDATA and LOCALAPPDATA")
		}
		return config + `\Lamplighter\config.toml`, state + `\Lamplighter`, nil

	case "darwin":
		dir := e.base("", "Library", "Application Support", "Lamplighter")
		if dir == "" {
			return "", "", errors.New("there is no home folder: set HOME")
		}
		return dir + "/config.toml", dir + "/state", nil
	}
	config = e.base("XDG_CONFIG_HOME", ".config")
	state = e.base("XDG_STATE_HOME", ".local", "state")
	if config == "" || state == "" {
		return "", "", errors.New("there is no home folder: set HOME, or XDG_CONFIG_HOME and XDG_STATE_HOME")
	}
	return config + "/lamplighter/config.toml", state + "/lamplighter", nil
}

// base returns the folder that a variable names, else the one at rest in the
// home folder, else "".
func (e Env) base(variable string, rest ...string) string {
	separator := "/"
	if e.OS == "windows" {
		separator = `\`
	}
	if variable != "" {
		if dir := e.Getenv(variable); e.absolute(dir) {
			return strings.TrimRight(dir, separator)
		}
	}
	if !e.absolute(e.Home) {
		return ""
	}
	return strings.TrimRight(e.Home, separator) + separator + strings.Join(rest, separator)
}

// absolute is path/filepath's IsAbs for the system in e instead of ours.
func (e Env) absolute(path string) bool {
	if e.OS != "windows" {
		return strings.HasPrefix(path, "/")
	}
	drive := len(path) > 2 && path[1] == ':' && (path[2] == '\\' || path[2] == '/')
	return drive || strings.HasPrefix(path, `\\`)
}
