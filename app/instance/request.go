package instance

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A Request is what a later start, or the click on a notification, wants of the
// one that runs. What it means is the receiver's to say, and to check.
type Request struct {
	Do string `json:"do"`           // never empty
	ID string `json:"id,omitempty"` // of a credential
	// Token is the XDG activation token with which a window may come to the
	// front (the XDG_ACTIVATION_TOKEN of who asks).
	Token string `json:"token,omitempty"`
}

const (
	tooBig    = 4096        // bytes
	tooOld    = time.Minute // nobody still waits for what he asked then
	extension = ".json"
	draft     = ".draft-"
)

// Ask leaves a request for the instance that runs, and does not wait for it.
// Within a minute a start that comes later takes it too.
func Ask(dir string, r Request) error {
	_, err := leave(dir, r)
	return err
}

func leave(dir string, r Request) (file string, err error) {
	text, err := json.Marshal(r)
	switch {
	case err != nil:
		return "", err
	case r.Do == "" || len(text) > tooBig:
		return "", fmt.Errorf("a request of %d bytes to do %q is none", len(text), r.Do)
	}
	folder, err := prepare(dir)
	if err != nil {
		return "", err
	}
	file = filepath.Join(folder, fmt.Sprintf("%020d-%s%s", time.Now().UnixNano(), rand.Text(), extension))
	if err := whole(file, text); err != nil {
		return "", fmt.Errorf("the running Lamplighter cannot be asked: %w", err)
	}
	return file, nil
}

// whole makes a file in one step.
func whole(file string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), draft) // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// prepare makes the folders where they are missing.
func prepare(dir string) (folder string, err error) {
	folder = filepath.Join(dir, folderName)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	switch info, err := os.Lstat(folder); {
	case err != nil:
		return "", err
	case !info.IsDir() || !ours(info):
		return "", fmt.Errorf("%s is not a folder of yours; move it away", folder)
	}
	return folder, nil
}

// fresh reports whether the name of a request says that it is not too old. A
// time to come means that the clock was put back, so that nobody knows.
func fresh(name string, now time.Time) bool {
	stamp, _, _ := strings.Cut(name, "-")
	left, err := strconv.ParseInt(stamp, 10, 64)
	age := now.Sub(time.Unix(0, left))
	return err == nil && age > -tooOld && age < tooOld
}

// read reads a request that is a plain file of ours and whole.
func read(file string) (r Request, ok bool) {
	before, err := os.Lstat(file)
	if err != nil || !before.Mode().IsRegular() || !ours(before) || before.Size() > tooBig {
		return Request{}, false
	}
	f, err := os.Open(file)
	if err != nil {
		return Request{}, false
	}
	defer f.Close()
	// It is the file that was looked at, and no link that came in between.
	if after, err := f.Stat(); err != nil || !os.SameFile(before, after) {
		return Request{}, false
	}
	text, err := io.ReadAll(io.LimitReader(f, tooBig+1))
	if err != nil || len(text) > tooBig || json.Unmarshal(text, &r) != nil || r.Do == "" {
		return Request{}, false
	}
	return r, true
}
