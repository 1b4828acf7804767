package ledger

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
)

// A Mark says that a refresh token must never be sent again. All marks stand
// in one file, one line each, so that a value is recognised in whatever store
// it turns up.
//
// The file only grows: a value that was spent years ago is as dangerous as one
// of today when somebody puts a backup back. A line has about 85 bytes. Tokens
// of an hour make 9000 a year, 0.7 MB; those of five minutes, the shortest in
// use, 105000, which are 9 MB on the disk, 6 MB in memory and 30 ms at the
// start (measured).
type Mark struct {
	Spent   bool // an answer to it carried another refresh token; else its verdict was dead
	Owner   string
	Lineage int
	At      time.Time
}

// marks is what was read of the file so far. What was once read stays: a mark
// that goes missing is no leave to send.
type marks struct {
	mu     sync.Mutex
	read   int64 // how far the file was read
	file   os.FileInfo
	known  map[print]mark
	owners []string
}

// print is a fingerprint, and mark a Mark, as there are many of them.
type print [16]byte

type mark struct {
	at      int64
	lineage int32
	owner   int32 // in owners
	spent   bool
}

// MarkSpent remembers for good that another refresh token took the place of
// the one with this fingerprint. The mark is on disk when it returns nil.
func (l *Locked) MarkSpent(print string, lineage int) error {
	return l.mark("spent", print, lineage)
}

// MarkDead remembers for good that the server refused the refresh token with
// this fingerprint. The mark is on disk when it returns nil.
func (l *Locked) MarkDead(print string, lineage int) error {
	return l.mark("dead", print, lineage)
}

func (l *Locked) mark(kind, print string, lineage int) error {
	// A spent value stays spent: the owner of its successor puts it right.
	if m, ok, err := l.Marked(print); err != nil || ok && (m.Spent || kind == "dead") {
		return err
	}
	// An append is whole on a local disk, but not on every network's.
	lock, err := l.lock("marks", 10*time.Second)
	if err != nil {
		return err
	}
	defer lock.Release()
	// It is there since the folder was begun, with its name on disk.
	f, err := os.OpenFile(l.marksFile(), os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return appendLine(f, fmt.Sprintf("%s %s %s %d %d", print, kind, l.OwnerOf(l.Key), lineage, time.Now().Unix()))
}

// appendLine adds a line that is on disk when it returns nil. A crash in
// mid-line must not take the next line with it.
func appendLine(f *os.File, line string) error {
	if torn(f) {
		line = "\n" + line
	}
	if _, err := f.WriteString(line + "\n"); err != nil {
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

// Marked looks a fingerprint up. After an error nothing may be sent: what is
// spent is not known.
func (l *Ledger) Marked(print string) (Mark, bool, error) {
	if print == "" {
		return Mark{}, false, nil
	}
	key, err := parsePrint([]byte(print))
	if err != nil {
		return Mark{}, false, err
	}
	l.marks.mu.Lock()
	defer l.marks.mu.Unlock()
	m, ok := l.marks.known[key]
	if !ok || !m.spent {
		if err := l.readMarks(); err != nil {
			return Mark{}, false, err
		}
		m, ok = l.marks.known[key]
	}
	if !ok {
		return Mark{}, false, nil
	}
	return Mark{m.spent, l.marks.owners[m.owner], int(m.lineage), time.Unix(m.at, 0)}, true, nil
}

// readMarks reads what was appended since the last time.
func (l *Ledger) readMarks() error {
	info, err := os.Stat(l.marksFile())
	if errors.Is(err, fs.ErrNotExist) {
		return l.damaged("marks", "what is spent is not known")
	}
	if err != nil {
		return err
	}
	c := &l.marks
	if c.file != nil && os.SameFile(info, c.file) && info.Size() == c.read {
		return nil
	}
	f, err := os.Open(l.marksFile())
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return err
	}
	if c.file == nil || !os.SameFile(info, c.file) || info.Size() < c.read {
		c.read = 0 // another file: a backup was put back
	}
	c.file = info
	if c.known == nil {
		c.known = map[print]mark{}
	}
	if _, err := f.Seek(c.read, io.SeekStart); err != nil {
		return err
	}
	r := bufio.NewReaderSize(f, 64<<10)
	for {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			c.read += int64(len(line)) // no line of ours is that long
			continue
		}
		if err == io.EOF { // a line that is being written now
			return nil
		}
		if err != nil {
			return err
		}
		c.read += int64(len(line))
		c.take(line)
	}
}

// take reads one line. One that a crash tore is left out: MarkSpent did not
// return, and the journal record is still there.
func (c *marks) take(line []byte) {
	f := bytes.Fields(line)
	if len(f) != 5 {
		return
	}
	key, err := parsePrint(f[0])
	lineage, err1 := strconv.ParseInt(string(f[3]), 10, 32)
	at, err2 := strconv.ParseInt(string(f[4]), 10, 64)
	m := mark{at: at, lineage: int32(lineage), spent: string(f[1]) == "spent"}
	if err := errors.Join(err, err1, err2); err != nil || !m.spent && string(f[1]) != "dead" {
		return
	}
	if c.known[key].spent {
		return
	}
	owner := slices.Index(c.owners, string(f[2]))
	if owner < 0 {
		owner = len(c.owners)
		c.owners = append(c.owners, string(f[2]))
	}
	m.owner = int32(owner)
	c.known[key] = m
}

func parsePrint(text []byte) (p print, err error) {
	if len(text) != hex.EncodedLen(len(p)) {
		return p, errors.New("not a fingerprint")
	}
	_, err = hex.Decode(p[:], text)
	return p, err
}

func (l *Ledger) marksFile() string { return filepath.Join(l.dir, "marks") }
