package credfiles

import (
	"path/filepath"
	"slices"
	"strings"
)

// home is the client's default home on a system, for a user's home there.
func (c *client) home(os, user string) string {
	dir := c.dir
	if other, ok := c.dirOn[os]; ok {
		dir = other
	}
	return filepath.Join(user, filepath.FromSlash(dir))
}

// moved is the home that the environment names, and the folder that a variable
// says it is in; empty where none does.
func (c *client) moved(os string, getenv func(string) string) (named, home string) {
	for _, v := range append([]variable{{name: c.env, below: c.below}}, c.vars...) {
		if v.os != "" && v.os != os {
			continue
		}
		if named := getenv(v.name); named != "" {
			return named, filepath.Join(named, filepath.FromSlash(v.below))
		}
	}
	return "", ""
}

// nameOf is the name of the folder that makes a home, as the variable has it.
func (c *client) nameOf(home string) string {
	if dir, ok := strings.CutSuffix(home, string(filepath.Separator)+filepath.FromSlash(c.below)); ok && c.below != "" {
		home = dir
	}
	return filepath.Base(home)
}

// variable is what makes the client use a home, as NAME=value. ok is false
// where nothing that its variable could name leads there.
func (c *client) variable(home string) (text string, ok bool) {
	if c.below != "" {
		if home, ok = strings.CutSuffix(home, string(filepath.Separator)+filepath.FromSlash(c.below)); !ok {
			return "", false
		}
	}
	return c.env + "=" + home, true
}

// Variables are the variables of the environment that say where stores are, the
// user's own clients' among them.
func Variables() []string {
	all := []string{"CRUSH_GLOBAL_CONFIG", "OPENCODE_CONFIG", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "GEMINI_FORCE_ENCRYPTED_FILE_STORAGE", "QWEN_CODE_FORCE_ENCRYPTED_FILE_STORAGE"}
	for _, c := range table() {
		if c.env != "" {
			all = append(all, c.env)
		}
		for _, v := range c.vars {
			all = append(all, v.name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
