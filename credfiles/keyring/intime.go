package keyring

import "context"

// InTime does not wait for a call longer than ctx, for those that know no
// bounds; then the error is ErrSlow, and the call goes on unheard.
func InTime[T any](ctx context.Context, do func() (T, error)) (T, error) {
	type done struct {
		value T
		err   error
	}
	ended := make(chan done, 1)
	go func() {
		value, err := do()
		ended <- done{value, err}
	}()
	select {
	case d := <-ended:
		return d.value, d.err
	case <-ctx.Done():
		var none T
		return none, ErrSlow
	}
}
