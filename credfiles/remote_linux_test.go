package credfiles

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lamplighter/lab/child"
)

// hang makes a folder of a file system whose server never answers, until the
// function that comes back is called.
func hang(t *testing.T, dir string) (end func()) {
	t.Helper()
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err == nil {
		err = unix.Mount("lamplighter-test", dir, "fuse", unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", fd))
	}
	if err != nil {
		t.Skip("no file system that does not answer can be made here:", err)
	}
	return func() {
		unix.Close(fd)
		unix.Unmount(dir, unix.MNT_DETACH)
	}
}

// A project on a network drive that was unplugged keeps nobody waiting: the
// store is read, and no entry is called unused on half the knowledge.
func TestAProjectThatDoesNotAnswerStopsNothing(t *testing.T) {
	if !child.InMounts(t) {
		return
	}
	l := realLab(t, &claude)
	dir := l.mkdir("network")
	l.put("../.claude.json", `{"mcpServers":{"lab":{"type":"http","url":"https://example.com/moved"}},"projects":{"`+dir+`":{},"relative":{}}}`)
	if c := l.one("lab"); !c.Unused {
		t.Error("it is not unused while all can be read")
	}
	end := hang(t, dir)
	s := l.store()
	scan := func() Credential {
		t.Helper()
		all, problems := s.Scan(context.Background())
		if len(all) != 2 || len(problems) > 0 {
			t.Fatal(all, problems)
		}
		return all[0]
	}
	before := runtime.NumGoroutine()
	for range 3 {
		if scan().Unused {
			t.Error("unused, though a project's servers are not known")
		}
	}
	if now := runtime.NumGoroutine(); now > before+1 {
		t.Errorf("%d goroutines wait for it", now-before)
	}
	end()
	for !scan().Unused {
		time.Sleep(time.Millisecond) // until the kernel lets the reader go
	}
}
