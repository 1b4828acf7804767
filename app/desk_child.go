package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"lamplighter/app/model"
)

// A child is the window: a program of its own, which reads what there is to see
// and writes what is clicked. Whatever becomes of it, we go on.
type child struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  io.Reader
	done chan struct{} // closed when it has ended

	mu     sync.Mutex
	model  *model.Message  // the latest that it has not got yet
	others []model.Message // that must not be left out
	woken  chan struct{}
}

// windowProgram is the path of the program that draws, beside ours; empty where
// it is not installed.
func windowProgram() string {
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	name := "lamplighter-window"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	beside := []string{self}
	if real, err := filepath.EvalSymlinks(self); err == nil && real != self {
		beside = append(beside, real)
	}
	for _, p := range beside {
		file := filepath.Join(filepath.Dir(p), name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file
		}
	}
	return ""
}

var errNoWindow = errors.New(saidNoWindow)

// open shows the window, or brings it to the front.
func (d *desk) open(ctx context.Context, show model.Show) {
	d.mu.Lock()
	c, err := d.child, error(nil)
	if c == nil {
		if c, err = startWindow(); err == nil {
			d.child = c
			d.group.Go(c.write)
			d.group.Go(func() { d.live(ctx, c) })
		}
	}
	d.mu.Unlock()
	if err != nil {
		d.tellErr(err)
		return
	}
	d.do(func() { c.send(model.Message{Show: &show}) })
}

// live is a window's life, from its first line to its end.
func (d *desk) live(ctx context.Context, c *child) {
	stop := context.AfterFunc(ctx, c.close)
	defer stop()
	d.group.Go(func() { d.redraw(c) })
	c.listen(func(a model.Action) { d.act(ctx, a, "") })
	// It is closed, but may take its time to end. Who asks for a window now gets
	// another one.
	d.do(func() {
		if d.child == c {
			d.child, d.history = nil, history{}
		}
	})
	c.in.Close()
	err := c.wait()
	if err != nil && ctx.Err() == nil {
		d.line(saidWindowFailed, err)
	}
}

// redraws is how often a window is told again how much time is left.
const redraws = 30 * time.Second

// redraw keeps the times in a window true while nothing happens: every word is
// made here, so that the window needs no clock. It ends with the window, so that
// nothing wakes up where none is open.
func (d *desk) redraw(c *child) {
	tick := time.NewTicker(redraws)
	defer tick.Stop()
	for {
		select {
		case <-c.done:
			return
		case <-tick.C:
			d.mu.Lock()
			if d.child == c {
				m := d.model()
				c.send(model.Message{Model: &m})
			}
			d.mu.Unlock()
		}
	}
}

func startWindow() (*child, error) {
	file := windowProgram()
	if file == "" {
		return nil, errNoWindow
	}
	c := &child{cmd: exec.Command(file), woken: make(chan struct{}, 1), done: make(chan struct{})}
	c.cmd.Stderr = os.Stderr
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if c.out, err = c.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf(saidWindowFailed, err)
	}
	return c, nil
}

// send hands a Message over and never waits. Of Models only the latest counts.
func (c *child) send(m model.Message) {
	c.mu.Lock()
	if m.Model != nil {
		c.model = &m
	} else {
		c.others = append(c.others, m)
	}
	c.mu.Unlock()
	select {
	case c.woken <- struct{}{}:
	default:
	}
}

// write is what the child reads, until it ends.
func (c *child) write() {
	out := json.NewEncoder(c.in)
	for {
		select {
		case <-c.done:
			return
		case <-c.woken:
		}
		c.mu.Lock()
		all := c.others
		if c.model != nil { // first: a page that is asked for is one of it
			all = append([]model.Message{*c.model}, all...)
		}
		c.model, c.others = nil, nil
		c.mu.Unlock()
		for _, m := range all {
			if out.Encode(m) != nil {
				return
			}
		}
	}
}

// longestAction bounds a line of the window's: an address that was pasted is
// the longest thing there is.
const longestAction = 1 << 20

// listen hands on what is clicked, until the window is closed.
func (c *child) listen(do func(model.Action)) {
	lines := bufio.NewScanner(c.out)
	lines.Buffer(nil, longestAction)
	for lines.Scan() {
		var a model.Action
		if json.Unmarshal(lines.Bytes(), &a) == nil {
			do(a)
		}
	}
}

// wait is for the end of the child.
func (c *child) wait() error {
	err := c.cmd.Wait()
	close(c.done)
	return err
}

// close ends the window as its own close button would.
func (c *child) close() {
	c.in.Close()
	select {
	case <-c.done:
	case <-time.After(2 * time.Second):
		c.cmd.Process.Kill()
	}
}
