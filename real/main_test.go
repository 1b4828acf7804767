//go:build real && linux

// Package real proves Lamplighter against the programs that it serves: the
// real Codex CLI, Claude Code, mcp-remote, opencode, Gemini CLI, Qwen Code and
// what Cline is made of, as npm has them, with throwaway homes. An authorization server with an MCP server behind it and a stand-in
// for the model run beside them, all on the loopback of a network namespace
// that has nothing else. What is asserted is what that authorization server
// was sent, not what a client says.
//
//	make real
//
// It needs Linux, npm, node, and root or unprivileged user namespaces. The
// clients are installed once, by their lock file in real/clients, into the
// user's cache folder.
package real

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// place names the folder with everything the test runs, in the environment of
// the test inside the namespace.
const place = "LAMPLIGHTER_REAL_PLACE"

func TestMain(m *testing.M) {
	if name := filepath.Base(os.Args[0]); name == "browser" || name == "xdg-open" {
		os.Exit(browse(os.Args[1:]))
	}
	if os.Getenv(place) != "" {
		if err := enter(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		os.Exit(m.Run())
	}
	code, err := outside()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// outside makes the folder with the programs and runs this test again, in a
// namespace.
func outside() (code int, err error) {
	clients, err := install()
	if err != nil {
		return 2, err
	}
	dir, err := os.MkdirTemp("", "lamplighter-real-")
	if err != nil {
		return 2, err
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		return 2, err
	}
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "lamplighter"), "lamplighter")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 2, fmt.Errorf("building lamplighter: %w\n%s", err, out)
	}
	for name, target := range map[string]string{
		"browser":  self,
		"xdg-open": self, // the browser of those that know no variable
		"codex":    filepath.Join(clients, "node_modules/.bin/codex"),
		"claude":   filepath.Join(clients, "node_modules/.bin/claude"),
		"opencode": filepath.Join(clients, "node_modules/opencode-linux-x64/bin/opencode"),
		"gemini":   filepath.Join(clients, "node_modules/@google/gemini-cli/bundle/gemini.js"),
		"qwen":     filepath.Join(clients, "node_modules/@qwen-code/qwen-code/cli-entry.js"),
		"cline":    filepath.Join(clients, "node_modules/@cline/core/dist/index.js"),

		"mcp-remote":        filepath.Join(clients, "node_modules/mcp-remote/dist/proxy.js"),
		"mcp-remote-before": filepath.Join(clients, "node_modules/mcp-remote-before/dist/proxy.js"),
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			return 2, err
		}
	}
	return runInNamespace(self, dir)
}

// install brings the clients' pinned versions into the cache folder, unless
// they are there.
func install() (dir string, err error) {
	for _, need := range []string{"node", "npm", "go"} {
		if _, err := exec.LookPath(need); err != nil {
			return "", fmt.Errorf("%s is missing: this test installs and runs the real clients with it", need)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(cache, "lamplighter-real")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	const lock = "package-lock.json"
	want, err := os.ReadFile(filepath.Join("clients", lock))
	if err != nil {
		return "", err
	}
	if have, err := os.ReadFile(filepath.Join(dir, "installed.json")); err == nil && bytes.Equal(have, want) {
		return dir, nil
	}
	for _, name := range []string{"package.json", lock} {
		b, err := os.ReadFile(filepath.Join("clients", name))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			return "", err
		}
	}
	fmt.Fprintln(os.Stderr, "installing the clients, about 1.8 GB, into", dir)
	// Not "ci": a registry that lacks a client's part for some other system is no
	// reason to go without the client.
	npm := exec.Command("npm", "install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error")
	npm.Dir = dir
	npm.Stdout, npm.Stderr = os.Stderr, os.Stderr
	if err := npm.Run(); err != nil {
		return "", fmt.Errorf("npm could not install the clients in %s: %w", dir, err)
	}
	return dir, os.WriteFile(filepath.Join(dir, "installed.json"), want, 0o644)
}

// browse is the user's browser: it follows the authorization server's redirect
// back to the client that waits for it.
func browse(args []string) int {
	if len(args) != 1 {
		return 2
	}
	r, err := http.Get(args[0])
	if err != nil {
		return 1
	}
	defer r.Body.Close()
	io.Copy(io.Discard, r.Body)
	if r.StatusCode != http.StatusOK {
		return 1
	}
	return 0
}

// exitCode is a command's, and its error if it never ran to an end.
func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	if err == nil {
		return 0, nil
	}
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	return 2, err
}
