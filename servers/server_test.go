//go:build servers && linux

package servers

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A server is one process of a kind, behind a tap. It ends with its test.
type server struct {
	*tap
	t      *testing.T
	kind   kind
	life   time.Duration // of an access token
	state  string
	cmd    *exec.Cmd
	direct string // the address of the process, past the tap
}

func start(t *testing.T, k kind, life time.Duration) *server {
	t.Helper()
	s := prepared(t, k, life)
	s.start()
	t.Cleanup(s.shut)
	return s
}

// startBare starts a server without a tap: each byte on the wire is its own.
func startBare(t *testing.T, k kind, life time.Duration) *server {
	t.Helper()
	s := prepared(t, k, life)
	s.run(s.addr)
	return s
}

func prepared(t *testing.T, k kind, life time.Duration) *server {
	s := &server{tap: newTap(t), t: t, kind: k, life: life, state: filepath.Join(t.TempDir(), "state.json")}
	t.Cleanup(s.kill)
	return s
}

// start starts the process behind its tap, on what it knew before.
func (s *server) start() {
	s.t.Helper()
	s.run("127.0.0.1:0")
	s.open(s.direct)
}

func (s *server) run(at string) {
	s.t.Helper()
	s.cmd = s.kind.command(s.t)
	s.cmd.Env = []string{
		"ISSUER=" + s.origin, "LISTEN=" + at, "STATE=" + s.state, "ACCESS_SECONDS=" + strconv.Itoa(int(s.life.Seconds())),
	}
	// It ends with this process at the latest, and whatever it starts with it.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	var said strings.Builder
	s.cmd.Stderr = &said
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		s.kill()
		s.t.Fatalf("the %s server did not start: %s", s.kind.name, said.String())
	}
	s.direct = lines.Text()
	go io.Copy(io.Discard, out)
}

// kill ends the process in the midst of whatever it does. Its connections
// break off with it if the tap is shut, and are held open if not.
func (s *server) kill() {
	if s.cmd == nil {
		return
	}
	syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	s.cmd.Wait()
	if how, ok := s.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || how.Signal() != syscall.SIGKILL {
		s.t.Errorf("the %s server had ended by itself (%v): %s", s.kind.name, s.cmd.ProcessState, s.cmd.Stderr)
	}
	s.cmd = nil
}

// forget ends a client's registration, as time does.
func (s *server) forget(client string) {
	s.t.Helper()
	r, err := http.Post("http://"+s.direct+"/test/forget?client="+url.QueryEscape(client), "", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusNoContent {
		s.t.Fatalf("the registration was not ended: HTTP status %d", r.StatusCode)
	}
}

// accepts reports whether the MCP server lets a bearer of this access token in.
func (s *server) accepts(access string) bool {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodPost, s.origin+"/mcp", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+access)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusUnauthorized {
		s.t.Fatalf("the MCP server answered with HTTP status %d", resp.StatusCode)
	}
	return resp.StatusCode == http.StatusOK
}

// An answer of a token endpoint.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Expires int64  `json:"expires_in"`
	Scope   string `json:"scope"`
	Error   string `json:"error"`
}

// steal presents a refresh token as a program that has nothing to do with us
// does: past the tap, so that the rules are not held against it.
func (s *server) steal(client, refresh string) tokens {
	s.t.Helper()
	return s.present("http://"+s.direct, client, refresh)
}

func (s *server) present(at, client, refresh string) tokens {
	s.t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {client}, "refresh_token": {refresh}}
	r, err := http.NewRequest(http.MethodPost, at+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Host = strings.TrimPrefix(s.origin, "http://")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.tokens(r)
}

func (s *server) tokens(r *http.Request) (t tokens) {
	s.t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&t); err != nil {
		s.t.Fatalf("the token endpoint's answer with HTTP status %d is no JSON", resp.StatusCode)
	}
	return t
}
