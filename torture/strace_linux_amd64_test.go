package torture_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"lamplighter/lab"
)

// A stop is a moment at which a thread of the traced program stands before a
// system call or behind it. Stops are counted over all threads, since a
// goroutine goes on in whichever thread comes by.
type stop struct {
	call  string // its name
	on    string // the file, folder or socket that it is about; empty for memory, time and other threads
	after bool   // the call has returned
	ret   int64  // where it has: what it returned, negative for an errno
	sends bool   // it writes a refresh token to the token endpoint
	args  [6]uint64
	tid   int
}

func (s *stop) String() string {
	side := "before"
	if s.after {
		side = "after"
	}
	return strings.TrimSpace(side + " " + s.kind())
}

// kind is the call and what it is about.
func (s *stop) kind() string { return strings.TrimSpace(s.call + " " + s.on) }

// A word is what becomes of a stopped program.
type word struct {
	kill  bool
	errno syscall.Errno // the call fails with it and is not made; only before it
}

// A tracee is a program under ptrace(2).
type tracee struct {
	lab     *lab.Lab
	pid     int
	watched atomic.Bool           // its calls are stopped at
	threads map[int]*stop         // the call each is in; nil: in none
	forged  map[int]syscall.Errno // what a call that was not made is to return
	token   uint64                // descriptor of the connection to the token endpoint, plus one
	end     unix.WaitStatus       // how it ended
}

// follow makes a tracee of a program that is to be run.
func follow(l *lab.Lab) *tracee {
	return &tracee{lab: l, threads: map[int]*stop{}, forged: map[int]syscall.Errno{}}
}

// watch begins to stop at calls. Before it the program runs at its own speed.
// It may be called from anywhere, at any time.
func (p *tracee) watch() {
	if p.watched.Swap(true) || p.pid == 0 {
		return
	}
	// A thread that runs is only caught by a signal; Go's runtime sends itself
	// this one all the time.
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.pid))
	for _, task := range tasks {
		if tid, err := strconv.Atoi(task.Name()); err == nil {
			unix.Tgkill(p.pid, tid, unix.SIGURG)
		}
	}
}

// run runs the program to its end and asks at each stop what is to become of
// it. It returns the exit code, -1 for one that was killed. The test is skipped
// where tracing is not permitted.
func (p *tracee) run(cmd *exec.Cmd, at func(*stop) word) (code int) {
	t := p.lab.T
	t.Helper()
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Ptrace, cmd.SysProcAttr.Setpgid = true, true
	ended := make(chan error)
	go func() {
		runtime.LockOSThread() // the tracer is one thread
		defer runtime.UnlockOSThread()
		ended <- p.trace(cmd, at)
	}()
	if err := <-ended; err != nil {
		if cmd.Process != nil {
			cmd.Process.Kill()
		}
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EIO) {
			t.Skip("cannot trace a program here:", err)
		}
		t.Fatal(err)
	}
	cmd.Wait() // closes its streams; the process itself is gone
	if p.end.Signaled() {
		return -1
	}
	return p.end.ExitStatus()
}

// skipUnlessTraceable skips a test where ptrace(2) is not permitted, as in some
// containers, or the kernel is older than 5.3.
func skipUnlessTraceable(t testing.TB) {
	t.Helper()
	scratch := &scratch{TB: t}
	defer scratch.clean()
	l := lab.New(scratch)
	p := follow(l)
	p.watched.Store(true)
	seen := 0
	p.run(l.Command("version"), func(*stop) word { seen++; return word{} })
	if seen == 0 {
		t.Skip("the system calls of a program cannot be followed here")
	}
}

// several does something for each of a list, some at a time. One that ends its
// goroutine, as Fatal does, takes only its worker with it.
func several[T any](workers int, list []T, do func(T)) {
	left := make(chan T, len(list))
	for _, x := range list {
		left <- x
	}
	close(left)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for x := range left {
				do(x)
			}
		})
	}
	group.Wait()
}

func (p *tracee) trace(cmd *exec.Cmd, at func(*stop) word) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	p.pid = cmd.Process.Pid
	var ws unix.WaitStatus
	if _, err := unix.Wait4(p.pid, &ws, 0, nil); err != nil {
		return err
	}
	if !ws.Stopped() {
		return fmt.Errorf("the program did not stop at its start: %x", ws)
	}
	options := unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_EXITKILL
	if err := unix.PtraceSetOptions(p.pid, options); err != nil {
		return err
	}
	p.threads[p.pid] = nil
	if err := p.resume(p.pid, 0); err != nil {
		return err
	}
	for {
		// Only this program's threads, and only those that are ours to trace.
		tid, err := unix.Wait4(-p.pid, &ws, unix.WALL|unix.WNOTHREAD, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ECHILD):
			return nil
		case err != nil:
			return err
		}
		if ws.Exited() || ws.Signaled() {
			delete(p.threads, tid)
			if tid == p.pid {
				p.end = ws
			}
			continue
		}
		signal := 0
		_, known := p.threads[tid]
		switch s := ws.StopSignal(); {
		case s == unix.SIGTRAP|0x80:
			p.stopped(tid, at)
		case s == unix.SIGTRAP && ws.TrapCause() > 0: // a thread was made
		case s == unix.SIGSTOP && !known: // the new one
			p.threads[tid] = nil
		default:
			signal = int(s)
		}
		// A thread that is killed meanwhile is not there any more.
		if err := p.resume(tid, signal); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
}

