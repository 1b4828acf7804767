//go:build darwin && !cgo

package notice

import "context"

func bundled() bool { return false }

func listen(*outbox) {}

func post(context.Context, *outbox, Notice) error { return ErrNoService }

func remove(string) {}
