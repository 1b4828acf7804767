package credfiles

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"slices"

	"lamplighter/credfiles/jsonedit"
)

// claudeService is what its items are called. Nothing here was seen on a Mac:
// it is what users and the makers of other tools report, up to 2.1.258.
const claudeService = "Claude Code-credentials"

// claudeChain is where it keeps its document on macOS.
var claudeChain = chain{
	// With CLAUDE_CONFIG_DIR set the item is called after the variable's value as
	// it stands there, which may be the default home's path
	// (robinebers/openusage#424, sirmalloc/ccstatusline#573).
	services: func(h Host, home string) (names []string, sure bool) {
		if sameHome(home, filepath.Join(h.Home, ".claude")) {
			names, sure = append(names, claudeService), true
		}
		if value := h.Getenv("CLAUDE_CONFIG_DIR"); value != "" {
			if path, err := filepath.Abs(value); err == nil && sameHome(home, path) {
				names, sure = append(names, claudeServiceOf(value)), true
			}
		}
		names = append(names, claudeServiceOf(home))
		slices.Sort(names)
		return slices.Compact(names), sure
	},
	// $USER, the system's name for the user, else a name of its own; "unknown" is
	// found too, with entries of MCP servers (sirmalloc/ccstatusline#521).
	accounts: func(h Host) []string {
		all := []string{filepath.Base(h.Home), "claude-code-user", "unknown"}
		if user := h.Getenv("USER"); user != "" {
			all = append([]string{user}, all...)
		}
		return all
	},
}

func claudeServiceOf(value string) string {
	sum := sha256.Sum256([]byte(value))
	return claudeService + "-" + hex.EncodeToString(sum[:4])
}

// claudeStubs are the entries of a document that have no token. One in the
// file makes it take its server for one that waits for a sign-in, although the
// keychain has a token (anthropics/claude-code#87405, at 2.1.224).
func claudeStubs(root jsonedit.Value) map[string]bool {
	stubs := map[string]bool{}
	section, _ := root.Get("mcpOAuth")
	for _, m := range section.Members() {
		if claudeStub(m.Value) {
			stubs[m.Key] = true
		}
	}
	return stubs
}

func claudeStub(e jsonedit.Value) bool {
	return e.Kind() == jsonedit.Object && member(e, "accessToken") == "" && member(e, "refreshToken") == ""
}

// keep notes which entries the keychain has.
func (j *joined) keep(root jsonedit.Value) {
	if j.kept == nil {
		j.kept, j.quiet = map[string]bool{}, true
	}
	section, _ := root.Get("mcpOAuth")
	for _, m := range section.Members() {
		j.kept[m.Key] = true
	}
}
