package app

import (
	"errors"
	"testing"

	"lamplighter/credfiles"
)

// What the system says of a file is not yet what to do about it, and a folder
// on a full disk does not want other permissions.
func TestTroubleWithTheDiskSaysWhatToDo(t *testing.T) {
	v := view{os: "linux", home: "/home/x"}
	for said, want := range map[string]string{
		"open /x: no space left on device":     "free some space",
		"open /x: disk quota exceeded":         "free some space, or have your quota raised",
		"mkdir /x: read-only file system":      "mount it writable",
		"open /x: permission denied":           "give yourself the permission to write in its folder (chmod u+w)",
		"open /x: no such file or directory":   "put it back",
		"open /x: too many open files":         "end some programs, or raise the limit (ulimit -n)",
		"sync /x: input/output error":          "look at the disk: it may be failing",
		"/x does not fit on the disk any more": "free some space",
	} {
		_, do := v.trouble(credfiles.Problem{Store: "/home/x/.codex/.credentials.json", Client: "codex", Kind: credfiles.Folder, Err: errors.New(said)})
		if do != want {
			t.Errorf("%q: %q, want %q", said, do, want)
		}
	}
	if do := advice("the server cannot be reached"); do != "" {
		t.Errorf("%q is no matter of files", do)
	}
}
