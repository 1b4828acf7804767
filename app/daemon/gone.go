package daemon

import (
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Gone is the program that the Job starts as it was installed, where that is
// not there any more. It is empty where it is, where nothing is installed, and
// on Windows, where that is not written into a file.
func (j Job) Gone() string {
	var program string
	switch j.OS {
	case "linux":
		u := unit{j}
		for _, config := range []string{j.ConfigHome, filepath.Join(j.Home, ".config")} {
			if text, err := ours(filepath.Join(config, "systemd", "user", u.name())); err == nil && text != "" && filepath.IsAbs(config) {
				program = started(text)
				break
			}
		}
	case "darwin":
		if text, err := ours(agent{j}.file()); err == nil {
			if m := firstArgument.FindStringSubmatch(text); m != nil {
				program = html.UnescapeString(m[1])
			}
		}
	}
	if program == "" {
		return ""
	}
	if _, err := os.Stat(program); err == nil {
		return ""
	}
	return program
}

// firstArgument is the program of an agent as text writes it.
var firstArgument = regexp.MustCompile(`(?s)<key>ProgramArguments</key>\s*<array>\s*<string>(.*?)</string>`)

// word is one of a unit's command as quoteUnit writes it.
var word = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"|(\S+)`)

// started is the program of a unit as text writes it; where a shell starts it,
// what that starts.
func started(text string) string {
	_, line, _ := strings.Cut(text, "\nExecStart=")
	line, _, _ = strings.Cut(line, "\n")
	var words []string
	for _, m := range word.FindAllStringSubmatch(line, 4) {
		words = append(words, strings.NewReplacer(`\\`, `\`, `\"`, `"`, "%%", "%").Replace(m[1]+m[2]))
	}
	switch {
	case len(words) == 4 && words[0] == "/bin/sh" && words[1] == "-c":
		return strings.ReplaceAll(words[3], "$$", "$")
	case len(words) > 0:
		return words[0]
	}
	return ""
}
