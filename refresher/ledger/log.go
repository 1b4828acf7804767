package ledger

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// An Event is one line of the log: what was done, when and why. Tokens stand
// in it as the first eight digits of their fingerprints.
type Event struct {
	At      time.Time `json:"at"`
	ID      string    `json:"id,omitempty"`
	What    string    `json:"event"`             // "sent", "refreshed", "written", "dead", "adopted", ...
	Why     string    `json:"why,omitempty"`     // a code, or what an error said
	Verdict string    `json:"verdict,omitempty"` // of an answer
	Code    string    `json:"code,omitempty"`    // the server's error code
	Detail  string    `json:"detail,omitempty"`
	Host    string    `json:"host,omitempty"` // who was asked
	Old     string    `json:"old,omitempty"`  // fingerprint of the refresh token before
	New     string    `json:"new,omitempty"`  // and after
	Expiry  time.Time `json:"expires_at,omitzero"`
	PID     int       `json:"pid"`
}

// longestWhy is how much of an error is written down, in bytes.
const longestWhy = 1000

// LogFile is where the log is, the newest of it. It changes with each step of a
// refresh.
func (l *Ledger) LogFile() string { return filepath.Join(l.dir, "log.jsonl") }

// Log appends an event. The file is moved aside when it has grown past size
// bytes; keep older files stay. An event that cannot be written is lost: the
// log is for people, nothing depends on it.
func (l *Ledger) Log(e Event, size int64, keep int) error {
	e.At, e.PID = time.Now().UTC(), os.Getpid()
	if len(e.Why) > longestWhy {
		e.Why = strings.ToValidUTF8(e.Why[:longestWhy], "") + "…"
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	// Several processes write one log: an append of one line is whole, and
	// only the moving aside needs a lock. The rotation libraries keep a file
	// open for one process and lose lines here.
	name := l.LogFile()
	if info, err := os.Stat(name); err == nil && info.Size() > size {
		l.rotate(name, size, keep)
	}
	var f *os.File
	for try := 0; ; try++ {
		f, err = os.OpenFile(name, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
		if err == nil || runtime.GOOS != "windows" || try == 50 {
			break
		}
		time.Sleep(time.Millisecond) // another process is just moving it aside
	}
	if err != nil {
		return err
	}
	line := string(text) + "\n"
	if torn(f) {
		line = "\n" + line
	}
	_, err = f.WriteString(line)
	return errors.Join(err, f.Close())
}

func (l *Ledger) rotate(name string, size int64, keep int) {
	lock, err := l.lock("log", 100*time.Millisecond)
	if err != nil {
		return
	}
	defer lock.Release()
	if info, err := os.Stat(name); err != nil || info.Size() <= size {
		return // somebody else was first
	}
	for n := max(keep, 1); os.Remove(name+"."+strconv.Itoa(n)) == nil; n++ {
		// The oldest goes, and what is there because more was kept before.
	}
	for n := keep; n > 1; n-- {
		os.Rename(name+"."+strconv.Itoa(n-1), name+"."+strconv.Itoa(n))
	}
	if keep > 0 {
		os.Rename(name, name+".1")
	} else {
		os.Remove(name)
	}
}

// Events reads the log, oldest first, from the files that rotation kept and
// the current one. A torn line is left out.
func (l *Ledger) Events(keep int) ([]Event, error) {
	var all []Event
	for n := keep; n >= 0; n-- {
		name := l.LogFile()
		if n > 0 {
			name += "." + strconv.Itoa(n)
		}
		events, err := readEvents(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return all, err
		}
		all = append(all, events...)
	}
	return all, nil
}

func readEvents(name string) (all []Event, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for r := bufio.NewReader(f); ; {
		line, err := r.ReadBytes('\n')
		var e Event
		if json.Unmarshal(line, &e) == nil {
			all = append(all, e)
		}
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
}
