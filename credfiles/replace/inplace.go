package replace

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// CanInPlace finds what would keep InPlace from writing the file that path
// leads to, and reserves room for it to grow by a quarter and 64 KiB where the
// file system can reserve. The error is as Prepare's.
func CanInPlace(path string) error {
	file, err := existing(path)
	if err != nil {
		return err
	}
	f, err := openRegular(file, os.O_RDWR)
	if err != nil {
		return obstacle(path, err, Denied)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	return obstacle(path, reserve(f, size+size/4+64<<10), Denied)
}

// InPlace writes data over the content of the file that path leads to, for a
// file that cannot be replaced because it is mounted as a single file. A
// reader can see a mixture, and so can everybody after a crash: the caller
// has data on the disk elsewhere, and writes again. The file is never
// created. A disk that is full is found before the old content is touched.
func InPlace(path string, data []byte) error {
	file, err := existing(path)
	if err != nil {
		return err
	}
	f, err := openRegular(file, os.O_RDWR)
	if err != nil {
		return obstacle(path, err, Denied)
	}
	defer f.Close()
	if err := overwrite(f, data); err != nil {
		return obstacle(path, err, Denied)
	}
	there, err := io.ReadAll(io.NewSectionReader(f, 0, int64(len(data))+1))
	if err != nil {
		return err
	}
	if !bytes.Equal(there, data) {
		return errors.New(path + " does not hold what was written to it")
	}
	return nil
}

func overwrite(f *os.File, data []byte) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	// What goes beyond the end comes first: only there can the room end.
	old := info.Size()
	if int64(len(data)) > old {
		_, err := f.WriteAt(data[old:], old)
		if err == nil {
			err = f.Sync() // some file systems look for the room only now
		}
		if err != nil {
			return errors.Join(err, f.Truncate(old))
		}
	}
	if _, err := f.WriteAt(data[:min(int64(len(data)), old)], 0); err != nil {
		return err
	}
	if err := f.Truncate(int64(len(data))); err != nil {
		return err
	}
	return f.Sync()
}
