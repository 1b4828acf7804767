package clientlock

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// How three clients lock, by what their sources do, step for step: how long
// they wait between two tries is the one thing that differs.

// clientPause is how long these wait.
var clientPause = time.Millisecond

// opencode is that of 1.18.33.
func opencode(path string) (release func() error, err error) {
	for {
		err := os.Mkdir(path, 0o700)
		if errors.Is(err, fs.ErrExist) {
			if !opencodeStale(path) || !opencodeBreaks(path) {
				time.Sleep(clientPause)
				continue
			}
		} else if err != nil {
			return nil, err
		}
		token := rand.Text()
		for name, text := range map[string]string{"heartbeat": "", "meta.json": `{"token":"` + token + `"}`} {
			if err := create(filepath.Join(path, name), []byte(text)); err != nil {
				os.RemoveAll(path)
				return nil, fmt.Errorf("compromised: %w", err)
			}
		}
		return func() error {
			text, err := os.ReadFile(filepath.Join(path, "meta.json"))
			if err != nil {
				return err
			}
			var meta struct{ Token string }
			if json.Unmarshal(text, &meta) != nil || meta.Token != token {
				return errors.New("token mismatch")
			}
			return os.RemoveAll(path)
		}, nil
	}
}

func opencodeStale(path string) bool {
	for _, name := range []string{"heartbeat", "meta.json", ""} {
		if info, err := os.Stat(filepath.Join(path, name)); err == nil {
			return time.Since(info.ModTime()) > time.Minute
		}
	}
	return false
}

// opencodeBreaks takes a stale one over, and reports whether it made its own.
func opencodeBreaks(path string) bool {
	breaker := path + ".breaker"
	if err := os.Mkdir(breaker, 0o700); err != nil {
		if info, err := os.Stat(breaker); err == nil && time.Since(info.ModTime()) > time.Minute {
			os.RemoveAll(breaker)
		}
		return false
	}
	defer os.RemoveAll(breaker)
	return opencodeStale(path) && os.RemoveAll(path) == nil && os.Mkdir(path, 0o700) == nil
}

// cline is that of @cline/core 0.0.86.
func cline(path string) (release func() error, err error) {
	token := rand.Text()
	for {
		staging, owner := path+".tmp."+token, "owner."+token
		os.RemoveAll(staging)
		if err := os.Mkdir(staging, 0o755); err != nil {
			return nil, err
		}
		if err := create(filepath.Join(staging, owner), []byte(token)); err != nil {
			return nil, err
		}
		err := rename(staging, path)
		if err == nil {
			return func() error {
				err := os.Remove(filepath.Join(path, owner))
				os.Remove(path)
				if errors.Is(err, fs.ErrNotExist) {
					return nil
				}
				return err
			}, nil
		}
		os.RemoveAll(staging)
		info, there := os.Stat(path)
		if there == nil && time.Since(info.ModTime()) >= 10*time.Second {
			if aside := path + ".stale." + token; os.Rename(path, aside) == nil {
				os.RemoveAll(aside)
			}
		}
		time.Sleep(clientPause)
	}
}

// qwen is that of Qwen Code 0.24.4.
func qwen(path string) (release func() error, err error) {
	for {
		err := create(path, []byte(rand.Text()))
		if err == nil {
			return func() error { return os.Remove(path) }, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > 35*time.Second {
			if aside := path + ".stale." + rand.Text(); os.Rename(path, aside) == nil {
				os.Remove(aside)
			}
		}
		time.Sleep(clientPause)
	}
}
