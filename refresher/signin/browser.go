package signin

import (
	"errors"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// ErrNoBrowser means that no browser could be started.
var ErrNoBrowser = errors.New("no browser could be started")

// startup is how long a program that opens pages may take to fail. One that is
// the browser itself runs on.
const startup = 2 * time.Second

// Open shows a URL in the user's browser. getenv is the environment's: BROWSER
// names it on Linux and BSD, and XDG_ACTIVATION_TOKEN is the desktop's leave to
// come to the front (the xdg-activation protocol; DESKTOP_STARTUP_ID before it),
// which is handed on. The URL is one argument of the program; no shell reads it,
// and only http and https are opened.
func Open(getenv func(string) string, raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.HasPrefix(raw, "-") {
		return errors.New("only a web page is opened in a browser")
	}
	for _, words := range openers(getenv, u.String()) {
		if started(words, getenv("XDG_ACTIVATION_TOKEN")) {
			return nil
		}
	}
	return ErrNoBrowser
}

func started(words []string, token string) bool {
	cmd := exec.Command(words[0], words[1:]...)
	if token != "" {
		cmd.Env = append(cmd.Environ(), "XDG_ACTIVATION_TOKEN="+token, "DESKTOP_STARTUP_ID="+token)
	}
	apart(cmd)
	if cmd.Start() != nil {
		return false
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return err == nil
	case <-time.After(startup):
		return true
	}
}

// chosen are the programs of BROWSER: a list, in which %s stands for the URL.
func chosen(list, url string) [][]string {
	var all [][]string
	for _, entry := range filepath.SplitList(list) {
		words := strings.Fields(entry)
		if path, err := exec.LookPath(entry); err == nil {
			words = []string{path} // it may have spaces in it
		}
		if len(words) == 0 {
			continue
		}
		put := false
		for i, w := range words[1:] {
			if strings.Contains(w, "%s") {
				words[i+1], put = strings.ReplaceAll(w, "%s", url), true
			}
		}
		if !put {
			words = append(words, url)
		}
		all = append(all, words)
	}
	return all
}
