//go:build unix

package signin

const (
	homeName   = "HOME"
	ignoreCase = false
)

// userPlaces begin with ~ or the name of a variable. The first two are those of
// the clients' own installers (Claude Code's setup page, Codex's install.sh),
// ~/.claude/local that of Claude Code's migrate-installer.
var userPlaces = []string{
	"CODEX_INSTALL_DIR", "~/.local/bin", "~/.claude/local",
	"~/.npm-global/bin", "~/.npm-packages/bin", "~/.npm/bin", "~/bin",
	"VOLTA_HOME/bin", "~/.volta/bin",
	"BUN_INSTALL/bin", "~/.bun/bin",
	"PNPM_HOME", "~/.local/share/pnpm", "~/Library/pnpm", "~/.yarn/bin",
	"ASDF_DATA_DIR/shims", "~/.asdf/shims", "~/.local/share/mise/shims", "~/.nodenv/shims", "~/n/bin",
	"NVM_DIR/versions/node/*/bin", "~/.nvm/versions/node/*/bin", "~/.config/nvm/versions/node/*/bin",
	"~/.local/share/fnm/node-versions/*/installation/bin", "~/Library/Application Support/fnm/node-versions/*/installation/bin",
	"~/.cargo/bin", "~/.nix-profile/bin",
}

var systemPlaces = []string{"/opt/homebrew/bin", "/usr/local/bin", "/home/linuxbrew/.linuxbrew/bin", "/opt/local/bin", "/snap/bin", "/run/current-system/sw/bin"}
