package replace

import (
	"errors"
	"io/fs"
)

// A Kind says why a file cannot be replaced.
type Kind string

// Why a file cannot be replaced.
const (
	NotFound   Kind = "not-found"   // there is no such file (any more)
	NotRegular Kind = "not-regular" // a folder, a device, a pipe, a socket
	Link       Kind = "link"        // a link that leads nowhere, in a circle, or elsewhere than before
	Folder     Kind = "folder"      // no file can be put into its folder
	Mount      Kind = "mount"       // mounted as a single file: a rename cannot take its place
	Owner      Kind = "owner"       // its owner or group cannot be given to a new file
	Space      Kind = "space"       // the disk or the quota is full
	ReadOnly   Kind = "read-only"   // the file system
	Denied     Kind = "denied"      // the file itself may not be written
)

var sentences = map[Kind]string{
	NotFound:   " is not there",
	NotRegular: " is not a regular file",
	Link:       " is reached by a link that leads nowhere or has changed",
	Folder:     " is in a folder where no new file can be put",
	Mount:      " is mounted as a single file",
	Owner:      " has an owner or group that a new file cannot be given",
	Space:      " does not fit on the disk any more",
	ReadOnly:   " is on a read-only file system",
	Denied:     " may not be written",
}

// An Obstacle is a reason known beforehand, or met later, for which a file
// cannot be replaced. Trouble of other sorts, such as a failing disk, comes as
// the system's own error.
type Obstacle struct {
	Kind Kind
	Path string
	Err  error // the system's error
}

func (o *Obstacle) Error() string { return o.Path + sentences[o.Kind] }

func (o *Obstacle) Unwrap() error { return o.Err }

// obstacle makes an Obstacle of a system error where it is one. denied is the
// Kind that a missing permission has at this place.
func obstacle(path string, err error, denied Kind) error {
	if err == nil {
		return nil
	}
	var known *Obstacle
	if errors.As(err, &known) {
		return &Obstacle{known.Kind, path, known.Err} // not the temporary file's path
	}
	kind := kindOf(err)
	switch {
	case kind != "":
	case errors.Is(err, fs.ErrNotExist):
		kind = NotFound
	case errors.Is(err, fs.ErrPermission):
		kind = denied
	default:
		return err
	}
	return &Obstacle{kind, path, err}
}

// is reports whether err is an Obstacle of that kind.
func is(err error, kind Kind) bool {
	var o *Obstacle
	return errors.As(err, &o) && o.Kind == kind
}
