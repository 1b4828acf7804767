//go:build real && linux

package real

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A client is one of the programs that Lamplighter serves.
type client struct {
	name   string        // of its program, and the first word of its IDs
	itself time.Duration // how long before expiry it refreshes by itself
	store  string        // in the home
	// What its own refresh says, without and with a client\'s secret.
	sends, sendsWithSecret string

	signIn func(*bench)
	// ask is a run of its own, in which the model calls the tool. As both
	// clients come, they give up on an MCP server that is slow to connect and
	// end; a patient one waits.
	ask     func(b *bench, patient bool) *exec.Cmd
	session func(*bench) *session
}

var clients = []client{codex, claude}

// codex refreshes 30 s before expiry (0.169.0, observed).
var codex = client{
	name: "codex", itself: 30 * time.Second, store: ".codex/.credentials.json",
	sends:           "client_id grant_type refresh_token resource scope",
	sendsWithSecret: "grant_type refresh_token resource scope (Basic)",
	signIn: func(b *bench) {
		args := []string{"mcp", "add", "lab", "--url", b.mcp}
		if b.secret != "" {
			args = append(args, "--oauth-client-id", b.clientID, "--oauth-client-secret", b.secret)
		}
		b.run(b.command("codex", args...)) // signs in at once
	},
	ask: func(b *bench, patient bool) *exec.Cmd {
		return b.command("codex", "exec", "--skip-git-repo-check",
			"--config", fmt.Sprintf("mcp_servers.lab.required=%v", patient), "Call the tool.")
	},
	session: func(b *bench) *session {
		s := b.session(b.command("codex", "app-server"))
		s.call("initialize", object{"clientInfo": object{"name": "real", "version": "1"}})
		s.send(object{"method": "initialized"})
		thread := s.call("thread/start", object{"cwd": filepath.Join(b.home, "project"), "approvalPolicy": "never"})
		id := thread["thread"].(object)["id"]
		s.ask = func() {
			s.call("turn/start", object{"threadId": id, "input": []object{{"type": "text", "text": "Call the tool."}}})
			s.await(func(m object) bool { return m["method"] == "turn/completed" })
		}
		return s
	},
}

// claude refreshes 5 minutes before expiry (2.1.329, observed).
var claude = client{
	name: "claude", itself: 5 * time.Minute, store: ".claude/.credentials.json",
	sends:           "client_id grant_type refresh_token resource",
	sendsWithSecret: "grant_type refresh_token resource (Basic)",
	signIn: func(b *bench) {
		args := []string{"mcp", "add", "--scope", "user", "--transport", "http"}
		if b.secret != "" {
			args = append(args, "--client-id", b.clientID, "--client-secret")
		}
		add := b.command("claude", append(args, "lab", b.mcp)...)
		add.Env = append(add.Env, "MCP_CLIENT_SECRET="+b.secret)
		b.run(add)
		b.onTerminal(b.command("claude", "mcp", "login", "lab"))
	},
	ask: func(b *bench, patient bool) *exec.Cmd {
		cmd := b.command("claude", "--print", "--allowedTools", "mcp__lab", "--", "Call the tool.")
		if patient {
			cmd.Env = append(cmd.Env, "CLAUDE_CODE_MCP_STARTUP_WAIT_MS=30000")
		}
		return cmd
	},
	session: func(b *bench) *session {
		s := b.session(b.command("claude", "--print", "--allowedTools", "mcp__lab", "--verbose",
			"--input-format", "stream-json", "--output-format", "stream-json"))
		s.ask = func() {
			s.send(object{"type": "user", "message": object{"role": "user", "content": "Call the tool."}})
			s.await(func(m object) bool { return m["type"] == "result" })
		}
		return s
	},
}

// A token is what a store holds.
type token struct {
	Access, Refresh string
	Expiry          time.Time
	raw             []byte // the store, whole
}

// token reads the one entry of a client's store.
func (b *bench) token(c client) token {
	b.Helper()
	raw := b.file(c.store)
	var store map[string]json.RawMessage
	err := json.Unmarshal(raw, &store)
	if inner, ok := store["mcpOAuth"]; ok && err == nil {
		store = nil
		err = json.Unmarshal(inner, &store)
	}
	if err != nil || len(store) != 1 {
		b.Fatalf("%s: not a store with one entry (%v)", c.store, err)
	}
	var e struct {
		CodexAccess   string `json:"access_token"`
		CodexRefresh  string `json:"refresh_token"`
		CodexExpiry   int64  `json:"expires_at"`
		ClaudeAccess  string `json:"accessToken"`
		ClaudeRefresh string `json:"refreshToken"`
		ClaudeExpiry  int64  `json:"expiresAt"`
	}
	for _, entry := range store {
		if err := json.Unmarshal(entry, &e); err != nil {
			b.Fatal(err)
		}
	}
	return token{
		Access: e.CodexAccess + e.ClaudeAccess, Refresh: e.CodexRefresh + e.ClaudeRefresh,
		Expiry: time.UnixMilli(e.CodexExpiry + e.ClaudeExpiry), raw: raw,
	}
}

// fingerprint is how a request with this access token looks.
func (t token) fingerprint() [sha256.Size]byte { return sha256.Sum256([]byte(t.Access)) }

// A session is a client that runs on and is spoken to in JSON lines.
type session struct {
	*testing.T
	ask  func() // has the model call the tool, and waits for it
	in   io.Writer
	from *bufio.Scanner
	errs *strings.Builder
	id   int
	pid  int
}

// session starts a client that ends with the test.
func (b *bench) session(cmd *exec.Cmd) *session {
	b.Helper()
	s := &session{T: b.T, errs: new(strings.Builder)}
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stderr = s.errs
	s.in, s.from = in, bufio.NewScanner(out)
	s.from.Buffer(nil, 16<<20)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	s.pid = cmd.Process.Pid
	b.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	return s
}

func (s *session) send(message object) {
	s.Helper()
	line, err := json.Marshal(message)
	if err == nil {
		_, err = s.in.Write(append(line, '\n'))
	}
	if err != nil {
		s.Fatal(err)
	}
}

// call is a JSON-RPC call.
func (s *session) call(method string, params object) object {
	s.Helper()
	s.id++
	s.send(object{"id": s.id, "method": method, "params": params})
	answer := s.await(func(m object) bool { return m["id"] == float64(s.id) && m["method"] == nil })
	result, ok := answer["result"].(object)
	if !ok {
		s.Fatalf("%s: %v", method, answer["error"])
	}
	return result
}

// await reads up to the message that is waited for.
func (s *session) await(is func(object) bool) object {
	s.Helper()
	for s.from.Scan() {
		var m object
		if json.Unmarshal(s.from.Bytes(), &m) == nil && is(m) {
			return m
		}
	}
	s.Fatalf("the session ended (%v)\n%s", s.from.Err(), s.errs)
	return nil
}

// onTerminal runs a command on a terminal of its own: `claude mcp login` wants
// one.
func (b *bench) onTerminal(cmd *exec.Cmd) {
	b.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer keyboard.Close()
	fd := int(keyboard.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		b.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		b.Fatal(err)
	}
	screen, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = screen, screen, screen
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	err = cmd.Start()
	screen.Close()
	if err != nil {
		b.Fatal(err)
	}
	var shown strings.Builder
	read := make(chan struct{})
	go func() {
		io.Copy(&shown, keyboard) // ends with an error when the terminal's last user has gone
		close(read)
	}()
	err = cmd.Wait()
	<-read
	if err != nil {
		b.Fatalf("%s: %v\n%s", strings.Join(cmd.Args[1:], " "), err, shown.String())
	}
}
