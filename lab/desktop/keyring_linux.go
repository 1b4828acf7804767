package desktop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/godbus/dbus/v5"
)

const (
	secretsName = "org.freedesktop.secrets"
	secretsPath = "/org/freedesktop/secrets"
	// LoginCollection is the keyring that opens with a person's session.
	LoginCollection = dbus.ObjectPath("/org/freedesktop/secrets/collection/login")
)

// A Keyring is GNOME Keyring on a bus, with a folder of its own. Its login
// keyring has the empty password.
type Keyring struct {
	Collection string // where Put puts items: empty for the default one, "session" for the one that ends with the daemon

	t      testing.TB
	bus    *Bus
	dir    string
	daemon *exec.Cmd
}

// NewKeyring starts GNOME Keyring, unlocked. It ends with the test.
func (b *Bus) NewKeyring() *Keyring {
	b.t.Helper()
	for _, name := range []string{"gnome-keyring-daemon", "secret-tool"} {
		if _, err := exec.LookPath(name); err != nil {
			b.t.Skip("needs gnome-keyring-daemon and secret-tool (Debian: apt-get install gnome-keyring libsecret-tools)")
		}
	}
	k := &Keyring{t: b.t, bus: b, dir: b.t.TempDir()}
	b.t.Cleanup(k.Kill)
	// Once in some hundred starts it crashes at its first calls (42.1, observed).
	for try := 1; ; try++ {
		k.Start()
		err := k.unlock()
		if err == nil {
			return k
		}
		if try == 3 {
			b.t.Fatal(err)
		}
		k.Kill()
		k.Erase()
	}
}

// Start starts it, or starts it again. It is locked.
func (k *Keyring) Start() {
	k.t.Helper()
	k.daemon = exec.Command("gnome-keyring-daemon", "--foreground", "--components=secrets", "--control-directory="+filepath.Join(k.dir, "control"))
	k.daemon.Env = k.environ()
	k.daemon.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := k.daemon.Start(); err != nil {
		k.t.Fatal(err)
	}
	conn := k.bus.Connect()
	k.bus.until("the keyring", func() bool {
		var owned bool
		err := conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, secretsName).Store(&owned)
		return err == nil && owned
	})
}

func (k *Keyring) environ() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + k.dir, "XDG_RUNTIME_DIR=" + k.dir, "XDG_DATA_HOME=" + filepath.Join(k.dir, "data"),
		"DBUS_SESSION_BUS_ADDRESS=" + k.bus.Address(), "LANG=C.UTF-8",
	}
}

// Kill ends it like a crash.
func (k *Keyring) Kill() {
	if k.daemon != nil {
		k.daemon.Process.Kill()
		k.daemon.Wait()
		k.daemon = nil
	}
}

// Erase removes every keyring, of one that does not run.
func (k *Keyring) Erase() {
	k.t.Helper()
	k.must(os.RemoveAll(filepath.Join(k.dir, "data")))
}

// Stop holds its process still, as one that hangs; Go lets it go on.
func (k *Keyring) Stop() { k.daemon.Process.Signal(syscall.SIGSTOP) }

// Go is the counterpart of Stop.
func (k *Keyring) Go() { k.daemon.Process.Signal(syscall.SIGCONT) }

func (k *Keyring) service() dbus.BusObject {
	return k.bus.Connect().Object(secretsName, secretsPath)
}

// Unlock opens the login keyring as a log-in does, and makes it where it is
// not there.
func (k *Keyring) Unlock() {
	k.t.Helper()
	k.must(k.unlock())
}

func (k *Keyring) unlock() error {
	service := k.service()
	var output dbus.Variant
	password := password()
	if err := service.Call("org.freedesktop.Secret.Service.OpenSession", 0, "plain", dbus.MakeVariant("")).Store(&output, &password.Session); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(k.dir, "data", "keyrings", "login.keyring")); err == nil {
		return service.Call(inner+"UnlockWithMasterPassword", 0, LoginCollection, password).Err
	}
	made, err := k.create("login")
	if err != nil {
		return err
	}
	if made != LoginCollection {
		return fmt.Errorf("the login keyring is %s", made)
	}
	return service.Call("org.freedesktop.Secret.Service.SetAlias", 0, "default", made).Err
}

// create makes an empty collection with the empty password.
func (k *Keyring) create(name string) (made dbus.ObjectPath, err error) {
	service := k.service()
	var output dbus.Variant
	password := password()
	if err := service.Call("org.freedesktop.Secret.Service.OpenSession", 0, "plain", dbus.MakeVariant("")).Store(&output, &password.Session); err != nil {
		return "", err
	}
	label := map[string]dbus.Variant{"org.freedesktop.Secret.Collection.Label": dbus.MakeVariant(name)}
	return made, service.Call(inner+"CreateWithMasterPassword", 0, label, password).Store(&made)
}

