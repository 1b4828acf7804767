package doctor

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"lamplighter/refresher/authtest"
)

// folders are the homes of the clients whose files are in credfiles/testdata.
var folders = map[string]string{
	"codex": ".codex", "claude": ".claude", "mcp-remote": ".mcp-auth", "gemini": ".gemini", "qwen": ".qwen", "hermes": ".hermes",
	"crush": ".local/share/crush", "amazon-q": ".aws/sso/cache", "copilot": ".copilot", "opencode": ".local/share/opencode", "cline": ".cline/data",
	"aws": ".aws", "azure": ".azure", "gcloud": ".config/gcloud", "kimi": ".kimi", "kiro": ".aws/sso/cache",
}

// wrote puts what a real client wrote into the home.
func (c *computer) wrote(client, dir string) {
	c.t.Helper()
	from := filepath.Join("..", "credfiles", "testdata", "real", dir)
	home, ok := folders[client]
	if !ok {
		c.t.Fatalf("where is the home of %s?", client)
	}
	c.must(filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		c.must(err)
		switch beside, isBeside := strings.CutPrefix(filepath.ToSlash(name), "home/"); {
		case d.IsDir() && path != from && strings.HasPrefix(d.Name(), "after-"):
			return fs.SkipDir
		case d.IsDir(), name == "README", strings.HasPrefix(name, "after-"):
			return nil
		case isBeside:
			name = beside
		case name != ".claude.json":
			name = filepath.Join(home, name)
		}
		text, err := os.ReadFile(path)
		c.must(err)
		c.put(name, string(text))
		return nil
	}))
}

// What real clients wrote, in good health, has no finding. The homes of
// credfiles/testdata/scan are odd, wiped or torn on purpose: what is found there
// stands in testdata/found.txt, line by line, and was judged by hand to be true.
// UPDATE=1 writes it anew.
func TestInHomesOfEveryClientNothingIsFoundThatIsNotTrue(t *testing.T) {
	var found strings.Builder
	look := func(name string, c *computer) {
		t.Helper()
		r := c.examine()
		for _, f := range r.Findings {
			fmt.Fprintf(&found, "%s: %s: %s\n", name, f.Cause, f.What())
		}
	}
	entries, err := os.ReadDir(filepath.Join("..", "credfiles", "testdata", "real"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		c := newComputer(t, authtest.Options{})
		c.wrote(e.Name()[:strings.LastIndex(e.Name(), "-")], e.Name())
		if rows := c.local().Snapshot.Rows; len(rows) == 0 {
			t.Errorf("%s: nothing was read", e.Name())
		}
		look("real "+e.Name(), c)
	}
	if found.Len() > 0 {
		t.Errorf("clients in good health:\n%s", found.String())
		found.Reset()
	}
	names, err := filepath.Glob(filepath.Join("..", "credfiles", "testdata", "scan", "*.txtar"))
	if err != nil || len(names) == 0 {
		t.Fatal("no homes", err)
	}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		comment := strings.Fields(string(archive.Comment))
		value := func(key string) string {
			if i := slices.Index(comment, key); i >= 0 {
				return comment[i+1]
			}
			return ""
		}
		c := newComputer(t, authtest.Options{})
		if dir := value("from:"); dir != "" {
			c.wrote(value("client:"), dir)
		}
		home, ok := folders[value("client:")]
		if !ok {
			t.Fatalf("where is the home of %s?", value("client:"))
		}
		for _, f := range archive.Files {
			if f.Name != "expect" {
				c.put(filepath.Join(home, f.Name), strings.ReplaceAll(string(f.Data), "$HOME", c.Home))
			}
		}
		look(strings.TrimSuffix(filepath.Base(name), ".txtar"), c)
	}
	golden := filepath.Join("testdata", "found.txt")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(found.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(want) != found.String() {
		t.Errorf("found, which is not what %s says (%v):\n%s", golden, err, found.String())
	}
}
