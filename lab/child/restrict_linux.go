package child

import (
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Rule says what the kernel answers to a system call.
type Rule struct {
	Call   uintptr
	Arg    int // which argument must have Value; 0 is none of them, since the first never matters here
	Value  uint32
	Answer uint32
}

// Fails is the Rule of a call that fails.
func Fails(call uintptr, errno syscall.Errno) Rule {
	return Rule{Call: call, Answer: unix.SECCOMP_RET_ERRNO | uint32(errno)}
}

// Restrict makes rules the law for this process until its end (seccomp(2)).
func Restrict(t *testing.T, rules ...Rule) {
	t.Helper()
	const (
		load  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		ret   = unix.BPF_RET | unix.BPF_K
	)
	var program []unix.SockFilter
	for _, r := range rules {
		program = append(program, unix.SockFilter{Code: load, K: 0})
		if r.Arg == 0 {
			program = append(program, unix.SockFilter{Code: equal, Jf: 1, K: uint32(r.Call)})
		} else {
			low := uint32(16 + 8*r.Arg) // of struct seccomp_data, little endian
			program = append(program,
				unix.SockFilter{Code: equal, Jf: 3, K: uint32(r.Call)},
				unix.SockFilter{Code: load, K: low},
				unix.SockFilter{Code: equal, Jf: 1, K: r.Value})
		}
		program = append(program, unix.SockFilter{Code: ret, K: r.Answer})
	}
	program = append(program, unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ALLOW})
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Skip("no seccomp here:", err)
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&filter)))
	if errno != 0 {
		t.Skip("no seccomp here:", errno)
	}
}
