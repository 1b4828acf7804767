// Written from documentation, built and vetted, never run: Wine has no toasts.

package notice

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"git.sr.ht/~jackmordaunt/go-toast/v2/wintoast"
	"github.com/go-ole/go-ole"
	"golang.org/x/sys/windows/registry"
)

// Main is the hidden command "lamplighter notice". Without clicked it shows the
// toast that it reads from in, and ends. Windows starts it with clicked, the
// address behind a toast or its button ("lamplighter notice --clicked URL");
// then act is given what the person did, and is to leave it where a running
// Lamplighter finds it.
func Main(app App, clicked string, in io.Reader, act func(Answer) error) error {
	if clicked != "" {
		key, err := clickKey(app)
		if err != nil {
			return err
		}
		a, err := unseal(key, clicked)
		if err != nil {
			return err
		}
		return act(a)
	}
	var r request
	if err := json.NewDecoder(io.LimitReader(in, 1<<16)).Decode(&r); err != nil {
		return fmt.Errorf("the notification cannot be read: %w", err)
	}
	runtime.LockOSThread() // COM counts by thread
	switch {
	case r.Clear:
		return clearToasts(app.ID)
	case r.Show == nil:
		return errors.New("there is no notification on standard input")
	}
	key, err := register(app)
	if err != nil {
		return fmt.Errorf("toasts cannot be registered: %w", err)
	}
	text, err := toastOf(r.Show.clean(), key)
	if err != nil {
		return err
	}
	// Not the library's Notification: its template leaves texts as they are, and
	// what fails it hands to PowerShell.
	return wintoast.Push(app.ID, text)
}

// activator is the class that would be called for a toast, if there were one.
// The name alone lets toasts stay in the notification centre; those that open
// an address need no more (Microsoft, "Activating toast notifications from
// desktop apps": no COM, stub CLSID).
const activator = "{9C1E3B5A-6D0F-4B7E-9B43-5E6F0A7D2C18}"

const classes = `Software\Classes\`

func appKey(app App) string { return classes + `AppUserModelId\` + app.ID }

// register makes app known to the system, for this user only, and returns the
// key of its clicks. What stands there is written anew: the program may have
// moved.
func register(app App) ([]byte, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(self, `"%`) { // would be read as something else
		return nil, errors.New("the program's path has a quote or a percent sign in it")
	}
	icon := iconFile(app)
	if len(app.Icon) > 0 {
		if err := os.MkdirAll(filepath.Dir(icon), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(icon, app.Icon, 0o600); err != nil {
			return nil, err
		}
	}
	for _, v := range []struct{ path, name, value string }{
		{appKey(app), "DisplayName", app.Name},
		{appKey(app), "CustomActivator", activator},
		{appKey(app), "IconUri", icon},
		{classes + scheme, "", "URL:" + app.Name},
		{classes + scheme, "URL Protocol", ""},
		{classes + scheme + `\shell\open\command`, "", `"` + self + `" notice --clicked "%1"`},
	} {
		if v.name == "IconUri" && len(app.Icon) == 0 {
			continue
		}
		k, _, err := registry.CreateKey(registry.CURRENT_USER, v.path, registry.SET_VALUE)
		if err != nil {
			return nil, err
		}
		err = k.SetStringValue(v.name, v.value)
		if err := errors.Join(err, k.Close()); err != nil {
			return nil, err
		}
	}
	key, err := clickKey(app)
	if !errors.Is(err, registry.ErrNotExist) {
		return key, err
	}
	key = make([]byte, 32)
	rand.Read(key)
	k, err := registry.OpenKey(registry.CURRENT_USER, appKey(app), registry.SET_VALUE)
	if err != nil {
		return nil, err
	}
	defer k.Close()
	return key, k.SetBinaryValue(clickValue, key)
}

const clickValue = "ClickKey"

func clickKey(app App) ([]byte, error) {
	k, err := registry.OpenKey(registry.CURRENT_USER, appKey(app), registry.QUERY_VALUE)
	if err != nil {
		return nil, err
	}
	defer k.Close()
	key, _, err := k.GetBinaryValue(clickValue)
	return key, err
}

func iconFile(app App) string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, app.Name, "notice.png")
}

// Unregister removes what showing notices left on the computer, for an
// uninstaller.
func Unregister(app App) error {
	var failed error
	for _, path := range []string{
		classes + scheme + `\shell\open\command`, classes + scheme + `\shell\open`, classes + scheme + `\shell`, classes + scheme,
		appKey(app), // each after what is in it: DeleteKey takes empty ones only
	} {
		if err := registry.DeleteKey(registry.CURRENT_USER, path); err != nil && !errors.Is(err, registry.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
	}
	if err := os.Remove(iconFile(app)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		failed = errors.Join(failed, err)
	}
	return failed
}

// The places in tables of functions, after the six of IInspectable
// (windows.ui.notifications.idl of the Windows SDK).
const (
	getHistory  = 6  // IToastNotificationManagerStatics2
	clearWithID = 12 // IToastNotificationHistory
)

var managerStatics2 = ole.NewGUID("{7AB93C52-0E48-4750-BA9D-1A4113981847}")

// clearToasts takes back all toasts of the program, which the library cannot.
func clearToasts(id string) error {
	if err := ole.RoInitialize(1); err != nil { // multi-threaded, as the library does
		return err
	}
	manager, err := ole.RoGetActivationFactory("Windows.UI.Notifications.ToastNotificationManager", managerStatics2)
	if err != nil {
		return err
	}
	defer manager.Release()
	var history *ole.IInspectable
	if hr, _, _ := syscall.SyscallN(method(manager, getHistory), uintptr(unsafe.Pointer(manager)), uintptr(unsafe.Pointer(&history))); hr != 0 {
		return ole.NewError(hr)
	}
	defer history.Release()
	name, err := ole.NewHString(id)
	if err != nil {
		return err
	}
	defer ole.DeleteHString(name)
	if hr, _, _ := syscall.SyscallN(method(history, clearWithID), uintptr(unsafe.Pointer(history)), uintptr(name)); hr != 0 {
		return ole.NewError(hr)
	}
	return nil
}

func method(of *ole.IInspectable, place int) uintptr {
	return (*[clearWithID + 1]uintptr)(unsafe.Pointer(of.RawVTable))[place]
}
