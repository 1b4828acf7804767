// Windows: written from Microsoft's documentation of ReplaceFileW, MoveFileExW
// and SetNamedSecurityInfoW. Run under Wine 8 (make wine), which is not as
// strict about access control lists, never on Windows itself.

package replace

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// kindOf names the system errors that mean the same wherever they are met.
func kindOf(err error) Kind {
	var errno windows.Errno
	if !errors.As(err, &errno) {
		return ""
	}
	switch errno {
	case windows.ERROR_WRITE_PROTECT:
		return ReadOnly
	case windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_DISK_QUOTA_EXCEEDED:
		return Space
	case windows.ERROR_CANT_RESOLVE_FILENAME:
		return Link
	case windows.ERROR_SHARING_VIOLATION, windows.ERROR_LOCK_VIOLATION:
		return Denied
	}
	return ""
}

// retry repeats f for up to 2 s while it fails in a way that passes: another
// program, often a virus scanner, has the file open for a moment. The times
// are those of the go command's own file operations.
func retry(f func() error) error {
	start := time.Now()
	wait := time.Millisecond
	for {
		err := f()
		if err == nil || !passing(err) || time.Since(start)+wait >= 2*time.Second {
			return err
		}
		time.Sleep(wait)
		wait += rand.N(wait)
	}
}

