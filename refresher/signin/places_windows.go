package signin

const (
	homeName   = "USERPROFILE"
	ignoreCase = true
)

// userPlaces begin with ~ or the name of a variable. The first two are those of
// the clients' own installers (Claude Code's setup page, Codex's install.ps1).
var userPlaces = []string{
	"~/.local/bin", "LOCALAPPDATA/Programs/OpenAI/Codex/bin", "CODEX_INSTALL_DIR",
	"LOCALAPPDATA/Microsoft/WinGet/Links", "APPDATA/npm", "~/scoop/shims",
	"LOCALAPPDATA/Volta/bin", "~/.bun/bin", "PNPM_HOME", "LOCALAPPDATA/pnpm",
	"NVM_SYMLINK", "ProgramFiles/nodejs", "~/.cargo/bin",
}

var systemPlaces []string
