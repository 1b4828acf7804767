package watch

import (
	"fmt"
	"os"
	"syscall"
)

// attributes returns what of a file changes with it. File index and change
// time are left out: to read them the file must be opened, and an open file
// can make a client's rename over it fail.
func attributes(path string) string {
	info, err := os.Lstat(path)
	if err != nil {
		return err.Error()
	}
	d := info.Sys().(*syscall.Win32FileAttributeData)
	return fmt.Sprint(d.FileAttributes, d.CreationTime, d.LastWriteTime, d.FileSizeHigh, d.FileSizeLow)
}
