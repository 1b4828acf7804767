//go:build servers && linux

// Package servers proves Lamplighter against authorization servers that others
// made, since our own may share our mistakes: ory/fosite, and from npm
// oidc-provider and @cloudflare/workers-oauth-provider. The real program runs
// in a throwaway home; every request that it makes passes a tap, which writes
// down each refresh token's way and holds the rules of authtest's oracle.
//
//	go test -tags servers -parallel 8 ./servers                     # all three
//	go test -tags servers -parallel 8 -short -run /fosite ./servers # needs no npm
//
// Each server is a process with a file of its own, and all of it is on
// 127.0.0.1. What npm has is installed once, by the lock file in npm, into the
// user's cache folder, a Node that is new enough included.
package servers

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"lamplighter/lab"
)

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "browser" {
		os.Exit(browser(os.Args[1:]))
	}
	lab.Main(m)
}

// A kind of authorization server.
type kind struct {
	name string
	// strict: a refresh token that is used twice ends its grant. Else the
	// last one used stays good until its successor is used, and an older one
	// is refused.
	strict bool
	// What a refresh with a resource that the grant is not for comes to: an
	// answer with invalid_target, after which the refresh token is used up.
	refusesResource, burns bool
	// oneMethod: a client authenticates as it was registered, and in no other
	// way.
	oneMethod bool
	// rotatesLate: a client with a secret gets its old refresh token back while
	// that is young.
	rotatesLate bool
	scope       string // is asked for besides: an ID token comes with it
	names       bool   // it says who it is where it gives a code (RFC 9207)
	command     func(t *testing.T) *exec.Cmd
}

var kinds = []kind{
	{name: "fosite", strict: true, command: fosite},
	{name: "oidc-provider", strict: true, refusesResource: true, burns: true, rotatesLate: true, scope: "openid ", names: true, command: node("oidc-provider.mjs")},
	{name: "workers-oauth-provider", refusesResource: true, oneMethod: true, names: true, command: node("workers.mjs")},
}

// each runs a test against a server of each kind. All tests run side by side:
// they spend most of their time waiting.
func each(t *testing.T, test func(t *testing.T, k kind)) {
	t.Parallel()
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			test(t, k)
		})
	}
}

// eachOf is each for several cases of one thing.
func eachOf[V any](t *testing.T, cases map[string]V, test func(t *testing.T, k kind, v V)) {
	each(t, func(t *testing.T, k kind) {
		for name, v := range cases {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, k, v)
			})
		}
	})
}

// cache is the folder of what is built and installed once.
func cache() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, "lamplighter-servers")
	return dir, os.MkdirAll(dir, 0o755)
}

var buildFosite = sync.OnceValues(func() (string, error) {
	dir, err := cache()
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "fosite")
	build := exec.Command("go", "build", "-C", "fosite", "-o", name, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the fosite server: %w\n%s", err, out)
	}
	return name, nil
})

func fosite(t *testing.T) *exec.Cmd {
	t.Helper()
	name, err := buildFosite()
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command(name)
}

// node is a command for one of our scripts in npm, which finds the installed
// packages beside it.
func node(script string) func(t *testing.T) *exec.Cmd {
	return func(t *testing.T) *exec.Cmd {
		t.Helper()
		packages, err := install()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS("npm")); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(packages, filepath.Join(dir, "node_modules")); err != nil {
			t.Fatal(err)
		}
		arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
		if arch == "" {
			arch = runtime.GOARCH
		}
		return exec.Command(filepath.Join(packages, "node-linux-"+arch, "bin", "node"), filepath.Join(dir, script))
	}
}

// install brings the pinned packages into the cache folder, unless they are
// there, and returns where they are.
var install = sync.OnceValues(func() (string, error) {
	if _, err := exec.LookPath("npm"); err != nil {
		return "", fmt.Errorf("npm is missing: this test installs two authorization servers with it")
	}
	dir, err := cache()
	if err != nil {
		return "", err
	}
	const lock = "package-lock.json"
	want, err := os.ReadFile(filepath.Join("npm", lock))
	if err != nil {
		return "", err
	}
	packages := filepath.Join(dir, "node_modules")
	done := filepath.Join(dir, "installed.json")
	if have, err := os.ReadFile(done); err == nil && bytes.Equal(have, want) {
		return packages, nil
	}
	for _, name := range []string{".npmrc", "package.json", lock} {
		b, err := os.ReadFile(filepath.Join("npm", name))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			return "", err
		}
	}
	npm := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm could not install the authorization servers in %s: %w\n%s", dir, err, out)
	}
	return packages, os.WriteFile(done, want, 0o644)
})
