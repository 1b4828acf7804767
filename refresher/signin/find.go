package signin

import (
	"cmp"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// find is the path of a program, which may be where the PATH of a desktop does
// not lead: shells are told of those places, desktops are not.
func find(name string, getenv func(string) string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range places(getenv) {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	return ""
}

// places are the folders in which installers put programs for the user, those
// of package managers last. Without a home there are none.
func places(getenv func(string) string) []string {
	home := getenv(homeName)
	if !filepath.IsAbs(home) {
		return nil
	}
	var all []string
	for _, p := range userPlaces {
		name, rest, _ := strings.Cut(p, "/")
		dir := home
		if name != "~" {
			dir = getenv(name)
		}
		if !filepath.IsAbs(dir) {
			continue
		}
		dir = filepath.Join(dir, filepath.FromSlash(rest))
		if !strings.Contains(rest, "*") {
			all = append(all, dir)
			continue
		}
		found, _ := filepath.Glob(dir)
		slices.SortFunc(found, newer)
		all = append(all, found...)
	}
	return append(all, systemPlaces...)
}

// newer orders the folders of versions, the newest first.
func newer(a, b string) int {
	numbers := func(path string) (all []int) {
		for _, part := range strings.FieldsFunc(path, func(r rune) bool { return r < '0' || r > '9' }) {
			n, _ := strconv.Atoi(part)
			all = append(all, n)
		}
		return all
	}
	return cmp.Or(slices.Compare(numbers(b), numbers(a)), strings.Compare(a, b))
}

// surroundings are an environment with which a program that was found finds its
// own, such as the node in whose folder npm put it, and the home in it.
func surroundings(program string, env []string) (all []string, home string) {
	getenv := func(name string) string {
		value := ""
		for _, e := range env { // the last one counts, as with os/exec
			if k, v, _ := strings.Cut(e, "="); k == name || ignoreCase && strings.EqualFold(k, name) {
				value = v
			}
		}
		return value
	}
	path := filepath.SplitList(getenv("PATH"))
	if dir := filepath.Dir(program); filepath.IsAbs(dir) && !slices.Contains(path, dir) {
		path = slices.Insert(path, 0, dir)
	}
	path = append(path, places(getenv)...)
	all = append(slices.Clone(env), "PATH="+strings.Join(path, string(filepath.ListSeparator)))
	if getenv("TERM") == "" {
		all = append(all, "TERM=xterm-256color")
	}
	if home = getenv(homeName); !filepath.IsAbs(home) {
		home = ""
	}
	return all, home
}
