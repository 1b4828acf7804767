package sessionbus

import (
	"errors"
	"testing"
)

func TestTheBusIsFoundAndNeverStarted(t *testing.T) {
	for _, test := range []struct {
		name, address, dir string
		want               string // "" for ErrUnknown
	}{
		{"nothing is set", "", "", ""},
		{"one would be started", "autolaunch:", "", ""},
		{"one would be started on a display", "autolaunch:scope=*install-path", "", ""},
		{"it is named", "unix:path=/tmp/other", "/run/user/1000", "unix:path=/tmp/other"},
		{"it is in the session's folder", "", "/run/user/1000", "unix:path=/run/user/1000/bus"},
		{"one runs, another would be started", "autolaunch:", "/run/user/1000", "unix:path=/run/user/1000/bus"},
		{"the folder has an odd name", "", "/run/a b;c", "unix:path=/run/a%20b%3bc/bus"},
	} {
		env := map[string]string{"DBUS_SESSION_BUS_ADDRESS": test.address, "XDG_RUNTIME_DIR": test.dir}
		got, err := Address(func(name string) string { return env[name] })
		if got != test.want || (test.want == "") != errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %q, %v", test.name, got, err)
		}
	}
}
