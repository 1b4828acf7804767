//go:build real && linux

package real

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lamplighter/refresher/authtest"
)

// patience ends what hangs.
const patience = 90 * time.Second

// A bench is one user's home with an authorization server that only it uses.
type bench struct {
	*testing.T
	server *authtest.Server
	mcp    string // URL of the MCP server
	model  string // URL of the stand-in for the model
	home   string
	env    []string

	// A client that the server knows beforehand; empty: the program registers
	// itself.
	clientID, secret string

	mu   sync.Mutex
	seen []request
}

// A request is what the server saw of one, beyond the authorization server's
// own log: by whom, and with which access token.
type request struct {
	at     time.Time
	agent  string
	path   string
	form   url.Values // of a token request
	basic  bool       // a secret in the header
	method string     // of JSON-RPC
	bearer [sha256.Size]byte
}

// newBench makes a home and starts a server.
func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, home: t.TempDir()}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	origin := "http://" + l.Addr().String()
	b.server = authtest.New(t, authtest.Options{
		Memory: true, Origin: origin, ResourceOrigin: origin, // it is reached through serve
		Discovery: authtest.Discovery{Scopes: []string{"read", "write", "offline_access"}},
	})
	b.mcp = origin + "/mcp"
	front := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(b.serve)}}
	front.Start()
	t.Cleanup(front.Close)
	model := startModel(t)
	b.model = model

	for _, dir := range []string{"project", "tmp", ".codex"} {
		if err := os.Mkdir(filepath.Join(b.home, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	config := fmt.Sprintf("model = \"stand-in\"\nmodel_provider = \"standin\"\n\n[model_providers.standin]\n"+
		"name = \"stand-in\"\nbase_url = %q\nwire_api = \"responses\"\n\n"+
		"[analytics]\nenabled = false\n\n[features]\nplugins = false\n", model+"/v1")
	if err := os.WriteFile(filepath.Join(b.home, ".codex/config.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	programs := os.Getenv(place)
	b.env = []string{
		"PATH=" + programs + ":" + os.Getenv("PATH"), "HOME=" + b.home, "TMPDIR=" + filepath.Join(b.home, "tmp"),
		"LANG=C.UTF-8", "TERM=xterm", "BROWSER=" + filepath.Join(programs, "browser"),
		"ANTHROPIC_BASE_URL=" + model, "ANTHROPIC_API_KEY=sk-ant-EXAMPLE",
		"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1", "DISABLE_AUTOUPDATER=1", "DISABLE_TELEMETRY=1",
		"ENABLE_TOOL_SEARCH=false", // or the tool would first have to be searched for
	}
	return b
}

// serve notes who asks and lets the authorization server answer.
func (b *bench) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	seen := request{at: time.Now(), agent: program(r.UserAgent()), path: r.URL.Path}
	if r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		seen.form, _ = url.ParseQuery(string(body))
		_, _, seen.basic = r.BasicAuth()
	}
	var call struct{ Method string }
	if json.Unmarshal(body, &call) == nil {
		seen.method = call.Method
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		seen.bearer = sha256.Sum256([]byte(token))
	}
	b.mu.Lock()
	b.seen = append(b.seen, seen)
	b.mu.Unlock()
	r.Body = io.NopCloser(bytes.NewReader(body))
	b.server.ServeHTTP(w, r)
}

// program tells who asks. Claude Code's token requests are its runtime's.
func program(userAgent string) string {
	name, _, _ := strings.Cut(userAgent, "/")
	switch name {
	case "codex-mcp-client":
		return "codex"
	case "claude-code", "Bun":
		return "claude"
	}
	return name
}

// since is what the server has seen since mark, which [bench.mark] gave.
func (b *bench) since(mark int) []request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]request(nil), b.seen[mark:]...)
}

func (b *bench) mark() int { return len(b.since(0)) }

// refreshes are those of a program, of all if it is empty.
func refreshes(seen []request, by string) (posts []request) {
	for _, r := range seen {
		if r.form.Get("grant_type") == "refresh_token" && (by == "" || r.agent == by) {
			posts = append(posts, r)
		}
	}
	return posts
}

// calls are the times that a program called the MCP server's tool.
func calls(seen []request, by string) (found []request) {
	for _, r := range seen {
		if r.method == "tools/call" && r.agent == by {
			found = append(found, r)
		}
	}
	return found
}

// command is a program in the user's home, ended when patience is.
func (b *bench) command(name string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	b.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, filepath.Join(os.Getenv(place), name), args...)
	cmd.Dir, cmd.Env = filepath.Join(b.home, "project"), b.env
	return cmd
}

// start starts a program. The function that it returns waits for the end,
// fails the test unless that is exit 0, and returns what the program wrote.
func (b *bench) start(cmd *exec.Cmd) (wait func() string) {
	b.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	return func() string {
		b.Helper()
		if err := cmd.Wait(); err != nil {
			b.Fatalf("%s: %v\n%s", strings.Join(cmd.Args[1:], " "), err, &out)
		}
		return out.String()
	}
}

// run runs a program to its end.
func (b *bench) run(cmd *exec.Cmd) string {
	b.Helper()
	return b.start(cmd)()
}

// together runs programs at once.
func (b *bench) together(commands ...*exec.Cmd) {
	b.Helper()
	var waits []func() string
	for _, cmd := range commands {
		waits = append(waits, b.start(cmd))
	}
	for _, wait := range waits {
		wait()
	}
}

// file is a file in the user's home.
func (b *bench) file(name string) []byte {
	b.Helper()
	content, err := os.ReadFile(filepath.Join(b.home, name))
	if err != nil {
		b.Fatal(err)
	}
	return content
}

// lifetime sets how long the access tokens live that come from now on.
func (b *bench) lifetime(d time.Duration) {
	b.server.Set(func(o *authtest.Options) { o.AccessLifetime = d })
}

// sleepUntil waits for a token's age, which no test can bring forward in
// another program.
func (b *bench) sleepUntil(when time.Time) {
	select {
	case <-time.After(time.Until(when)):
	case <-b.Context().Done():
	}
}
