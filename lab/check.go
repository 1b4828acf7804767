package lab

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"lamplighter/credfiles/clientlock"
)

// Landed says what is wrong with a credential that should hold the newest
// tokens of its grant: "" if nothing is.
func (l *Lab) Landed(line *Line) string {
	l.T.Helper()
	c, ok := l.Stored(line)
	if !ok {
		return line.ID + " is not in its store"
	}
	now := line.seen.Current(line.Grant.ID)
	if c.Refresh.Reveal() != now.RefreshToken {
		return fmt.Sprintf("%s: the store holds %s, the newest is %s", line.ID, line.seen.Serial(c.Refresh.Reveal()), line.seen.Serial(now.RefreshToken))
	}
	if c.Access.Reveal() != now.AccessToken {
		return line.ID + ": the store holds another access token than the newest"
	}
	return ""
}

// Whole says what is wrong with a store in which only the tokens and expiries
// of the lab's credentials may have changed: "" if every other byte is as it
// was.
func (l *Lab) Whole(line *Line) string {
	l.T.Helper()
	text, err := line.read()
	if err != nil {
		return err.Error()
	}
	want := line.before
	if number := life.FindString(text); number != "" {
		want = life.ReplaceAllLiteralString(want, number)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, other := range l.lines {
		if other.Store != line.Store {
			continue
		}
		c, ok := l.Stored(other)
		if !ok {
			return other.ID + " is not in its store"
		}
		expiry := strconv.FormatInt(c.Expiry.UnixMilli(), 10)
		if c.Expiry.IsZero() {
			expiry = "null" // what Codex writes where nobody says
		}
		want = strings.NewReplacer(
			quote(other.Grant.AccessToken), quote(c.Access.Reveal()),
			quote(other.Grant.RefreshToken), quote(c.Refresh.Reveal()),
			strconv.FormatInt(other.Grant.Expiry.UnixMilli(), 10), expiry,
		).Replace(want)
	}
	if want != text {
		return line.Store + " changed in more than tokens and expiry"
	}
	return ""
}

// Quiet says what is left of a refresh that should be over: a record in the
// journal, a temporary file, a lock that is held; "" if nothing is.
func (l *Lab) Quiet() string {
	l.T.Helper()
	var left []string
	if n := len(l.Pending()); n > 0 {
		left = append(left, fmt.Sprintf("%d records are in the journal", n))
	}
	filepath.WalkDir(l.Home, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if strings.Contains(d.Name(), ".lamplighter-") || d.IsDir() && strings.HasSuffix(d.Name(), ".lock") || strings.HasSuffix(d.Name(), "_refresh_in_progress.json") {
			left = append(left, path+" is left")
		}
		if filepath.Base(filepath.Dir(path)) == "mcp-oauth-locks" && held(path) {
			left = append(left, path+" is held")
		}
		return nil
	})
	entries, _ := os.ReadDir(filepath.Join(l.State, "locks"))
	for _, e := range entries {
		if path := filepath.Join(l.State, "locks", e.Name()); e.Name() != "keeper" && held(path) {
			left = append(left, path+" is held")
		}
	}
	return strings.Join(left, "; ")
}

func held(path string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	lock, err := clientlock.File(ctx, path, clientlock.FileOptions{Mode: 0o600, Retry: time.Millisecond})
	if err == nil {
		lock.Release()
	}
	// On a busy computer the time may be over before it began.
	var busy *clientlock.BusyError
	return errors.As(err, &busy)
}

// Leaks says where a token stands that should not: in what the program
// printed, or in a file that is neither a store nor its copy, journal or kept
// record. A token of a store that is protected should stand in no file at all.
// "" if nowhere.
func (l *Lab) Leaks() string {
	l.T.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var secrets, hidden []string
	for _, line := range l.lines {
		secrets = append(secrets, line.seen.Secrets()...)
		if now := line.seen.Current(line.Grant.ID); line.protected {
			for _, s := range []string{line.Grant.AccessToken, line.Grant.RefreshToken, now.AccessToken, now.RefreshToken} {
				hidden = append(hidden, encodings(s)...)
			}
		}
	}
	has := func(text string) bool {
		for _, s := range secrets {
			if strings.Contains(text, s) {
				return true
			}
		}
		return false
	}
	for i, out := range l.outputs {
		if has(out.String()) {
			return fmt.Sprintf("a token stands in what run %d printed", i+1)
		}
	}
	var leak string
	for _, root := range []string{l.State, l.Path(".config")} {
		filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return nil
			}
			folder := filepath.Base(filepath.Dir(path))
			plain := folder != "journal" && folder != "kept" && has(string(text))
			if plain || slices.ContainsFunc(hidden, func(s string) bool { return strings.Contains(string(text), s) }) {
				leak = "a token stands in " + path
			}
			return nil
		})
	}
	return leak
}

// encodings are how a token looks plain, and wherever it stands in base64.
func encodings(secret string) []string {
	all := []string{secret}
	for before := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + secret))
		all = append(all, text[4:len(text)-4]) // what its neighbours do not change
	}
	return all
}

// Well says everything that is wrong where all should be well: newest tokens
// in whole stores, nothing left, nothing leaked, no rule of the oracle broken;
// "" if nothing is.
func (l *Lab) Well() string {
	l.T.Helper()
	var wrong []string
	for _, line := range l.lines {
		wrong = append(wrong, l.Landed(line), l.Whole(line), strings.Join(line.seen.Check(), "; "))
	}
	wrong = append(wrong, l.Quiet(), l.Leaks())
	var said []string
	for _, text := range wrong {
		if text != "" {
			said = append(said, text)
		}
	}
	return strings.Join(said, "; ")
}