func passing(err error) bool {
	for _, e := range []error{
		windows.ERROR_ACCESS_DENIED,
		windows.ERROR_SHARING_VIOLATION,
		windows.ERROR_LOCK_VIOLATION,
		windows.ERROR_DELETE_PENDING,
		windows.ERROR_UNABLE_TO_REMOVE_REPLACED,  // all names are as before
		windows.ERROR_UNABLE_TO_MOVE_REPLACEMENT, // the same, where there is a backup
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func openRegular(name string, flag int) (f *os.File, err error) {
	info, err := os.Lstat(name)
	switch {
	case err != nil:
		return nil, err
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, &Obstacle{Link, name, fs.ErrInvalid}
	case !info.Mode().IsRegular():
		return nil, &Obstacle{NotRegular, name, fs.ErrInvalid}
	}
	err = retry(func() error {
		f, err = open(name, flag)
		return err
	})
	return f, err
}

// Open opens a file to read it. Whoever it belongs to may rename and remove it
// meanwhile, and rename another over it with POSIX semantics: os.Open keeps
// them from that on Windows, and a client whose rename fails loses the token
// that it just got. A rename of the older kind over an open file is refused all
// the same (observed with Wine 8; Microsoft's documentation).
func Open(name string) (*os.File, error) { return open(name, os.O_RDONLY) }

func open(name string, flag int) (*os.File, error) {
	access := map[int]uint32{
		os.O_RDONLY: windows.GENERIC_READ, os.O_WRONLY: windows.GENERIC_WRITE, os.O_RDWR: windows.GENERIC_READ | windows.GENERIC_WRITE,
	}[flag]
	p, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	const all = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	h, err := windows.CreateFile(p, access, all, nil, windows.OPEN_EXISTING, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(h), name), nil
}

func readRegular(name string) ([]byte, error) {
	f, err := openRegular(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// inspect: no file is a mount of its own here, and what may be done shows only
// by doing it.
func inspect(path, file, folder string) error { return nil }

// A folder is neither held open nor synced: MoveFileExW writes through, and
// NTFS keeps names in its own journal.
func openFolder(string) (*os.File, error) { return nil, nil }
func sameFolder(*os.File, string) bool    { return true }
func syncFolder(*os.File) error           { return nil }

// try: ReplaceFileW shows by itself whether it can.
func try(*draft, *draft, string) (bool, error) { return true, nil }

// lock: a guard is in use as long as it is open, from the moment it is made.
func (d *draft) lock() error { return nil }

// seize opens a guard for Leftovers, sharing nothing, which fails while
// anybody has it open.
func seize(guard string) (unlock func(), held bool, err error) {
	p, err := windows.UTF16PtrFromString(guard)
	if err != nil {
		return nil, true, err
	}
	h, err := windows.CreateFile(p, windows.GENERIC_READ, 0, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, true, nil
	default:
		windows.CloseHandle(h) // or it could not be removed
	}
	return func() {}, false, nil
}

// owned: whoever may make files of our name in the user's folder may have
// them removed.
func owned(name, file string) bool { return true }

// usable opens a draft again that was closed in vain.
func (d *draft) usable() bool {
	f, err := os.OpenFile(d.name, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	d.file.Close()
	d.file = f
	return d.named()
}

// dress gives a draft the access control list that the file named from has,
// and its owner. ReplaceFileW keeps the list too, but only once the bytes are
// already in the draft.
func dress(to *os.File, from string) error {
	const wanted = windows.OWNER_SECURITY_INFORMATION | windows.DACL_SECURITY_INFORMATION
	want, err := windows.GetNamedSecurityInfo(from, windows.SE_FILE_OBJECT, wanted)
	if err != nil {
		return &os.PathError{Op: "GetNamedSecurityInfo", Path: from, Err: err}
	}
	have, err := windows.GetNamedSecurityInfo(to.Name(), windows.SE_FILE_OBJECT, wanted)
	if err != nil {
		return &os.PathError{Op: "GetNamedSecurityInfo", Path: to.Name(), Err: err}
	}
	if want.String() == have.String() {
		return nil
	}
	wantOwner, _, err := want.Owner()
	if err != nil {
		return err
	}
	haveOwner, _, err := have.Owner()
	if err != nil {
		return err
	}
	if wantOwner != nil && (haveOwner == nil || !wantOwner.Equals(haveOwner)) {
		err := windows.SetNamedSecurityInfo(to.Name(), windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION, wantOwner, nil, nil, nil)
		if err != nil {
			return &Obstacle{Owner, from, err}
		}
	}
	dacl, _, err := want.DACL()
	if errors.Is(err, windows.ERROR_OBJECT_NOT_FOUND) {
		return nil // a file system without lists, such as FAT
	}
	if err != nil {
		return err
	}
	control, _, err := want.Control()
	if err != nil {
		return err
	}
	what := windows.SECURITY_INFORMATION(windows.DACL_SECURITY_INFORMATION | windows.UNPROTECTED_DACL_SECURITY_INFORMATION)
	if control&windows.SE_DACL_PROTECTED != 0 {
		what = windows.DACL_SECURITY_INFORMATION | windows.PROTECTED_DACL_SECURITY_INFORMATION
	}
	return windows.SetNamedSecurityInfo(to.Name(), windows.SE_FILE_OBJECT, what, nil, nil, dacl, nil)
}

// inherit keeps the list of a file of our own; modes mean nothing here.
func inherit(to *os.File, from string, _ os.FileMode) error {
	err := dress(to, from)
	if is(err, Owner) {
		return nil // then it has the folder's list
	}
	return err
}

// rename puts the draft in the file's place.
func rename(d *draft, file string) error {
	d.file.Close() // nothing that is open can be moved
	return move(d.name, file)
}

// move replaces to, and has done so on the disk when it returns.
func move(from, to string) error {
	a, err := windows.UTF16PtrFromString(from)
	if err != nil {
		return err
	}
	b, err := windows.UTF16PtrFromString(to)
	if err != nil {
		return err
	}
	return retry(func() error {
		err := windows.MoveFileEx(a, b, windows.MOVEFILE_REPLACE_EXISTING|windows.MOVEFILE_WRITE_THROUGH)
		if err != nil {
			return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
		}
		return nil
	})
}

var replaceFile = windows.NewLazySystemDLL("kernel32.dll").NewProc("ReplaceFileW")

// exchange puts the draft in the file's place and what was there beside it,
// under the draft's name and .old. A file system without ReplaceFileW gets a
// rename after a look.
func exchange(d *draft, file string) (out string, came []byte, err error) {
	if info, err := os.Lstat(file); err != nil {
		return "", nil, err
	} else if !info.Mode().IsRegular() {
		return "", nil, &Obstacle{NotRegular, file, fs.ErrInvalid}
	}
	d.file.Close()
	out = d.name + old
	err = retry(func() error { return replaceWithBackup(file, d.name, out) })
	switch {
	case errors.Is(err, windows.ERROR_UNABLE_TO_MOVE_REPLACEMENT_2):
		// The file is at its backup's name and the draft at its own: go on
		// from there, or back.
		if move(d.name, file) != nil {
			return "", nil, putBack(err, out, file)
		}
	case errors.Is(err, windows.ERROR_NOT_SUPPORTED), errors.Is(err, windows.ERROR_INVALID_FUNCTION):
		return readAndRename(d, file)
	case err != nil:
		return "", nil, err
	}
	if came, err = readRegular(out); err != nil {
		return "", nil, putBack(err, out, file)
	}
	return out, came, nil
}

// putBack undoes an exchange that err spoilt.
func putBack(err error, out, file string) error {
	if err := move(out, file); err != nil {
		return fmt.Errorf("what was at %s could not be put back: %w", file, err)
	}
	return err
}

func replaceWithBackup(file, draft, backup string) error {
	var p [3]*uint16
	for i, name := range []string{file, draft, backup} {
		var err error
		if p[i], err = windows.UTF16PtrFromString(name); err != nil {
			return err
		}
	}
	ok, _, err := replaceFile.Call(uintptr(unsafe.Pointer(p[0])), uintptr(unsafe.Pointer(p[1])), uintptr(unsafe.Pointer(p[2])), 0, 0, 0)
	if ok == 0 {
		return &os.LinkError{Op: "ReplaceFile", Old: draft, New: file, Err: err}
	}
	return nil
}
