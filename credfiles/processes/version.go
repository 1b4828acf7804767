package processes

import (
	"encoding/json"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// PackageVersion is the version of the npm package called name
// ("@openai/codex") that the program file or script at exe belongs to, ""
// where that is unknown. The program is never run. Links are resolved, then
// the folders above are searched, nearest first, for
//
//   - a package.json of that name, or of a package with the files for one
//     platform ("@anthropic-ai/claude-code-linux-x64"; those of Codex 0.169.0 are
//     called like the main package and have the platform in the version),
//   - a <last part of name>-package.json, as Codex 0.169.0 puts above the
//     daemons that it installs in its home (observed),
//   - a Homebrew folder, Cellar/<name>/<version> or Caskroom/<name>/<version>,
//   - <first part of name>/versions/<version>, which is the program file itself
//     where Claude Code's own installer put it ("claude/versions/2.1.329").
//
// It speaks of the files as they are now. A script that runs since before an
// update has the version of the update; a program file that was replaced has
// none, on systems whose Process.Exe shows that.
func PackageVersion(exe, name string) string {
	// A relative path is relative to a folder that we do not know.
	if !filepath.IsAbs(exe) {
		return ""
	}
	file, err := filepath.EvalSymlinks(exe)
	if err != nil {
		return ""
	}
	short := path.Base(name)
	if versions, v := filepath.Split(file); filepath.Base(versions) == "versions" && isVersion.MatchString(v) {
		if strings.HasPrefix(short, filepath.Base(filepath.Dir(filepath.Clean(versions)))) {
			return v
		}
	}
	for dir := filepath.Dir(file); ; {
		if pkg := packageJSON(filepath.Join(dir, "package.json")); pkg.Name == name {
			return pkg.Version
		}
		if pkg := packageJSON(filepath.Join(dir, short+"-package.json")); pkg.Version != "" {
			return pkg.Version
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		if formula := filepath.Base(parent); formula == short {
			if root := filepath.Base(filepath.Dir(parent)); root == "Cellar" || root == "Caskroom" {
				return revision.ReplaceAllString(filepath.Base(dir), "")
			}
		}
		dir = parent
	}
}

var (
	isVersion = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)
	platform  = regexp.MustCompile(`-(linux|darwin|win32)-(x64|arm64)(-musl)?$`)
	revision  = regexp.MustCompile(`_\d+$`) // Homebrew's own count of builds
)

type npmPackage struct{ Name, Version string }

// packageJSON reads a package's name and version, without the platform.
func packageJSON(file string) npmPackage {
	f, err := os.Open(file)
	if err != nil {
		return npmPackage{}
	}
	defer f.Close()
	var pkg npmPackage
	if json.NewDecoder(io.LimitReader(f, 1<<20)).Decode(&pkg) != nil {
		return npmPackage{}
	}
	pkg.Name = strings.TrimSuffix(pkg.Name, platform.FindString(pkg.Name))
	pkg.Version = strings.TrimSuffix(pkg.Version, platform.FindString(pkg.Version))
	return pkg
}
