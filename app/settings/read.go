package settings

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// mostBytes is far beyond what a person writes.
const mostBytes = 1 << 20

// read returns the config's bytes and permissions; for a missing file none,
// and exists false. A file that others may write is an error.
func read(path string) (text []byte, found file, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, file{}, nil
	}
	if err != nil {
		return nil, file{}, err
	}
	refuse := func(what string) ([]byte, file, error) {
		return nil, file{}, &Error{File: path, Faults: []Fault{{What: what}}}
	}
	// Before it is opened: opening a named pipe waits for its writer.
	if !info.Mode().IsRegular() {
		return refuse("is not a file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, file{}, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, file{}, err
	}
	if what := writableByOthers(path, info); what != "" {
		return refuse(what)
	}
	text, err = io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err != nil {
		return nil, file{}, err
	}
	if len(text) > mostBytes {
		return refuse(fmt.Sprintf("is larger than %d bytes", mostBytes))
	}
	return text, file{exists: true, mode: info.Mode().Perm()}, nil
}

// A file is what is known about the config beside its bytes.
type file struct {
	exists bool
	mode   os.FileMode
}
