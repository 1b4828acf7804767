// Package security is a stand-in for security(1) of macOS, as far as it deals
// with generic passwords. It is made from the published source of that program
// and from what people report of it, not from a Mac: whatever both have wrong,
// the tests that use it have wrong.
//
// A test binary is the program: its TestMain calls [Run].
package security

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// variable names the folder of a stand-in. Where it is set, the program is one.
const variable = "LAMPLIGHTER_TEST_SECURITY"

// A Mood is how an item takes it that its secret is read or changed.
type Mood string

// Moods of an item.
const (
	Willing   Mood = ""
	Locked    Mood = "locked"    // asking is not allowed: 36
	Cancelled Mood = "cancelled" // a person says no: 128
	Wrong     Mood = "wrong"     // a wrong password: 51
	Asking    Mood = "asking"    // a prompt, until the item is set to another mood: that is the answer
	Frozen    Mood = "frozen"    // it can be read, but not changed: 45
	Hidden    Mood = "hidden"    // not even its attributes are told: 36
	Stuck     Mood = "stuck"     // nor is there an answer
)

// An Item is a generic password.
type Item struct {
	Service, Account, Label string
	Secret                  []byte
	Modified                time.Time
	Mood                    Mood
}

// A Security is one keychain, which lasts as long as the test.
type Security struct {
	t       testing.TB
	dir     string
	Program string // what to run
}

// New makes an empty keychain and makes this test binary the program for it.
func New(t *testing.T) *Security {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &Security{t: t, dir: t.TempDir(), Program: exe}
	t.Setenv(variable, s.dir)
	s.Set()
	return s
}

// Set makes these the items that there are.
func (s *Security) Set(items ...Item) {
	s.t.Helper()
	for i := range items {
		if items[i].Label == "" {
			items[i].Label = items[i].Service
		}
	}
	if err := save(s.dir, items); err != nil {
		s.t.Fatal(err)
	}
}

// Items are the items as they are now.
func (s *Security) Items() []Item {
	s.t.Helper()
	items, err := load(s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	return items
}

// Calls are the arguments of every run so far, and what came on stdin, each as
// one text.
func (s *Security) Calls() (arguments, stdin []string) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "calls"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		kind, text, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch kind {
		case "arguments":
			arguments = append(arguments, text)
		case "stdin":
			stdin = append(stdin, text)
		}
	}
	return arguments, stdin
}

// Prompts are the services and accounts of the items for which a prompt was
// shown so far.
func (s *Security) Prompts() (all []string) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "calls"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if item, ok := strings.CutPrefix(line, "prompt: "); ok {
			all = append(all, strings.TrimSpace(item))
		}
	}
	return all
}

func load(dir string) (items []Item, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "items"))
	if err == nil {
		err = json.Unmarshal(text, &items)
	}
	return items, err
}

func save(dir string, items []Item) error {
	text, err := json.Marshal(items)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, "items")
	if err := os.WriteFile(name+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

func note(dir, kind, text string) {
	f, err := os.OpenFile(filepath.Join(dir, "calls"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		f.WriteString(kind + ": " + strings.ReplaceAll(text, "\n", " ") + "\n")
		f.Close()
	}
}
