package credfiles

import (
	"sync"
	"time"

	"lamplighter/credfiles/jsonedit"
)

// remoteFiles reads files of the user's that may lie on a disk that does not
// answer any more, such as a project's on the network. The system would let us
// wait for those without end.
type remoteFiles struct {
	mu      sync.Mutex
	pending chan struct{} // closed when a reading ends that took too long
}

// remotePatience is how long such files are waited for.
const remotePatience = 500 * time.Millisecond

// read returns those of the files that are there and whole. ok is false where
// they were not all read in time, or a reading of before still waits.
func (f *remoteFiles) read(names []string) (found []jsonedit.Value, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(names) == 0 {
		return nil, true
	}
	if f.pending != nil {
		select {
		case <-f.pending:
			f.pending = nil
		default:
			return nil, false
		}
	}
	var all []jsonedit.Value
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, name := range names {
			if root, ok := readJSON(name); ok {
				all = append(all, root)
			}
		}
	}()
	select {
	case <-done:
		return all, true
	case <-time.After(remotePatience):
		f.pending = done
		return nil, false
	}
}