func (p *tracee) resume(tid, signal int) error {
	if p.watched.Load() {
		return unix.PtraceSyscall(tid, signal)
	}
	return unix.PtraceCont(tid, signal)
}

// callInfo is struct ptrace_syscall_info of ptrace(2), with the parts for
// entry; those for exit are in its first two words.
type callInfo struct {
	op   uint8
	_    [3]uint8
	arch uint32
	ip   uint64
	sp   uint64
	nr   uint64
	args [6]uint64
	_    [4]uint64
}

const getSyscallInfo = 0x420e // PTRACE_GET_SYSCALL_INFO, Linux 5.3

func (p *tracee) stopped(tid int, at func(*stop) word) {
	var info callInfo
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, getSyscallInfo, uintptr(tid), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno != 0 {
		return // it is being killed
	}
	s := p.threads[tid]
	switch info.op {
	case 1: // entry
		s = &stop{call: callName(info.nr), args: info.args, tid: tid}
		s.on = p.object(s)
		p.threads[tid] = s
	case 2: // exit
		if s == nil {
			return
		}
		p.threads[tid] = nil
		done := *s
		s = &done
		s.after, s.ret = true, int64(info.nr)
		if s.on == "socket" && s.args[0]+1 == p.token {
			s.on = endpoint // which became one while the call was made
		}
		if errno, ok := p.forged[tid]; ok {
			delete(p.forged, tid)
			s.ret = -int64(errno)
			p.set(tid, func(r *unix.PtraceRegs) { r.Rax = uint64(s.ret) })
		}
	default:
		return
	}
	w := at(s)
	if w.kill {
		unix.Kill(p.pid, unix.SIGKILL)
	}
	if w.errno != 0 && !s.after {
		p.forged[tid] = w.errno
		p.set(tid, func(r *unix.PtraceRegs) { r.Orig_rax = ^uint64(0) })
	}
}

func (p *tracee) set(tid int, change func(*unix.PtraceRegs)) {
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(tid, &regs); err != nil {
		return
	}
	change(&regs)
	unix.PtraceSetRegs(tid, &regs)
}

// memory reads the program's memory, as far as it is there.
func (p *tracee) memory(addr uint64, n int) []byte {
	b := make([]byte, n)
	for got := 0; got < n; {
		// Not beyond the page: the next one may not be there.
		part := min(n-got, 4096-int((addr+uint64(got))%4096))
		local := []unix.Iovec{{Base: &b[got], Len: uint64(part)}}
		remote := []unix.RemoteIovec{{Base: uintptr(addr) + uintptr(got), Len: part}}
		if m, err := unix.ProcessVMReadv(p.pid, local, remote, 0); err != nil || m < part {
			return b[:got]
		}
		got += part
	}
	return b
}

func (p *tracee) text(addr uint64) string {
	b := p.memory(addr, 512)
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return string(b[:i])
	}
	return string(b)
}

// object says what a call is about.
func (p *tracee) object(s *stop) string {
	for _, at := range calls[s.call].paths {
		if path := p.text(s.args[at]); path != "" {
			return p.place(path)
		}
	}
	if at := calls[s.call].fd; at > 0 {
		fd := s.args[at-1]
		if int32(fd) < 0 {
			return ""
		}
		path, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", p.pid, fd))
		if err != nil {
			return "closed descriptor"
		}
		if strings.HasPrefix(path, "socket:") {
			if s.call == "write" && bytes.HasPrefix(p.memory(s.args[1], 17), []byte("POST /oauth/token")) {
				p.token = fd + 1
			}
			if fd+1 == p.token {
				s.sends = s.call == "write" && bytes.Contains(p.memory(s.args[1], int(min(s.args[2], 8<<10))), []byte("refresh_token="))
				if s.call == "close" {
					p.token = 0
				}
				return "token endpoint"
			}
			return "socket"
		}
		if kind, _, ok := strings.Cut(path, ":["); ok {
			return kind
		}
		return p.place(path)
	}
	return ""
}

var (
	digests   = regexp.MustCompile(`[0-9a-f]{16,}`)
	random    = regexp.MustCompile(`\.lamplighter-[a-z2-7]{12}`)
	scratches = regexp.MustCompile(`lamplighter-torture-\d+`)
	process   = regexp.MustCompile(`^/proc/\d+`)
)

// place is a path without what differs between two runs.
func (p *tracee) place(path string) string {
	path = strings.TrimSuffix(path, " (deleted)")
	if rest, ok := strings.CutPrefix(path, p.lab.State); ok {
		path = "state" + rest
	} else if rest, ok := strings.CutPrefix(path, p.lab.Home); ok {
		path = "~" + rest
	}
	path = digests.ReplaceAllString(path, "*")
	path = random.ReplaceAllString(path, ".lamplighter-*")
	path = scratches.ReplaceAllString(path, "*")
	return process.ReplaceAllString(path, "/proc/N")
}
