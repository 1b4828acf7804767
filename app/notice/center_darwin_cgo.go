//go:build darwin && cgo

// Written from documentation, never compiled: that needs Apple's SDK.

package notice

/*
#cgo CFLAGS: -x objective-c -fobjc-arc -mmacosx-version-min=11.0
#cgo LDFLAGS: -framework Foundation -framework UserNotifications
#include <stdlib.h>
#include "center_darwin.h"
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"unsafe"
)

var center struct {
	sync.Mutex
	out     *outbox
	waiting map[C.int]chan error
	last    C.int
}

// bundled reports whether the notification centre can be asked: it raises an
// exception, which ends the program, in one that is no bundle.
func bundled() bool { return bool(C.noticeBundled()) }

func listen(out *outbox) {
	center.Lock()
	center.out, center.waiting = out, map[C.int]chan error{}
	center.Unlock()
	C.noticeListen()
}

// post asks for the permission too, which macOS does only once.
func post(ctx context.Context, out *outbox, n Notice) error {
	result := make(chan error, 1)
	center.Lock()
	center.last++
	call := center.last
	center.waiting[call] = result
	center.Unlock()
	defer func() {
		center.Lock()
		delete(center.waiting, call)
		center.Unlock()
	}()
	texts := [4]*C.char{C.CString(n.Tag), C.CString(n.Title), C.CString(n.Body), C.CString(n.Button)}
	defer func() {
		for _, t := range texts {
			C.free(unsafe.Pointer(t))
		}
	}()
	C.noticePost(call, texts[0], texts[1], texts[2], texts[3])
	select {
	case err := <-result:
		out.publish(Service{Works: err == nil, Buttons: err == nil})
		return err
	case <-ctx.Done(): // the question for permission may be on the screen
		return context.Cause(ctx)
	}
}

func remove(tag string) {
	t := C.CString(tag)
	defer C.free(unsafe.Pointer(t))
	C.noticeRemove(t)
}

//export noticePosted
func noticePosted(call C.int, failed *C.char) {
	var err error
	if failed != nil {
		err = fmt.Errorf("%w: %s", ErrNoService, C.GoString(failed))
		if C.GoString(failed) == "" {
			err = errors.New("notifications of Lamplighter are switched off: System Settings, Notifications")
		}
	}
	center.Lock()
	defer center.Unlock()
	if w := center.waiting[call]; w != nil {
		w <- err
	}
}

//export noticeAnswered
func noticeAnswered(tag *C.char, button C.int) {
	a := Answer{Tag: C.GoString(tag), What: Open}
	if button != 0 {
		a.What = Button
	}
	center.Lock()
	defer center.Unlock()
	center.out.answer(a)
}
