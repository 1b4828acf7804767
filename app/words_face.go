package app

import "lamplighter/refresher"

// Words of the tray's menu, of the notifications, and of what a click comes to.
// The window's fixed words are its own, in app/window.
const (
	wordLeft          = "%s left"
	wordPlanKeep      = "kept fresh"
	wordPlanWatch     = "only watched: %s"
	wordPlanCountdown = "only a countdown: it came without a refresh token"
	wordPlanSignIn    = "a sign-in is needed first"

	menuSigningIn = "Signing in to %s…"
	menuAgain     = "Show the browser again"
	menuCancel    = "Cancel the sign-in"
	menuBegin     = "Begin: keep them fresh"
	menuOnlyWatch = "Only watch"
	menuSignInTo  = "Sign in to %s…"
	menuPutBackTo = "Put %s back"
	menuNeedsYou  = "%s needs you: %s"
	menuTrouble   = "%s: %s"
	menuMoreOne   = "One more problem…"
	menuMore      = "%d more problems…"
	menuClient    = "%s (%d)"
	menuNotFresh  = ": %d not fresh"
	menuSignIn    = "Sign in again…"
	menuPutBack   = "Put it back"
	menuAsk       = "Read it from the keychain…"
	menuRefresh   = "Refresh now"
	menuCopy      = "Copy access token"
	menuPause     = "Pause"
	menuResume    = "Resume"
	menuKeep      = "Keep fresh"
	menuWatch     = "Only watch"
	menuPlan      = "Once you begin: %s"
	menuDetails   = "Details"
	menuOpen      = "Open Lamplighter"
	menuPauseAll  = "Pause all"
	menuHour      = "For 1 hour"
	menuTomorrow  = "Until tomorrow"
	menuResumeAll = "Resume all (paused%s)"
	menuUntil     = " until %s"
	menuForever   = ""
	menuAtLogin   = "Start at login"
	menuAbout     = "About"
	menuVersion   = "Lamplighter %s"
	menuQuit      = "Quit"

	wordNoNotifications = "Nothing here shows notifications: look at the icon."
	wordNoTray          = "This desktop shows no tray icons. On GNOME, install the AppIndicator extension; this window is Lamplighter's face until then."

	wordRests = "Everything is paused%s."
	wordAgo   = "%s ago"

	factPlan      = "What will be done"
	factExpires   = "Access token ends"
	factLife      = "Its lifetime"
	factNext      = "Next refresh"
	factLast      = "Last refresh"
	factEnds      = "Sign-in ends"
	factMode      = "Mode"
	factServer    = "Server"
	factEndpoint  = "Refreshed at"
	factIssuer    = "Issuer"
	factHosts     = "We talk to"
	factHolders   = "May hold it"
	factReconnect = "Cannot notice"
	factStore     = "Store"
	factSignIn    = "Sign-in command"

	noticeDead    = "Sign in to %s"
	noticeUnsaved = "%s cannot be stored"
	noticeButton  = "Sign in"

	wordLooking    = "Looking for credentials…"
	wordNothingYet = "No credentials yet: sign in to a server in one of your AI clients."
	wordResting    = "Nothing is refreshed for now."
	wordFoundOne   = "One token found. Nothing is refreshed until you begin."
	wordFound      = "%d tokens found. Nothing is refreshed until you begin."
	wordWaits      = "only watched until you begin"
	wordUnsure     = "only watched until the settings can be read"

	saidCopied    = "%s: the access token is in the clipboard"
	saidNoNumber  = "%q is no number; write it as 0.1"
	saidTooLate   = "%s is not signed in: nobody came back from the browser in five minutes; nothing was changed. Try again."
	saidCancelled = "%s is not signed in: cancelled; nothing was changed"

	wordSoonInBrowser = "Your browser is about to show where to sign in."
	wordInBrowser     = "Sign in at %s, in your browser. If it ends on a page that does not load, paste the address of that page."
	wordNoBrowser     = "Open this address in any browser, and sign in at %s. If it ends on a page that does not load, paste the address of that page."

	wordNothingToPaste = "nothing to paste: its client's own command is signing in"

	saidShown      = "Lamplighter is running already; look in the tray, or at its window"
	saidNoTray     = "no tray icon: %v"
	saidHowToBegin = "everything is only watched until you begin: lamplighter mode --all keep"
	wordComment    = "Keeps the tokens of AI clients fresh"

	saidNoWindow     = "the window is not installed: put lamplighter-window beside lamplighter"
	saidWindowFailed = "the window ended: %v; open it again"
)

// modeWords are the modes for people.
var modeWords = map[string]string{"keep": "Keep fresh", "watch-only": "Only watch", "paused": "Paused"}

// stateWord is a state for people, to go on a sentence.
func stateWord(s refresher.State) string {
	switch s {
	case refresher.SignInNeeded:
		return "sign-in needed"
	case refresher.CannotRefresh:
		return "cannot refresh"
	}
	return string(s)
}
