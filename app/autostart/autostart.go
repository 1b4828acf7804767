// Package autostart makes the tray app start when the user logs in, in the way
// that the user's desktop shows and switches off itself:
//
//   - Linux and BSD: a desktop entry in $XDG_CONFIG_HOME/autostart (Desktop
//     Application Autostart Specification 0.5, Desktop Entry Specification 1.5);
//   - macOS: a launch agent in ~/Library/LaunchAgents (launchd.plist(5)), which
//     launchd reads at the next login by itself;
//   - Windows: a value of the Run key, with what Task Manager notes about it.
//
// What a person or a desktop changed in an entry stays: off is then written into
// it, and only an entry that is as we wrote it is removed.
package autostart

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An Entry is what starts at login, and where that is written down.
type Entry struct {
	OS   string // as runtime.GOOS has it
	Home string // the user's folder
	// ConfigHome is $XDG_CONFIG_HOME. Empty or relative it counts as ~/.config
	// (XDG Base Directory Specification 0.8).
	ConfigHome string
	ID         string // app.lamplighter: names the files, and the icon on Linux
	Name       string // for people; names the value on Windows
	Comment    string // one line for people
	// Executable is the program's absolute path that lasts: for an AppImage that
	// is $APPIMAGE.
	Executable string
	Arguments  []string
}

// Enabled reports whether the program starts at the next login: there is an
// entry, nobody switched it off, and the program that it names is there. What
// macOS notes outside of the entry (System Settings, launchctl disable) is not
// seen.
func (e Entry) Enabled() (bool, error) {
	if e.OS == "windows" {
		return e.runEnabled()
	}
	found, err := e.read()
	return found != nil && found.on() && found.starts(), err
}

// Gone is the program that should start at the next login and is not there;
// empty where none should, or it is there.
func (e Entry) Gone() (program string, err error) {
	var words []string
	if e.OS == "windows" {
		words, err = e.runWords()
	} else if found, ferr := e.read(); ferr != nil {
		err = ferr
	} else if found != nil && found.on() && !found.starts() {
		words = found.words()
	}
	if err != nil || len(words) == 0 || there(words) {
		return "", err
	}
	return words[0], nil
}

// Enable makes the program start at login. An entry that is there is switched
// on, and points to Executable if it named this program at another place, or
// one that is gone.
func (e Entry) Enable() error {
	if err := e.check(); err != nil {
		return err
	}
	if e.OS == "windows" {
		return e.runEnable()
	}
	found, err := e.read()
	if err != nil {
		return err
	}
	if found == nil {
		return e.write(e.text())
	}
	found.turn(true)
	found.point(e)
	if !found.on() {
		return fmt.Errorf("%s cannot be switched on as it is; remove it and try again", e.path())
	}
	return e.write(found.String())
}

// Update is for each start of the program: an entry that is on and names this
// program at another place, or one that is gone, as after an update, is pointed
// to Executable. Else nothing is written.
func (e Entry) Update() error {
	if err := e.check(); err != nil {
		return err
	}
	if e.OS == "windows" {
		return e.runUpdate()
	}
	found, err := e.read()
	if err != nil || found == nil || !found.on() {
		return err
	}
	found.point(e)
	return e.write(found.String())
}

// Disable makes the program not start at login.
func (e Entry) Disable() error {
	if e.OS == "windows" {
		return e.runDisable()
	}
	found, err := e.read()
	if err != nil || found == nil || !found.on() {
		return err
	}
	before := found.String()
	found.point(e)
	info, err := os.Lstat(e.path())
	if err == nil && info.Mode().IsRegular() && found.String() == e.text() && e.mine(found.words()) {
		return os.Remove(e.path())
	}
	if found, err = e.parse(before); err != nil {
		return err
	}
	found.turn(false)
	if found.on() {
		return fmt.Errorf("%s cannot be switched off as it is; remove it", e.path())
	}
	return e.write(found.String())
}

// An entry is one that was found, as a text that can be changed in place.
type entry interface {
	on() bool        // nobody switched it off
	starts() bool    // what it names is there
	words() []string // the program and its arguments
	turn(on bool)
	point(Entry) // makes it name what it should, where it does not
	String() string
}

func (e Entry) parse(text string) (entry, error) {
	if e.OS == "darwin" {
		return parseAgent(text)
	}
	return parseDesktop(text), nil
}

// path is the entry's file.
func (e Entry) path() string {
	if e.OS == "darwin" {
		return filepath.Join(e.Home, "Library", "LaunchAgents", e.ID+".plist")
	}
	config := e.ConfigHome
	if !filepath.IsAbs(config) {
		config = filepath.Join(e.Home, ".config")
	}
	return filepath.Join(config, "autostart", e.ID+".desktop")
}

// text is a new entry.
func (e Entry) text() string {
	if e.OS == "darwin" {
		return e.agent()
	}
	return e.desktop()
}

// read is the entry that there is; nil where there is none, or nothing in it.
func (e Entry) read() (entry, error) {
	text, err := os.ReadFile(e.path())
	if errors.Is(err, os.ErrNotExist) || err == nil && strings.TrimSpace(string(text)) == "" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found, err := e.parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.path(), err)
	}
	return found, nil
}

// check refuses what no entry can say.
func (e Entry) check() error {
	if !filepath.IsAbs(e.Executable) {
		return fmt.Errorf("%q cannot start at login: its whole path is needed", e.Executable)
	}
	for _, word := range e.command() {
		if !utf8.ValidString(word) || strings.ContainsFunc(word, unicode.IsControl) {
			return fmt.Errorf("%q cannot start at login: move it to a place whose name is plain text", word)
		}
	}
	// The Exec key's program has no equal sign (Desktop Entry Specification 1.5);
	// GLib 2.74 looks for one with a percent sign before it undoubles it.
	if e.OS != "darwin" && e.OS != "windows" && strings.ContainsAny(e.Executable, "=%") {
		return fmt.Errorf("%q cannot start at login: move it to a place without = and %% in its name", e.Executable)
	}
	return nil
}

func (e Entry) command() []string { return append([]string{e.Executable}, e.Arguments...) }

// moved reports that an entry with these words should name our command and
// does not.
func (e Entry) moved(words []string) bool {
	return (e.mine(words) || !there(words)) && !slices.Equal(words, e.command())
}

// mine reports that words are this program, wherever it is, as Enable writes
// them. Else they are what a person wrote, such as "nice lamplighter".
func (e Entry) mine(words []string) bool {
	return len(words) > 0 && strings.EqualFold(filepath.Base(words[0]), filepath.Base(e.Executable)) && slices.Equal(words[1:], e.Arguments)
}

// there reports that the program of words can be started.
func there(words []string) bool {
	if len(words) == 0 {
		return false
	}
	_, err := exec.LookPath(words[0])
	return err == nil
}
