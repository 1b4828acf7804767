package clientlock

import (
	"context"
	"os"
	"time"
)

// ExclusiveOptions say what a client writes into its lock file, and when it
// takes one for abandoned.
type ExclusiveOptions struct {
	Text      func(token string) string // the token is this holding's own and must stand in it
	Stale     time.Duration             // the age at which the client takes a lock over; zero: it never does
	Heartbeat time.Duration             // how often ours is touched; must be positive
	Retry     time.Duration             // how often to ask; must be positive
}

// Exclusive locks by creating the file at path where none is, as Qwen Code
// 0.24.4 does (O_EXCL, a UUID in it, stale after 35 s by its modification time;
// source). Clients of this kind never touch theirs, but ours may be held for
// longer than they think one can live. Waiting, its errors and the taking over
// of an abandoned lock are as those of Dir.
func Exclusive(ctx context.Context, path string, opts ExclusiveOptions) (*Lock, error) {
	return marking{
		path: path, every: opts.Heartbeat,
		files: func(token string) map[string]string { return map[string]string{"": opts.Text(token)} },
		make: func(path, _ string, files map[string]string) error {
			return create(path, []byte(files[""]))
		},
		look: lookFile, remove: os.Remove,
	}.taking(opts.Stale, opts.Retry).take(ctx)
}
