//go:build unix && !linux && !darwin

package replace

import "errors"

// exchangeNames: FreeBSD's rename has no such flag.
func exchangeNames(string, string) error { return errors.ErrUnsupported }
