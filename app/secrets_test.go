package app

import (
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// forms are the ways in which somebody could have written a secret.
func forms(secret string) []string {
	all := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret),
		hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
	}
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 { // it may stand anywhere in what was encoded
			text := e.EncodeToString([]byte(strings.Repeat("x", shift) + secret))
			first := []int{0, 2, 3}[shift]
			all = append(all, text[first:len(text)-1])
		}
	}
	return all
}

// leak returns what stands in text and should not: "" if nothing does.
func (sc *scene) leak(text string) string {
	for name, s := range sc.servers {
		for _, secret := range s.Secrets() {
			for _, form := range forms(secret) {
				if strings.Contains(text, form) {
					return "a secret of server " + name
				}
			}
		}
	}
	return ""
}

// leaks lists the files that hold a secret and are neither stores nor
// configuration of a client, nor journal nor kept records.
func (sc *scene) leaks() []string {
	var found []string
	filepath.WalkDir(sc.work, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		dir := filepath.Base(filepath.Dir(path))
		if strings.Contains(d.Name(), ".credentials.json") || d.Name() == "mcp-oauth-tokens.json" || dir == ".codex" || dir == "journal" || dir == "kept" || dir == "own" || strings.HasSuffix(d.Name(), ".secret") || d.Name() == "token" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err == nil && (sc.leak(string(text)) != "" || sc.leak(path) != "") {
			found = append(found, path)
		}
		return nil
	})
	return found
}

// clean: no secret stands in what the last command put out, in a file that
// was made, or in the command line of a running program.
func scriptClean(ts *testscript.TestScript, neg bool, args []string) {
	sc := of(ts)
	for _, name := range []string{"stdout", "stderr"} {
		if what := sc.leak(ts.ReadFile(name)); what != "" {
			ts.Fatalf("%s stands in %s", what, name)
		}
	}
	for _, path := range sc.leaks() {
		ts.Fatalf("a secret stands in %s", path)
	}
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range lines {
		if text, err := os.ReadFile(name); err == nil {
			if what := sc.leak(string(text)); what != "" {
				ts.Fatalf("%s stands in %s", what, name)
			}
		}
	}
}

func TestASecretIsFoundInEveryForm(t *testing.T) {
	const secret = "rt~EXAMPLE+secret/of=some length"
	for _, around := range []string{"", "a", "ab", "abc", "client-7:"} {
		whole := around + secret + around
		for name, text := range map[string]string{
			"plain": whole, "query": url.QueryEscape(whole), "path": url.PathEscape(whole), "hex": hex.EncodeToString([]byte(whole)),
			"base64": base64.StdEncoding.EncodeToString([]byte(whole)), "base64url": base64.RawURLEncoding.EncodeToString([]byte(whole)),
		} {
			found := false
			for _, form := range forms(secret) {
				found = found || strings.Contains(text, form)
			}
			if !found {
				t.Errorf("%s of %q: the secret is not found", name, whole)
			}
		}
	}
}
