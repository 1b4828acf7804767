package settings

import (
	"path/filepath"
	"slices"
	"time"
)

// The events that a hook may be run on.
const (
	OnSignInNeeded = "sign-in-needed"
	OnRecovered    = "recovered"
	OnRefreshed    = "refreshed"
)

// A Hook is a command of the user's, and on what it is run.
type Hook struct {
	On      []string
	Command []string // an absolute path, and its arguments
	Timeout time.Duration
}

// hookTimeout is a hook's where none is set.
const hookTimeout = 30 * time.Second

func events(to *[]string, v any) string {
	all := []string{OnSignInNeeded, OnRecovered, OnRefreshed}
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return "must be a list of " + enumeration(all)
	}
	var on []string
	for _, e := range list {
		var one string
		if what := word(&one, e, all...); what != "" {
			return "holds something else: each " + what
		}
		if !slices.Contains(on, one) {
			on = append(on, one)
		}
	}
	*to = on
	return ""
}

// program is command with the whole path of what is run: there is no shell that
// would look for it, and no folder to begin in.
func program(to *[]string, v any) string {
	if what := command(to, v); what != "" {
		return `must be a list of texts, such as ["/usr/local/bin/tell", "ada"]`
	}
	if !filepath.IsAbs((*to)[0]) {
		return "must begin with an absolute path; no shell runs it"
	}
	return ""
}

func patience(to *time.Duration, v any) string {
	if what := span(to, v); what != "" {
		return what
	}
	if *to > 10*time.Minute {
		return "must be at most 10m"
	}
	return ""
}
