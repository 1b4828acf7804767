package refresher

import "time"

// NeedsPerson reports that nothing but a person helps, and that this is sure: a
// refresh token that was refused is looked at once more first, because its
// client may have been between its answer and its write. An entry that its
// client does not read any more needs nobody. Who tells a person asks
// [ledger.Ledger.FirstToTell] before.
func (row Row) NeedsPerson() bool {
	if row.Unused || row.State != SignInNeeded {
		return false
	}
	if never := row.Memory.Access == ""; never && (row.Why == NoSecret || row.Why == NotSignedIn) {
		return false // who defined it knows
	}
	return row.Why != WasRefused || row.At.IsZero()
}

// MustBeSaved reports that a new token waits to be stored and its client is
// about to need it: what its store holds has ended, or is so near its end that
// the client would present the refresh token that was used up.
func (row Row) MustBeSaved(now time.Time) bool {
	return !row.Unused && row.State == Unsaved && row.Expiry.Sub(now) < row.input.Threshold+skew
}
