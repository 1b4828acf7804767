package app

// Words about hooks.
const (
	saidHookFailed = "the hook %s, run on %s, failed: %v"
	wordHooked     = "a hook was run"
	wordHookFailed = "a hook failed"
)
