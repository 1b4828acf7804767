package ledger

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/clientlock"
)

// A Mark says that a refresh token must never be sent again. All marks stand
// in one file, one line each, so that a value is recognised in whatever store
// it turns up.
type Mark struct {
	Spent   bool // an answer to it carried another refresh token; else its verdict was dead
	Owner   string
	Lineage int
	At      time.Time
}

type cache struct {
	mu    sync.Mutex
	read  int64 // how far the marks file was read
	inode os.FileInfo
	marks map[string]Mark
}

// MarkSpent remembers for good that another refresh token took the place of
// the one with this fingerprint.
func (l *Locked) MarkSpent(print string, lineage int) error {
	return l.mark("spent", print, lineage)
}

// MarkDead remembers for good that the server refused the refresh token with
// this fingerprint.
func (l *Locked) MarkDead(print string, lineage int) error {
	return l.mark("dead", print, lineage)
}

func (l *Locked) mark(kind, print string, lineage int) error {
	if m, ok, err := l.Marked(print); err != nil || ok && (m.Spent || kind == "dead") {
		return err
	}
	lock, err := clientlock.File(context.Background(), filepath.Join(l.dir, "locks", "marks"), clientlock.FileOptions{
		Mode: 0o600, FolderMode: 0o700, Retry: 5 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	defer lock.Release()
	f, err := os.OpenFile(l.marksFile(), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	line := fmt.Sprintf("%s %s %s %d %d\n", print, kind, filepath.Base(l.file("", l.Key)), lineage, time.Now().Unix())
	if torn(f) {
		line = "\n" + line // a crash in mid-line must not take this mark with it
	}
	if _, err := f.WriteString(line); err != nil {
		return err
	}
	return f.Sync()
}

func torn(f *os.File) bool {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil || end == 0 {
		return false
	}
	last := make([]byte, 1)
	_, err = f.ReadAt(last, end-1)
	return err == nil && last[0] != '\n'
}

// Marked looks a fingerprint up.
func (l *Ledger) Marked(print string) (Mark, bool, error) {
	if print == "" {
		return Mark{}, false, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.readMarks(); err != nil {
		return Mark{}, false, err
	}
	m, ok := l.marks[print]
	return m, ok, nil
}

// OwnerOf is the name under which marks and log lines speak of a credential.
func (l *Ledger) OwnerOf(key credfiles.Key) string { return filepath.Base(l.file("", key)) }

// readMarks reads what was appended since the last time.
func (l *Ledger) readMarks() error {
	f, err := os.Open(l.marksFile())
	if errors.Is(err, fs.ErrNotExist) {
		l.marks, l.read = nil, 0
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if l.inode == nil || !os.SameFile(info, l.inode) || info.Size() < l.read {
		l.marks, l.read = nil, 0
	}
	l.inode = info
	if l.marks == nil {
		l.marks = map[string]Mark{}
	}
	if info.Size() == l.read {
		return nil
	}
	if _, err := f.Seek(l.read, io.SeekStart); err != nil {
		return err
	}
	r := bufio.NewReader(f)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil { // a line that is being written now
			return nil
		}
		l.read += int64(len(line))
		if print, m, ok := parseMark(line); ok {
			l.marks[print] = m
		}
	}
}

func parseMark(line []byte) (string, Mark, bool) {
	f := strings.Fields(string(bytes.TrimSpace(line)))
	if len(f) != 5 || len(f[0]) != 32 {
		return "", Mark{}, false
	}
	lineage, err1 := strconv.Atoi(f[3])
	at, err2 := strconv.ParseInt(f[4], 10, 64)
	m := Mark{Spent: f[1] == "spent", Owner: f[2], Lineage: lineage, At: time.Unix(at, 0)}
	return f[0], m, err1 == nil && err2 == nil && (m.Spent || f[1] == "dead")
}

func (l *Ledger) marksFile() string { return filepath.Join(l.dir, "marks") }
