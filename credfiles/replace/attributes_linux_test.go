package replace

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"lamplighter/lab/child"
)

func setAttribute(t *testing.T, path, name string, value []byte) {
	t.Helper()
	if err := unix.Lsetxattr(path, name, value, 0); err != nil {
		t.Skipf("no attribute %s here: %v", name, err)
	}
}

func attribute(t *testing.T, path, name string) []byte {
	t.Helper()
	value, err := sized(func(b []byte) (int, error) { return unix.Lgetxattr(path, name, b) })
	if err != nil && !errors.Is(err, unix.ENODATA) {
		t.Fatal(err)
	}
	return value
}

func TestExtendedAttributesStay(t *testing.T) {
	path := newStore(t, "old")
	value := bytes.Repeat([]byte{0, 1, 255}, 300)
	setAttribute(t, path, "user.binary", value)
	setAttribute(t, path, "user.empty", nil)
	target := prepare(t, path, 100)
	setAttribute(t, path, "user.later", []byte("since Prepare"))
	for range 2 {
		swap(t, target, "new")
		if !bytes.Equal(attribute(t, path, "user.binary"), value) {
			t.Error("user.binary is lost")
		}
		if string(attribute(t, path, "user.later")) != "since Prepare" {
			t.Error("user.later is lost")
		}
		list, err := sized(func(b []byte) (int, error) { return unix.Llistxattr(path, b) })
		if err != nil || !strings.Contains(string(list), "user.empty\x00") {
			t.Error("user.empty is lost")
		}
	}
}

// acl makes the value of system.posix_acl_access: the owner and one named user
// read and write, the group and the others nothing.
func acl(user uint32) []byte {
	const (
		userObj, namedUser, groupObj, mask, other = 0x01, 0x02, 0x04, 0x10, 0x20
		none                                      = ^uint32(0)
	)
	b := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range []struct {
		tag, perm uint16
		id        uint32
	}{{userObj, 6, none}, {namedUser, 6, user}, {groupObj, 0, none}, {mask, 6, none}, {other, 0, none}} {
		b = binary.LittleEndian.AppendUint16(b, e.tag)
		b = binary.LittleEndian.AppendUint16(b, e.perm)
		b = binary.LittleEndian.AppendUint32(b, e.id)
	}
	return b
}

func TestAnAccessControlListStays(t *testing.T) {
	path := newStore(t, "old")
	setAttribute(t, path, posixACL, acl(12345))
	wantMode(t, path, 0o660) // the group's bits are the list's mask
	target := prepare(t, path, 100)
	for range 2 {
		swap(t, target, "new")
		if !bytes.Equal(attribute(t, path, posixACL), acl(12345)) {
			t.Error("the list changed")
		}
		wantMode(t, path, 0o660)
	}
}

func TestAnAccessControlListThatCannotBeSetIsAnObstacle(t *testing.T) {
	if !child.In(t, nil) {
		return
	}
	path := newStore(t, "old")
	setAttribute(t, path, posixACL, acl(12345))
	child.Restrict(t, child.Fails(unix.SYS_FSETXATTR, unix.EPERM))
	_, err := Prepare(path, 100)
	wantKind(t, err, Denied) // 0660 without the list would let the group in
	wantAlone(t, path)
}

func TestAnOwnerThatCannotBeGivenIsAnObstacle(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make another user's files")
	}
	for errno, kind := range map[syscall.Errno]Kind{
		unix.EPERM:  Owner,
		unix.EINVAL: Owner, // not known in this user namespace
		unix.EDQUOT: Space, // the other's quota
	} {
		t.Run(string(kind)+strconv.Itoa(int(errno)), func(t *testing.T) {
			if !child.In(t, nil) {
				return
			}
			path := newStore(t, "old")
			if err := os.Chown(path, 12345, 0); err != nil {
				t.Fatal(err)
			}
			child.Restrict(t, child.Fails(unix.SYS_FCHOWN, errno))
			_, err := Prepare(path, 100)
			wantKind(t, err, kind)
			wantAlone(t, path)
		})
	}
}

func TestAFoldersDefaultListLetsNobodyIn(t *testing.T) {
	path := newStore(t, "old")
	if err := os.Chmod(path, 0o660); err != nil {
		t.Fatal(err)
	}
	setAttribute(t, filepath.Dir(path), "system.posix_acl_default", acl(12345))
	target := prepare(t, path, 100)
	for _, d := range target.drafts {
		if attribute(t, d.name, posixACL) != nil {
			t.Error("the temporary file has the folder's list")
		}
	}
	swap(t, target, "new")
	if attribute(t, path, posixACL) != nil {
		t.Error("the file got the folder's list")
	}
	wantMode(t, path, 0o660)
}

func setFlag(t *testing.T, path string, flag int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	old, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, old|flag)
	}
	if err != nil {
		t.Skip("cannot set the flag here:", err)
	}
	t.Cleanup(func() {
		if f, err := os.Open(path); err == nil {
			unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, old)
			f.Close()
		}
	})
}

func TestFrozenFilesAndFoldersAreObstacles(t *testing.T) {
	const immutable, appendOnly = 0x10, 0x20 // FS_IMMUTABLE_FL, FS_APPEND_FL
	for _, flag := range []int{immutable, appendOnly} {
		path := newStore(t, "old")
		setFlag(t, path, flag)
		_, err := Prepare(path, 100)
		wantKind(t, err, Denied)
		wantKind(t, CanInPlace(path), Denied)
		wantAlone(t, path)

		path = newStore(t, "old")
		setFlag(t, filepath.Dir(path), flag)
		_, err = Prepare(path, 100)
		wantKind(t, err, Folder)
		wantAlone(t, path)
	}
}

func TestAFileFrozenSincePrepareIsAnObstacle(t *testing.T) {
	path := newStore(t, "old")
	target := prepare(t, path, 100)
	setFlag(t, path, 0x10)
	if _, err := target.Swap([]byte("new")); err == nil {
		t.Error("no error")
	} else if !is(err, Folder) && !is(err, Denied) {
		t.Error(err)
	}
	wantContent(t, path, "old")
}
