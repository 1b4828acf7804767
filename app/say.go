package app

// How we speak:
//   - results go to stdout, words to stderr; a script can rely on that;
//   - a sentence says what is the case, on what, and ends with the next step;
//   - errors begin with "lamplighter: ", in lower case, without a full stop
//     unless they are several sentences;
//   - paths below the home folder are written with ~;
//   - a state differs from another by its word; colour only underlines it;
//   - times are relative or local for people, and UTC in JSON;
//   - a token is never shown, except by the command that is asked for one.

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
)

func (p *program) printf(format string, args ...any) { fmt.Fprintf(p.out, format, args...) }

// errorf says what failed. It is the only place that puts the name before it.
func (p *program) errorf(format string, args ...any) {
	if p.journal() {
		p.warnf("%s", asError+strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\n"+asError))
		return
	}
	p.warnf("lamplighter: "+format, args...)
}

// warnf says what a person should know, while the command goes on.
func (p *program) warnf(format string, args ...any) { fmt.Fprintf(p.err, format+"\n", args...) }

// line is one line of a keeper: the time, and what there is to say.
func (p *program) line(format string, args ...any) { p.keeperLine(asInfo, format, args...) }

// trouble is a line that somebody should read.
func (p *program) trouble(format string, args ...any) { p.keeperLine(asWarning, format, args...) }

func (p *program) keeperLine(as string, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	switch {
	case p.say != nil:
		p.say(text)
	case p.journal():
		p.warnf("%s", as+strings.ReplaceAll(text, "\n", "\n"+as))
	default:
		p.warnf("%s %s", time.Now().Format(time.TimeOnly), text)
	}
}

// What a line begins with in the journal (sd-daemon(3)).
const (
	asInfo    = "<6>"
	asWarning = "<4>"
	asError   = "<3>"
)

// journal reports that systemd's journal reads what is written to stderr: it
// has the time by itself, and takes how bad it is from each line.
func (p *program) journal() bool {
	is, err := journal.StderrIsJournalStream()
	return err == nil && is
}

// sayf makes an error of words for people.
func sayf(format string, args ...any) error { return fmt.Errorf(format, args...) }

// usage is an error in how the command was called: exit code 2.
type usage struct{ error }

func usagef(format string, args ...any) error { return usage{sayf(format, args...)} }

// finishing says that a refresh under way is finished first, where that takes
// a moment after the command was told to end.
func (p *program) finishing(ctx context.Context) (stop func()) {
	done, cancel := context.WithCancel(context.Background())
	context.AfterFunc(ctx, func() {
		if context.Cause(ctx) == errWaited {
			return // nobody told us to end
		}
		select {
		case <-done.Done():
		case <-time.After(300 * time.Millisecond):
			if p.say != nil {
				p.say(saidFinishing)
			} else {
				p.warnf(saidFinishing)
			}
		}
	})
	return cancel
}

// shortPath writes a path with ~ for the home folder.
func shortPath(home, path string) string {
	if home == "" {
		return path
	}
	if rel, err := filepath.Rel(home, path); err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return filepath.Join("~", rel)
	}
	return path
}
