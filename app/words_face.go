package app

// Words of the tray's menu, of the notifications, and of what a click comes to.
// The window's fixed words are its own, in app/window.
const (
	wordLeft          = "%s left"
	wordPlanKeep      = "kept fresh"
	wordPlanWatch     = "only watched: %s"
	wordPlanCountdown = "only a countdown: it came without a refresh token"
	wordPlanSignIn    = "a sign-in is needed first"
)
