package processes

import (
	"os"
	"path/filepath"
	"testing"
)

// tree makes files below a new folder and returns it.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestPackageVersion(t *testing.T) {
	const codex, claude = "@openai/codex", "@anthropic-ai/claude-code"
	// The layouts of Codex 0.169.0 and Claude Code 2.1.329 from npm, of
	// Homebrew and of Claude Code's installer.
	root := tree(t, map[string]string{
		"npm/@openai/codex/package.json":                       `{"name":"@openai/codex","version":"0.169.0"}`,
		"npm/@openai/codex/bin/codex.js":                       "",
		"npm/@openai/codex-linux-x64/package.json":             `{"name":"@openai/codex","version":"0.169.0-linux-x64"}`,
		"npm/@openai/codex-linux-x64/vendor/musl/bin/codex":    "",
		"npm/@anthropic-ai/claude-code-linux-x64/package.json": `{"name":"@anthropic-ai/claude-code-linux-x64-musl","version":"2.1.329"}`,
		"npm/@anthropic-ai/claude-code-linux-x64/claude":       "",
		"npm/@openai/codex/node_modules/x/package.json":        `{"name":"x","version":"9.9.9"}`,
		"npm/@openai/codex/node_modules/x/x.js":                "",
		"npm/@openai/codex-sdk/package.json":                   `{"name":"@openai/codex-sdk","version":"1.0.0"}`,
		"npm/@openai/codex-sdk/x.js":                           "",
		"npm/beta/package.json":                                `{"name":"@openai/codex","version":"0.170.0-alpha.3"}`,
		"npm/beta/codex":                                       "",
		"daemon/releases/0.169.0-musl/codex-package.json":      `{"version":"0.169.0"}`,
		"daemon/releases/0.169.0-musl/bin/codex":               "",
		"npm/broken/package.json":                              `{"name":"@openai/codex","version":`,
		"npm/broken/codex":                                     "",
		"brew/Cellar/codex/0.150.2_1/bin/codex":                "",
		"brew/Cellar/node/24.1.0/bin/node":                     "",
		"brew/Caskroom/claude-code/2.1.300/claude":             "",
		"share/claude/versions/2.1.301":                        "",
		"share/other/versions/1.2.3":                           "",
		"share/claude/versions/current":                        "",
	})
	for _, test := range []struct{ file, name, want string }{
		{"npm/@openai/codex/bin/codex.js", codex, "0.169.0"},
		{"npm/@openai/codex-linux-x64/vendor/musl/bin/codex", codex, "0.169.0"},
		{"npm/@anthropic-ai/claude-code-linux-x64/claude", claude, "2.1.329"},
		{"npm/@openai/codex/node_modules/x/x.js", codex, "0.169.0"},
		{"npm/@openai/codex-sdk/x.js", codex, ""},
		{"npm/@openai/codex/bin/codex.js", claude, ""},
		{"npm/beta/codex", codex, "0.170.0-alpha.3"},
		{"npm/broken/codex", codex, ""},
		{"daemon/releases/0.169.0-musl/bin/codex", codex, "0.169.0"},
		{"daemon/releases/0.169.0-musl/bin/codex", claude, ""},
		{"brew/Cellar/codex/0.150.2_1/bin/codex", codex, "0.150.2"},
		{"brew/Cellar/node/24.1.0/bin/node", codex, ""},
		{"brew/Caskroom/claude-code/2.1.300/claude", claude, "2.1.300"},
		{"share/claude/versions/2.1.301", claude, "2.1.301"},
		{"share/claude/versions/2.1.301", codex, ""},
		{"share/other/versions/1.2.3", claude, ""},
		{"share/claude/versions/current", claude, ""},
		{"nowhere/codex", codex, ""},
	} {
		if got := PackageVersion(filepath.Join(root, filepath.FromSlash(test.file)), test.name); got != test.want {
			t.Errorf("%s of %s: got %q, want %q", test.name, test.file, got, test.want)
		}
	}

	link := filepath.Join(root, "codex")
	if err := os.Symlink(filepath.Join(root, "npm/@openai/codex/bin/codex.js"), link); err != nil {
		t.Skip(err)
	}
	if got := PackageVersion(link, codex); got != "0.169.0" {
		t.Errorf("by a link: got %q", got)
	}
	t.Chdir(root)
	if got := PackageVersion("codex", codex); got != "" {
		t.Errorf("a relative path, which is relative to the program's folder and not to ours: got %q", got)
	}
}
