package torture_test

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// A sysCall is what has to be known of a system call to say what it is about.
type sysCall struct {
	nr    uint64
	fd    int   // which argument is a descriptor, counted from 1; 0: none
	paths []int // which arguments are paths, counted from 0; the first that is not empty counts
}

// calls are those that the program makes, and some that it might.
var calls = map[string]sysCall{
	"read": {nr: unix.SYS_READ, fd: 1}, "write": {nr: unix.SYS_WRITE, fd: 1}, "close": {nr: unix.SYS_CLOSE, fd: 1},
	"pread64": {nr: unix.SYS_PREAD64, fd: 1}, "pwrite64": {nr: unix.SYS_PWRITE64, fd: 1}, "lseek": {nr: unix.SYS_LSEEK, fd: 1},
	"readv": {nr: unix.SYS_READV, fd: 1}, "writev": {nr: unix.SYS_WRITEV, fd: 1}, "sendfile": {nr: unix.SYS_SENDFILE, fd: 1},
	"fstat": {nr: unix.SYS_FSTAT, fd: 1}, "fsync": {nr: unix.SYS_FSYNC, fd: 1}, "fdatasync": {nr: unix.SYS_FDATASYNC, fd: 1},
	"ftruncate": {nr: unix.SYS_FTRUNCATE, fd: 1}, "fallocate": {nr: unix.SYS_FALLOCATE, fd: 1}, "flock": {nr: unix.SYS_FLOCK, fd: 1},
	"fchmod": {nr: unix.SYS_FCHMOD, fd: 1}, "fchown": {nr: unix.SYS_FCHOWN, fd: 1}, "fcntl": {nr: unix.SYS_FCNTL, fd: 1},
	"getdents64": {nr: unix.SYS_GETDENTS64, fd: 1}, "fgetxattr": {nr: unix.SYS_FGETXATTR, fd: 1},
	"fsetxattr": {nr: unix.SYS_FSETXATTR, fd: 1}, "fremovexattr": {nr: unix.SYS_FREMOVEXATTR, fd: 1}, "ioctl": {nr: unix.SYS_IOCTL, fd: 1},
	"copy_file_range": {nr: unix.SYS_COPY_FILE_RANGE, fd: 3},

	"openat": {nr: unix.SYS_OPENAT, paths: []int{1}}, "newfstatat": {nr: unix.SYS_NEWFSTATAT, paths: []int{1}},
	"statx": {nr: unix.SYS_STATX, paths: []int{1}}, "readlinkat": {nr: unix.SYS_READLINKAT, paths: []int{1}},
	"mkdirat": {nr: unix.SYS_MKDIRAT, paths: []int{1}}, "unlinkat": {nr: unix.SYS_UNLINKAT, paths: []int{1}},
	"renameat": {nr: unix.SYS_RENAMEAT, paths: []int{3}}, "renameat2": {nr: unix.SYS_RENAMEAT2, paths: []int{3}},
	"fchmodat": {nr: unix.SYS_FCHMODAT, paths: []int{1}}, "fchownat": {nr: unix.SYS_FCHOWNAT, paths: []int{1}},
	"utimensat": {nr: unix.SYS_UTIMENSAT, paths: []int{1}}, "faccessat": {nr: unix.SYS_FACCESSAT, paths: []int{1}},
	"faccessat2": {nr: unix.SYS_FACCESSAT2, paths: []int{1}}, "llistxattr": {nr: unix.SYS_LLISTXATTR, paths: []int{0}},
	"lgetxattr": {nr: unix.SYS_LGETXATTR, paths: []int{0}}, "statfs": {nr: unix.SYS_STATFS, paths: []int{0}},
	"inotify_add_watch": {nr: unix.SYS_INOTIFY_ADD_WATCH, paths: []int{1}}, "getcwd": {nr: unix.SYS_GETCWD},

	"socket": {nr: unix.SYS_SOCKET}, "connect": {nr: unix.SYS_CONNECT, fd: 1}, "bind": {nr: unix.SYS_BIND, fd: 1},
	"getsockopt": {nr: unix.SYS_GETSOCKOPT, fd: 1}, "setsockopt": {nr: unix.SYS_SETSOCKOPT, fd: 1},
	"getsockname": {nr: unix.SYS_GETSOCKNAME, fd: 1}, "getpeername": {nr: unix.SYS_GETPEERNAME, fd: 1},
	"shutdown": {nr: unix.SYS_SHUTDOWN, fd: 1}, "recvfrom": {nr: unix.SYS_RECVFROM, fd: 1}, "sendto": {nr: unix.SYS_SENDTO, fd: 1},
	"epoll_ctl": {nr: unix.SYS_EPOLL_CTL, fd: 3}, "epoll_pwait": {nr: unix.SYS_EPOLL_PWAIT}, "epoll_create1": {nr: unix.SYS_EPOLL_CREATE1},
	"eventfd2": {nr: unix.SYS_EVENTFD2}, "pipe2": {nr: unix.SYS_PIPE2}, "inotify_init1": {nr: unix.SYS_INOTIFY_INIT1},

	"futex": {nr: unix.SYS_FUTEX}, "nanosleep": {nr: unix.SYS_NANOSLEEP}, "sched_yield": {nr: unix.SYS_SCHED_YIELD},
	"sched_getaffinity": {nr: unix.SYS_SCHED_GETAFFINITY}, "clone": {nr: unix.SYS_CLONE}, "clone3": {nr: unix.SYS_CLONE3},
	"mmap": {nr: unix.SYS_MMAP}, "munmap": {nr: unix.SYS_MUNMAP}, "madvise": {nr: unix.SYS_MADVISE}, "mprotect": {nr: unix.SYS_MPROTECT},
	"prctl": {nr: unix.SYS_PRCTL}, "rt_sigaction": {nr: unix.SYS_RT_SIGACTION}, "rt_sigprocmask": {nr: unix.SYS_RT_SIGPROCMASK},
	"rt_sigreturn": {nr: unix.SYS_RT_SIGRETURN}, "sigaltstack": {nr: unix.SYS_SIGALTSTACK}, "tgkill": {nr: unix.SYS_TGKILL},
	"gettid": {nr: unix.SYS_GETTID}, "getpid": {nr: unix.SYS_GETPID}, "getuid": {nr: unix.SYS_GETUID}, "geteuid": {nr: unix.SYS_GETEUID},
	"getgid": {nr: unix.SYS_GETGID}, "getegid": {nr: unix.SYS_GETEGID}, "getrandom": {nr: unix.SYS_GETRANDOM}, "uname": {nr: unix.SYS_UNAME},
	"exit": {nr: unix.SYS_EXIT}, "exit_group": {nr: unix.SYS_EXIT_GROUP}, "timer_create": {nr: unix.SYS_TIMER_CREATE},
	"timer_settime": {nr: unix.SYS_TIMER_SETTIME}, "timer_delete": {nr: unix.SYS_TIMER_DELETE}, "restart_syscall": {nr: unix.SYS_RESTART_SYSCALL},
	"rseq": {nr: unix.SYS_RSEQ}, "prlimit64": {nr: unix.SYS_PRLIMIT64}, "arch_prctl": {nr: unix.SYS_ARCH_PRCTL},
	"clock_gettime": {nr: unix.SYS_CLOCK_GETTIME}, "sysinfo": {nr: unix.SYS_SYSINFO}, "getrusage": {nr: unix.SYS_GETRUSAGE},
}

var callNames = func() map[uint64]string {
	names := map[uint64]string{}
	for name, c := range calls {
		names[c.nr] = name
	}
	return names
}()

func callName(nr uint64) string {
	if name, ok := callNames[nr]; ok {
		return name
	}
	return "call " + strconv.FormatUint(nr, 10)
}
