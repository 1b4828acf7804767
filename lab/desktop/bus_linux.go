package desktop

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"lamplighter/lab"
)

// Patience is how long anything may take before a test fails.
const Patience = 20 * time.Second

const config = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=%s</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`

// A Bus is a session bus that starts no services.
type Bus struct {
	t      testing.TB
	dir    string
	daemon *exec.Cmd
}

// NewBus starts a bus, which ends with the test.
func NewBus(t testing.TB) *Bus {
	t.Helper()
	b := NoBus(t)
	b.Start()
	return b
}

// NoBus is a bus that is yet to be started.
func NoBus(t testing.TB) *Bus {
	t.Helper()
	if _, err := exec.LookPath("dbus-daemon"); err != nil {
		t.Skip("needs dbus-daemon (Debian: apt-get install dbus)")
	}
	// Not t.TempDir: the path of a socket has at most 107 bytes.
	dir, err := os.MkdirTemp("", "bus-")
	if err != nil {
		t.Fatal(err)
	}
	b := &Bus{t: t, dir: dir}
	t.Cleanup(func() {
		b.Stop()
		os.RemoveAll(dir)
	})
	if err := os.WriteFile(filepath.Join(dir, "config"), fmt.Appendf(nil, config, b.socket()), 0o600); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *Bus) socket() string { return filepath.Join(b.dir, "bus") }

// Address is for DBUS_SESSION_BUS_ADDRESS. It stays the same.
func (b *Bus) Address() string { return "unix:path=" + b.socket() }

// RuntimeDir is for XDG_RUNTIME_DIR: the socket has the name there by which it
// is found without an address.
func (b *Bus) RuntimeDir() string { return b.dir }

// Start starts the bus, or starts it again.
func (b *Bus) Start() {
	b.t.Helper()
	b.daemon = exec.Command("dbus-daemon", "--nofork", "--nosyslog", "--print-address=1", "--config-file="+filepath.Join(b.dir, "config"))
	b.daemon.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := b.daemon.StdoutPipe()
	if err == nil {
		err = b.daemon.Start()
	}
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		b.t.Fatal("dbus-daemon does not start: ", err)
	}
}

// Stop ends the bus like a crash: its socket stays.
func (b *Bus) Stop() {
	if b.daemon != nil {
		b.daemon.Process.Kill()
		b.daemon.Wait()
		b.daemon = nil
	}
}

// Connect makes a connection, which ends with the test.
func (b *Bus) Connect() *dbus.Conn {
	b.t.Helper()
	conn, err := dbus.Connect(b.Address(), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { conn.Close() })
	return conn
}

// An Ear remembers the signals of one interface.
type Ear struct {
	mu    sync.Mutex
	heard []*dbus.Signal
}

// Listen hears the signals of these interfaces from now on.
func (b *Bus) Listen(interfaces ...string) *Ear {
	b.t.Helper()
	conn := b.Connect()
	e := &Ear{}
	signals := make(chan *dbus.Signal)
	conn.Signal(signals)
	for _, name := range interfaces {
		if err := conn.AddMatchSignal(dbus.WithMatchInterface(name)); err != nil {
			b.t.Fatal(err)
		}
	}
	go func() {
		for s := range signals {
			if s.Path != "/org/freedesktop/DBus" {
				e.mu.Lock()
				e.heard = append(e.heard, s)
				e.mu.Unlock()
			}
		}
	}()
	return e
}

// Heard are the names of the signals since the last time, without interface.
func (e *Ear) Heard() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var names []string
	for _, s := range e.heard {
		names = append(names, filepath.Ext(s.Name)[1:])
	}
	e.heard = nil
	return names
}

// until fails the test if something does not come.
func (b *Bus) until(what string, is func() bool) {
	b.t.Helper()
	if !lab.Until(Patience, is) {
		b.t.Fatal("never came: ", what)
	}
}
