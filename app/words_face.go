package app

// Words of the tray's menu, of the notifications, and of what a click comes to.
// The window's fixed words are its own, in app/window.
const (
	wordLeft          = "%s left"
	wordPlanKeep      = "kept fresh"
	wordPlanWatch     = "only watched: %s"
	wordPlanCountdown = "only a countdown: it came without a refresh token"
	wordPlanSignIn    = "a sign-in is needed first"

	menuSigningIn = "Signing in to %s ..."
	menuAgain     = "Show the browser again"
	menuCancel    = "Cancel the sign-in"
	menuBegin     = "Begin: keep them fresh"
	menuOnlyWatch = "Only watch"
	menuSignInTo  = "Sign in to %s ..."
	menuNeedsYou  = "%s needs you: %s"
	menuTrouble   = "%s: %s"
	menuMoreOne   = "One more problem ..."
	menuMore      = "%d more problems ..."
	menuClient    = "%s (%d)"
	menuNotFresh  = ": %d not fresh"
	menuSignIn    = "Sign in again ..."
	menuRefresh   = "Refresh now"
	menuCopy      = "Copy access token"
	menuPause     = "Pause"
	menuResume    = "Go on"
	menuKeep      = "Keep fresh"
	menuWatch     = "Only watch"
	menuPlan      = "Once you begin: %s"
	menuDetails   = "Details"
	menuOpen      = "Open Lamplighter"
	menuPauseAll  = "Pause all"
	menuHour      = "For 1 hour"
	menuTomorrow  = "Until tomorrow"
	menuResumeAll = "Go on (all paused%s)"
	menuUntil     = " until %s"
	menuForever   = ""
	menuAtLogin   = "Start at login"
	menuAbout     = "About"
	menuVersion   = "Lamplighter %s"
	menuQuit      = "Quit"

	wordNoNotifications = "Nothing here shows notifications: look at the icon."
	wordNoTray          = "This desktop shows no tray icons. On GNOME, install the AppIndicator extension; this window is Lamplighter's face until then."

	noticeDead    = "Sign in to %s"
	noticeUnsaved = "%s cannot be stored"
	noticeButton  = "Sign in"

	wordFoundOne = "One token found. Nothing is refreshed until you begin."
	wordFound    = "%d tokens found. Nothing is refreshed until you begin."
	wordWaits    = "only watched until you begin"
	wordUnsure   = "only watched until the settings can be read"

	saidCopied    = "%s: the access token is in the clipboard"
	saidNoNumber  = "%q is no number; write it as 0.1"
	saidSigningIn = "Signing in to %s."
	saidInBrowser = "%s: sign in at %s, in your browser."
	saidNoBrowser = "%s: sign in at %s; open the address in any browser. If it ends on a page that does not load, paste the address of that page."
	saidTooLate   = "%s is not signed in: nobody came back from the browser in five minutes; nothing was changed. Try again."
	saidCancelled = "%s is not signed in: cancelled; nothing was changed"

	wordNothingToPaste = "nothing to paste: its client's own command is signing in"

	saidShown      = "Lamplighter is running already; look in the tray, or at its window"
	saidNoTray     = "no tray icon: %v"
	saidHowToBegin = "everything is only watched until you begin: lamplighter mode --all keep"
	wordComment    = "Keeps the tokens of AI clients fresh"

	saidNoWindow     = "the window is not installed: put lamplighter-window beside lamplighter"
	saidWindowFailed = "the window ended: %v; open it again"
)
