//go:build !windows

package notice

import (
	"errors"
	"io"
)

// Main is the hidden command "lamplighter notice", which only Windows needs:
// without clicked it shows the toast that it reads from in, and ends. Windows
// starts it with clicked, the address behind a toast or its button
// ("lamplighter notice --clicked URL"); then act is given what the person did,
// and is to leave it where a running Lamplighter finds it.
func Main(app App, clicked string, in io.Reader, act func(Answer) error) error {
	return errors.New("notifications need no command of their own on this system")
}

// Unregister removes what showing notices left on the computer, for an
// uninstaller: here nothing.
func Unregister(app App) error { return nil }
