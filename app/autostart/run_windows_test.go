package autostart

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/windows/registry"
)

// a value of its own, which goes with the test.
func newRun(t *testing.T, arguments ...string) Entry {
	t.Helper()
	e := Entry{OS: "windows", Name: "Lamplighter test " + rand.Text(), Arguments: arguments}
	e.Executable = filepath.Join(t.TempDir(), "a b", "lamplighter.exe")
	if err := os.MkdirAll(filepath.Dir(e.Executable), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(e.Executable, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { drop(runKey, e.Name); drop(approvedKey, e.Name) })
	return e
}

func set(t *testing.T, key, name string, value any) {
	t.Helper()
	k, _, err := registry.CreateKey(registry.CURRENT_USER, key, registry.SET_VALUE)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	switch v := value.(type) {
	case string:
		err = k.SetStringValue(name, v)
	case []byte:
		err = k.SetBinaryValue(name, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func wants(t *testing.T, e Entry, want bool, when string) {
	t.Helper()
	if got, err := e.Enabled(); err != nil || got != want {
		t.Errorf("%s: %v, %v", when, got, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheRunKeyAndTaskManagerAgree(t *testing.T) {
	e := newRun(t, "--start", `a "b" \`)
	wants(t, e, false, "nothing")
	must(t, e.Disable())
	must(t, e.Update())
	wants(t, e, false, "what was never on")
	must(t, e.Enable())
	wants(t, e, true, "enabled")
	for note, on := range map[byte]bool{2: true, 3: false, 6: true, 7: false, 0: true} {
		set(t, approvedKey, e.Name, []byte{note, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8})
		wants(t, e, on, "noted")
	}
	set(t, approvedKey, e.Name, []byte{3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	must(t, e.Enable())
	wants(t, e, true, "enabled again")
	must(t, e.Disable())
	wants(t, e, false, "disabled")
	if words, err := e.run(); words != nil || err != nil {
		t.Errorf("%q is left, %v", words, err)
	}
}

func TestAnOldPathInTheRunKeyIsFollowedAndAPersonsLineIsNot(t *testing.T) {
	e := newRun(t)
	set(t, runKey, e.Name, `"C:\old\lamplighter.exe"`)
	wants(t, e, false, "one that starts nothing")
	must(t, e.Update())
	wants(t, e, true, "one that was updated")

	mine := `"C:\windows\system32\cmd.exe" /c start lamplighter.exe`
	set(t, runKey, e.Name, mine)
	must(t, e.Enable())
	must(t, e.Update())
	must(t, e.Disable())
	wants(t, e, false, "a person's, disabled")
	if words, err := e.run(); err != nil || len(words) != 4 {
		t.Errorf("it is %q, %v", words, err)
	}
	must(t, e.Enable())
	wants(t, e, true, "a person's, enabled")
}
