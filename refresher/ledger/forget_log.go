package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// EraseEvents erases the lines of the log that name one of these credentials,
// in all files that rotation kept, and returns how many there were. dry only
// counts them.
func (l *Ledger) EraseEvents(ids []string, dry bool) (n int, err error) {
	if len(ids) == 0 {
		return 0, nil
	}
	lock, err := l.lock("log", 10*time.Second) // no file is moved aside meanwhile
	if err != nil {
		return 0, err
	}
	defer lock.Release()
	files, err := os.ReadDir(l.dir)
	if err != nil {
		return 0, err
	}
	for _, e := range files {
		if name := filepath.Join(l.dir, e.Name()); name == l.LogFile() || strings.HasPrefix(name, l.LogFile()+".") {
			some, err := eraseLines(name, ids, dry)
			if n += some; err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// eraseLines writes spaces over them, in place: others append to the same file,
// without a lock, and would lose theirs if another one took its place.
func eraseLines(name string, ids []string, dry bool) (n int, err error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	text, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	at := int64(0)
	for line := range bytes.Lines(text) {
		if slices.ContainsFunc(ids, func(id string) bool { return names(line, id) }) {
			n++
			if !dry {
				_, err = f.WriteAt(bytes.Repeat([]byte{' '}, len(bytes.TrimSuffix(line, []byte{'\n'}))), at)
			}
			if err != nil {
				return n, err
			}
		}
		at += int64(len(line))
	}
	if dry || n == 0 {
		return n, nil
	}
	return n, f.Sync()
}

// names reports whether a line is about a credential; one that a crash tore, or
// that is about none, also where the ID stands anywhere in it.
func names(line []byte, id string) bool {
	var e Event
	if json.Unmarshal(line, &e) == nil && e.ID != "" {
		return e.ID == id
	}
	text, err := json.Marshal(id)
	return err == nil && id != "" && bytes.Contains(line, text[1:len(text)-1])
}