// inner is the interface by which a log-in opens the keyring.
const inner = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface."

// secret is one on its way, as the Secret Service API has it.
type secret struct {
	Session    dbus.ObjectPath
	Parameters []byte
	Value      []byte
	Type       string
}

// password is the empty one.
func password() secret { return secret{Parameters: []byte{}, Value: []byte{}, Type: "text/plain"} }

// Lock locks the login keyring.
func (k *Keyring) Lock() {
	k.t.Helper()
	k.lock(LoginCollection)
}

// AddLocked makes another collection, with nothing in it, and locks it.
func (k *Keyring) AddLocked(name string) {
	k.t.Helper()
	made, err := k.create(name)
	k.must(err)
	k.lock(made)
}

func (k *Keyring) lock(collection dbus.ObjectPath) {
	k.t.Helper()
	var locked []dbus.ObjectPath
	var prompt dbus.ObjectPath
	k.must(k.service().Call("org.freedesktop.Secret.Service.Lock", 0, []dbus.ObjectPath{collection}).Store(&locked, &prompt))
}

// Put makes an item, or replaces the one with these attributes, as a client
// does: attributes are names and values by turns.
func (k *Keyring) Put(label, secret string, attributes ...string) {
	k.t.Helper()
	args := []string{"store", "--label=" + label}
	if k.Collection != "" {
		args = append(args, "--collection="+k.Collection)
	}
	cmd := exec.Command("secret-tool", append(args, attributes...)...)
	cmd.Env, cmd.Stdin = k.environ(), strings.NewReader(secret)
	if out, err := cmd.CombinedOutput(); err != nil {
		k.t.Fatalf("secret-tool: %v: %s", err, out)
	}
}

// Get is the secret of an item as secret-tool reads it.
func (k *Keyring) Get(attributes ...string) (secret string, ok bool) {
	k.t.Helper()
	cmd := exec.Command("secret-tool", append([]string{"lookup"}, attributes...)...)
	cmd.Env = k.environ()
	out, err := cmd.Output()
	return string(out), err == nil
}

// Delete removes an item.
func (k *Keyring) Delete(attributes ...string) {
	k.t.Helper()
	cmd := exec.Command("secret-tool", append([]string{"clear"}, attributes...)...)
	cmd.Env = k.environ()
	if out, err := cmd.CombinedOutput(); err != nil {
		k.t.Fatalf("secret-tool: %v: %s", err, out)
	}
}

// Dress is everything about the items with these attributes but their secret
// and the time of their last change.
func (k *Keyring) Dress(attributes map[string]string) map[dbus.ObjectPath]map[string]dbus.Variant {
	k.t.Helper()
	conn := k.bus.Connect()
	var open, locked []dbus.ObjectPath
	k.must(conn.Object(secretsName, secretsPath).Call("org.freedesktop.Secret.Service.SearchItems", 0, attributes).Store(&open, &locked))
	found := map[dbus.ObjectPath]map[string]dbus.Variant{}
	for _, path := range append(open, locked...) {
		var all map[string]dbus.Variant
		k.must(conn.Object(secretsName, path).Call("org.freedesktop.DBus.Properties.GetAll", 0, "org.freedesktop.Secret.Item").Store(&all))
		delete(all, "Modified")
		found[path] = all
	}
	return found
}

// Calls notes the methods that anybody but a Keyring's own means calls of the
// keyring from now on.
func (b *Bus) Calls(interfaces ...string) (called func() []string) {
	b.t.Helper()
	conn := b.Connect()
	var rules []string
	for _, name := range interfaces {
		rules = append(rules, "type='method_call',interface='"+name+"'")
	}
	if err := conn.BusObject().Call("org.freedesktop.DBus.Monitoring.BecomeMonitor", 0, rules, uint32(0)).Err; err != nil {
		b.t.Fatal(err)
	}
	messages := make(chan *dbus.Message, 1024)
	conn.Eavesdrop(messages)
	var mu sync.Mutex
	var all []string
	go func() {
		for m := range messages {
			if m.Type == dbus.TypeMethodCall {
				name, _ := m.Headers[dbus.FieldMember].Value().(string)
				mu.Lock()
				all = append(all, name)
				mu.Unlock()
			}
		}
	}()
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), all...)
	}
}

func (k *Keyring) must(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}
