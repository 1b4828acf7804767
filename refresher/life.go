package refresher

import "time"

// haste is what a refresh itself may take of a new token's life.
const haste = 10 * time.Second

// LongestLife is how much life can be asked for, with [Options.Life], of tokens
// that live so long as a whole, so that a refresh brings it. Zero: nothing.
func LongestLife(whole time.Duration) time.Duration {
	if whole < 2*haste {
		return whole / 2
	}
	return whole - haste
}

// StatedLife is the whole life of the access token in the store as its server or
// the token says it. Zero: nobody said.
func (row Row) StatedLife() time.Duration { return row.input.stated() }

// wantsLife reports that less than so much life is left and that a refresh is
// the answer to it. A token of a server that never gives as much is as good as
// another one until half of its life is gone: otherwise everybody who asks for
// too much would have it refreshed again.
func (in Input) wantsLife(life time.Duration) bool {
	left, whole := in.C.Expiry.Sub(in.Now), in.stated()
	switch {
	case in.C.Expiry.IsZero() || left >= life:
		return false
	case whole > 0 && LongestLife(whole) < life:
		return left < whole/2
	}
	return true
}
