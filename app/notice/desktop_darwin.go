// Written from documentation, built without cgo and vetted, never run.

package notice

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// A desktop shows notices in the notification centre: by its own interface
// where we are a bundle with cgo, with buttons and clicks; else by osascript,
// without either, and nothing can be taken back.
type desktop struct {
	*outbox
	app App
}

func newDesktop(app App) *desktop {
	d := &desktop{outbox: newOutbox(), app: app}
	if bundled() {
		listen(d.outbox)
		d.publish(Service{Works: true, Buttons: true})
	} else if _, err := exec.LookPath(osascript); err == nil {
		d.publish(Service{Works: true})
	}
	return d
}

const osascript = "/usr/bin/osascript"

// The texts are arguments of the script, never part of it.
const script = `on run argv
display notification (item 2 of argv) with title (item 1 of argv)
end run`

func (d *desktop) show(ctx context.Context, n Notice) error {
	if bundled() {
		return post(ctx, d.outbox, n)
	}
	// A title that begins with a dash is no option after the first argument.
	out, err := exec.CommandContext(ctx, osascript, "-e", script, "--", n.Title, n.Body).CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		d.publish(Service{})
		return fmt.Errorf("%w: %s", ErrNoService, oneLine(visible(strings.TrimSpace(string(out)))))
	}
	d.publish(Service{Works: true})
	return nil
}

func (d *desktop) withdraw(_ context.Context, tag string) {
	if bundled() {
		remove(tag)
	}
}

// close leaves notices where they are: a click on one starts the bundle.
func (d *desktop) close() { d.shut() }
