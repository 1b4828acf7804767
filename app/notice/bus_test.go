//go:build !windows && !darwin

package notice

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// A private bus, for one test.
type testBus struct {
	t       *testing.T
	address string
	cmd     *exec.Cmd
}

// startBus starts a bus; extra goes into its configuration.
func startBus(t *testing.T, extra string, env ...string) *testBus {
	t.Helper()
	dir, err := os.MkdirTemp("", "bus") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return startBusIn(t, dir, extra, env...)
}

func startBusIn(t *testing.T, dir, extra string, env ...string) *testBus {
	t.Helper()
	program, err := exec.LookPath("dbus-daemon")
	if err != nil {
		t.Skip("dbus-daemon is not installed (Debian: apt-get install dbus)")
	}
	config := filepath.Join(dir, "bus.conf")
	text := `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=` + filepath.Join(dir, "bus") + `</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>` + extra + `</busconfig>`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b := &testBus{t: t, cmd: exec.Command(program, "--config-file="+config, "--print-address", "--nofork", "--nopidfile")}
	b.cmd.Env = append(os.Environ(), env...)
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal("the bus did not start:", err)
	}
	b.address = strings.TrimSpace(line)
	return b
}

func (b *testBus) kill() {
	b.cmd.Process.Signal(syscall.SIGCONT)
	b.cmd.Process.Kill()
	b.cmd.Wait()
}

func (b *testBus) dial() *dbus.Conn {
	b.t.Helper()
	conn, err := dbus.Connect(b.address)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { conn.Close() })
	return conn
}

// notifier is ours, on this bus.
func (b *testBus) notifier() *Notifier {
	n := &Notifier{newDesktopOn(App{Name: "Lamplighter", ID: "app.lamplighter"}, func() (string, error) { return b.address, nil })}
	b.t.Cleanup(n.Close)
	return n
}

// A service is the other side: it shows notifications to the test.
type service struct {
	conn   *dbus.Conn
	can    []string
	shown  chan shown
	closed chan uint32
	hang   chan struct{} // non-nil: Notify waits for it
	last   atomic.Uint32
}

type shown struct {
	ID, Replaces           uint32
	App, Icon, Title, Body string
	Actions                []string
	Hints                  map[string]dbus.Variant
	Expires                int32
}

func (s *service) GetCapabilities() ([]string, *dbus.Error) { return s.can, nil }

func (s *service) Notify(app string, replaces uint32, icon, title, body string, actions []string, hints map[string]dbus.Variant, expires int32) (uint32, *dbus.Error) {
	id := replaces
	if id == 0 {
		id = s.last.Add(1)
	}
	s.shown <- shown{id, replaces, app, icon, title, body, actions, hints, expires}
	if s.hang != nil {
		<-s.hang
	}
	return id, nil
}

func (s *service) CloseNotification(id uint32) *dbus.Error {
	s.closed <- id
	return nil
}

func (b *testBus) serve(can ...string) *service {
	b.t.Helper()
	s := newService(can...)
	if err := s.on(b.dial()); err != nil {
		b.t.Fatal(err)
	}
	return s
}

func newService(can ...string) *service {
	return &service{can: can, shown: make(chan shown, 100), closed: make(chan uint32, 100)}
}

func (s *service) on(conn *dbus.Conn) error {
	s.conn = conn
	if err := conn.Export(s, serverPath, serverName); err != nil {
		return err
	}
	got, err := conn.RequestName(serverName, dbus.NameFlagDoNotQueue)
	if err == nil && got != dbus.RequestNameReplyPrimaryOwner {
		err = errors.New("the name is taken")
	}
	return err
}

func (s *service) emit(t *testing.T, name string, args ...any) {
	t.Helper()
	if err := s.conn.Emit(serverPath, serverName+"."+name, args...); err != nil {
		t.Fatal(err)
	}
}

func get[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v, ok := <-from:
		if !ok {
			t.Fatalf("closed, waiting for %s", what)
		}
		return v
	case <-time.After(20 * time.Second):
		t.Fatalf("waited in vain for %s", what)
	}
	panic("not reached")
}

// until waits for a Service.
func until(t *testing.T, n *Notifier, want Service) {
	t.Helper()
	for n.Service() != want {
		get(t, n.Changed(), fmt.Sprintf("%+v", want))
	}
}

func show(t *testing.T, n *Notifier, note Notice) {
	t.Helper()
	if err := n.Show(t.Context(), note); err != nil {
		t.Fatal(err)
	}
}

var slack = Notice{Tag: "claude/mcp/slack", Title: "Slack needs you", Body: "Sign in again.", Button: "Sign in"}
