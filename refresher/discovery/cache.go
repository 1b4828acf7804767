package discovery

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"lamplighter/credfiles"
	"lamplighter/credfiles/replace"
)

// cached is one file of the cache: the last good endpoints.
type cached struct {
	Endpoints
	Forgotten bool `json:"forgotten,omitzero"` // look afresh; good only when that fails
}

// file names the cache file by all that the endpoints depend on. It is a hash
// because a server's URL may hold a secret. The number is the format's: other
// versions of this program have files of their own.
func (f *Finder) file(g credfiles.Grant) string {
	key := fmt.Sprintf("1 %q %t", []string{g.Issuer, g.ServerURL, g.MetadataURL, g.ResourceMetadataURL, g.TokenURL}, g.Resource != "")
	if g.Endpoint != "" {
		key += fmt.Sprintf(" %q", g.Endpoint)
	}
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(f.Dir, hex.EncodeToString(sum[:16])+".json")
}

// load returns the last good endpoints. What is damaged, or would not be
// accepted from the network, counts as nothing.
func (f *Finder) load(g credfiles.Grant) (cached, bool) {
	if f.Dir == "" {
		return cached{}, false
	}
	data, err := os.ReadFile(f.file(g))
	if err != nil {
		return cached{}, false
	}
	var c cached
	if err := json.Unmarshal(data, &c); err != nil {
		return cached{}, false
	}
	_, err = CheckURL(c.TokenURL, Anchor(g))
	return c, err == nil && (g.Issuer == "" || sameIssuer(g.Issuer, c.Issuer))
}

func (f *Finder) save(g credfiles.Grant, c cached) error {
	if f.Dir == "" {
		return nil
	}
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return err
	}
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return replace.File(f.file(g), data, 0o600)
}

// Erase removes what was found for these grants, and all that led to a token
// endpoint, which may be empty. Without grants it removes everything.
func (f *Finder) Erase(tokenURL string, grants ...credfiles.Grant) error {
	if f.Dir == "" {
		return nil
	}
	entries, err := os.ReadDir(f.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		name := filepath.Join(f.Dir, e.Name())
		var c cached
		data, err := os.ReadFile(name)
		leads := tokenURL != "" && err == nil && json.Unmarshal(data, &c) == nil && c.TokenURL == tokenURL
		if len(grants) > 0 && !leads && !slices.ContainsFunc(grants, func(g credfiles.Grant) bool { return f.file(g) == name }) {
			continue
		}
		if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
