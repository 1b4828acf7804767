package processes

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// names asks the system for the names of all programs, by rising PID. It is
// what a look at the processes costs, for few of them are wanted: the files are
// read by bare system calls, which are a third of what package os makes of it.
func names(ctx context.Context) ([]named, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	entries, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	all := make([]named, 0, len(entries))
	buf := make([]byte, 4096)
	for _, entry := range entries {
		pid, err := strconv.ParseInt(entry, 10, 32)
		if err != nil {
			continue
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if name := string(bytes.TrimSuffix(content("/proc/"+entry+"/comm", buf), []byte("\n"))); name != "" {
			all = append(all, named{int32(pid), whole(name, entry, buf)})
		}
	}
	return all, nil
}

// cut is the length from which on a name may be the beginning of a longer one
// (proc_pid_comm(5)).
const cut = 15

// whole is a name that was cut, as the command line has it.
func whole(name, pid string, buf []byte) string {
	if len(name) < cut {
		return name
	}
	first, _, _ := bytes.Cut(content("/proc/"+pid+"/cmdline", buf), []byte{0})
	if base := filepath.Base(string(first)); strings.HasPrefix(base, name) {
		return base
	}
	return name
}

// content is the first page of a file of /proc; nothing where it cannot be read.
func content(file string, buf []byte) []byte {
	fd, err := unix.Open(file, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, buf)
	if err != nil {
		return nil
	}
	return buf[:n]
}
