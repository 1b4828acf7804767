package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"lamplighter/app/model"
)

// stands are the programs that stand in for the desktop's.
var stands = map[string]func(){
	"lamplighter-window": beWindow,
	"browser":            beBrowser,
	"xclip":              beClipboard,
}

// Where the stand-ins meet the test.
const (
	windowVariable    = "LAMPLIGHTER_TEST_WINDOW"    // a socket
	clipboardVariable = "LAMPLIGHTER_TEST_CLIPBOARD" // a file
)

// beBrowser goes where its last argument says, and wherever that leads. Nobody
// is asked anything: that is how the server's sign-in goes.
func beBrowser() {
	r, err := http.Get(os.Args[len(os.Args)-1])
	if err != nil || r.StatusCode != http.StatusOK {
		os.Exit(1)
	}
}

// beClipboard keeps what it was handed.
func beClipboard() {
	text, err := io.ReadAll(os.Stdin)
	if err == nil {
		err = os.WriteFile(os.Getenv(clipboardVariable), fmt.Appendf(nil, "%s\n%s", strings.Join(os.Args[1:], " "), text), 0o600)
	}
	if err != nil {
		os.Exit(1)
	}
}

// beWindow hands the test whatever it reads, and says what the test says. When
// the test has closed it, it ends as soon as its parent has noticed.
func beWindow() {
	conn, err := net.Dial("unix", os.Getenv(windowVariable))
	if err != nil {
		os.Exit(1)
	}
	fmt.Fprintln(conn, os.Getpid())
	go func() {
		io.Copy(os.Stdout, conn)
		os.Stdout.Close()
	}()
	io.Copy(conn, os.Stdin)
	io.Copy(io.Discard, os.Stdin)
}

// A window is a stand-in that runs.
type window struct {
	pid  int
	conn net.Conn
	gone chan struct{} // closed when it has ended

	mu   sync.Mutex
	last model.Model
	show []model.Show
	said []string
}

// do is a click in the window.
func (w *window) do(a model.Action) { json.NewEncoder(w.conn).Encode(a) }

// close is a click on its close button.
func (w *window) close() { w.conn.Close() }

func (w *window) model() model.Model {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

func (w *window) shows() []model.Show {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.show
}

func (w *window) told() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.said, "\n")
}

func (w *window) hasGone() bool {
	select {
	case <-w.gone:
		return true
	default:
		return false
	}
}

// windows are those that were opened so far.
type windows struct {
	mu  sync.Mutex
	all []*window
}

func (s *windows) opened() []*window {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}

// listen takes windows until the test ends. address is the socket's.
func (s *windows) listen(t *testing.T, address string) {
	t.Helper()
	l, err := net.Listen("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			w := &window{conn: conn, gone: make(chan struct{})}
			in := bufio.NewReader(conn)
			fmt.Fscanln(in, &w.pid)
			s.mu.Lock()
			s.all = append(s.all, w)
			s.mu.Unlock()
			go w.read(in)
		}
	}()
}

func (w *window) read(in io.Reader) {
	defer close(w.gone)
	for lines := json.NewDecoder(in); ; {
		var m model.Message
		if lines.Decode(&m) != nil {
			return
		}
		w.mu.Lock()
		switch {
		case m.Model != nil:
			w.last = *m.Model
		case m.Show != nil:
			w.show = append(w.show, *m.Show)
		default:
			w.said = append(w.said, m.Said)
		}
		w.mu.Unlock()
	}
}

// link makes name stand in for a program in a folder.
func link(t *testing.T, dir, name string) string {
	t.Helper()
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, filepath.Join(dir, name))
	}
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}
