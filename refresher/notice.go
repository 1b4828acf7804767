package refresher

// NeedsPerson reports that nothing but a person helps, and that this is sure: a
// refresh token that was refused is looked at once more first, because its
// client may have been between its answer and its write. An entry that its
// client does not read any more needs nobody. Who tells a person asks
// [ledger.Ledger.FirstToTell] before.
func (row Row) NeedsPerson() bool {
	if row.Unused || row.State != SignInNeeded {
		return false
	}
	return row.Why != WasRefused || row.At.IsZero()
}
