//go:build darwin && !cgo

package tray

import (
	"context"
	"fmt"
)

// Run returns ErrNoTray: macOS has its menus behind Objective-C, which a
// program without cgo cannot call.
func Run(context.Context, Tray) error {
	return fmt.Errorf("%w: this program was built without cgo, which the menu bar of macOS needs", ErrNoTray)
}

// Await has nothing to wait for.
func Await(context.Context) error { return ErrNoBus }
