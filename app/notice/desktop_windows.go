// Written from documentation, built and vetted, never run: Wine has no toasts.

package notice

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/windows"
)

// A desktop shows toasts, each by a process of its own: what shows them can end
// in a fault that no program survives. Their clicks reach [Main] of yet another
// process, even when this one has ended; so Answers stays empty here, and
// toasts stay when the Notifier is closed.
type desktop struct {
	*outbox
	app  App
	turn chan map[string]bool // the tags that are up, for whose turn it is
}

func newDesktop(app App) *desktop {
	d := &desktop{outbox: newOutbox(), app: app, turn: make(chan map[string]bool, 1)}
	d.turn <- map[string]bool{}
	d.publish(Service{Works: true, Buttons: true})
	return d
}

// A request is what the process of a toast reads.
type request struct {
	Show  *Notice `json:"show,omitempty"`
	Clear bool    `json:"clear,omitempty"` // take all toasts back
}

func (d *desktop) show(ctx context.Context, n Notice) error {
	up, err := d.wait(ctx)
	if err != nil {
		return err
	}
	defer func() { d.turn <- up }()
	if up[n.Tag] && len(up) == 1 {
		d.run(ctx, request{Clear: true})
	}
	err = d.run(ctx, request{Show: &n})
	d.publish(Service{Works: err == nil, Buttons: err == nil})
	if err == nil {
		up[n.Tag] = true
	}
	return err
}

// withdraw takes a toast back that is the only one: the library gives toasts no
// names by which one of several could be found. Another one that is up goes
// with the last of them.
func (d *desktop) withdraw(ctx context.Context, tag string) {
	up, err := d.wait(ctx)
	if err != nil {
		return
	}
	defer func() { d.turn <- up }()
	if up[tag] {
		delete(up, tag)
		if len(up) == 0 {
			d.run(ctx, request{Clear: true})
		}
	}
}

func (d *desktop) close() { d.shut() }

func (d *desktop) wait(ctx context.Context) (map[string]bool, error) {
	select {
	case up := <-d.turn:
		return up, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// run hands r to a process of its own. Texts go by its standard input: a
// command line is seen by all, and read anew by each program.
func (d *desktop) run(ctx context.Context, r request) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, self, "notice")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(text), &said
	cmd.SysProcAttr = &syscall.SysProcAttr{HideWindow: true, CreationFlags: windows.CREATE_NO_WINDOW}
	err = cmd.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if first, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n"); err != nil && first != "" {
		return errors.New("the toast failed: " + oneLine(visible(first)))
	}
	return err
}
