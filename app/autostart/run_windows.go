package autostart

import (
	"errors"
	"fmt"
	"syscall"
	"unicode/utf8"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// The keys of HKEY_CURRENT_USER. Task Manager and Settings note in approvedKey,
// under the name of the value in runKey, whether it is on: the first byte of
// twelve is odd where it is off, and no note means on (observed by others with
// Windows 10 and 11; Microsoft does not document it).
const (
	runKey      = `Software\Microsoft\Windows\CurrentVersion\Run`
	approvedKey = `Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run`
)

// longest is what a value of the Run key may have ("Run and RunOnce Registry
// Keys" in Microsoft's documentation).
const longest = 260

func (e Entry) runEnabled() (bool, error) {
	words, err := e.run()
	if err != nil || !there(words) {
		return false, err
	}
	off, err := e.off()
	return !off, err
}

// runWords is what the Run key starts at login.
func (e Entry) runWords() ([]string, error) {
	words, err := e.run()
	if err != nil || words == nil {
		return nil, err
	}
	if off, err := e.off(); off || err != nil {
		return nil, err
	}
	return words, nil
}

func (e Entry) runEnable() error {
	if err := e.runPoint(); err != nil {
		return err
	}
	return drop(approvedKey, e.Name)
}

func (e Entry) runUpdate() error {
	words, err := e.run()
	if err != nil || words == nil {
		return err
	}
	return e.runPoint()
}

func (e Entry) runDisable() error {
	words, err := e.run()
	if err != nil || words == nil {
		return err
	}
	if e.mine(words) {
		return errors.Join(drop(runKey, e.Name), drop(approvedKey, e.Name))
	}
	if off, err := e.off(); off || err != nil {
		return err
	}
	k, _, err := registry.CreateKey(registry.CURRENT_USER, approvedKey, registry.SET_VALUE)
	if err != nil {
		return named(approvedKey, err)
	}
	defer k.Close()
	return named(approvedKey, k.SetBinaryValue(e.Name, []byte{3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}))
}

// runPoint makes the value name our command, where it does not.
func (e Entry) runPoint() error {
	words, err := e.run()
	if err != nil || words != nil && !e.moved(words) {
		return err
	}
	line := `"` + e.Executable + `"` // a path has no quotes
	for _, a := range e.Arguments {
		line += " " + syscall.EscapeArg(a)
	}
	if utf8.RuneCountInString(line) > longest {
		return fmt.Errorf("%s cannot start at login: Windows takes %d characters there; move it to a shorter place", e.Executable, longest)
	}
	k, _, err := registry.CreateKey(registry.CURRENT_USER, runKey, registry.SET_VALUE)
	if err != nil {
		return named(runKey, err)
	}
	defer k.Close()
	return named(runKey, k.SetStringValue(e.Name, line))
}

// run is the command that is there; nil where there is none.
func (e Entry) run() ([]string, error) {
	k, err := registry.OpenKey(registry.CURRENT_USER, runKey, registry.QUERY_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, named(runKey, err)
	}
	defer k.Close()
	line, kind, err := k.GetStringValue(e.Name)
	if errors.Is(err, registry.ErrNotExist) {
		return nil, nil
	}
	if err == nil && kind == registry.EXPAND_SZ {
		line, err = registry.ExpandString(line)
	}
	if err != nil {
		return nil, named(runKey, err)
	}
	words, err := windows.DecomposeCommandLine(line)
	if err != nil || len(words) == 0 {
		return []string{line}, nil // something is there
	}
	return words, nil
}

// off reports that Task Manager or Settings switched the value off.
func (e Entry) off() (bool, error) {
	k, err := registry.OpenKey(registry.CURRENT_USER, approvedKey, registry.QUERY_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, named(approvedKey, err)
	}
	defer k.Close()
	note, _, err := k.GetBinaryValue(e.Name)
	if errors.Is(err, registry.ErrNotExist) {
		return false, nil
	}
	return len(note) > 0 && note[0]%2 == 1, named(approvedKey, err)
}

func drop(key, name string) error {
	k, err := registry.OpenKey(registry.CURRENT_USER, key, registry.SET_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return nil
	}
	if err != nil {
		return named(key, err)
	}
	defer k.Close()
	if err := k.DeleteValue(name); err != nil && !errors.Is(err, registry.ErrNotExist) {
		return named(key, err)
	}
	return nil
}

// named says which key an error is about.
func named(key string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(`HKCU\%s: %w`, key, err)
}
