//go:build !darwin || cgo

package window

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Words of the window's own. What is said of a credential comes worded in the
// Model.
const (
	wordTitle   = "Lamplighter"
	wordWhat    = "Keeps the OAuth tokens of AI clients fresh, in place and ahead of their end."
	wordLicence = "Free software under the Apache licence 2.0. No telemetry, no update check: it talks only to the servers of your own tokens."
	wordVersion = "Version %s"
	wordKeys    = "Tab goes through everything, Space or Return presses, Escape goes back, Ctrl+W closes."
	wordWaiting = "Looking for credentials"
	wordNobody  = "No credentials yet. Sign in to a server in one of your AI clients; it shows up here by itself."
	wordClosing = "Closing this window changes nothing: the tray goes on."

	wordOverview = "Overview"
	wordHistory  = "History"
	wordSettings = "Settings"
	wordProblems = "Problems"
	wordAbout    = "About"

	wordBegin       = "Begin"
	wordOnlyWatch   = "Only watch"
	wordBeginHead   = "Before the first lamp is lit"
	wordBeginText   = "This was found on your computer, and this is what will be done. Nothing is written to anybody's store before you say so."
	wordBeginFoot   = "You can change your mind in the settings at any time."
	wordWatchNotice = "Everything is only watched."

	wordSigningIn   = "Signing in to %s"
	wordSignInAgain = "Sign in again"
	wordRefresh     = "Refresh now"
	wordSignIn      = "Sign in"
	wordAsk         = "Read it from the keychain"
	wordPutBack     = "Put it back"
	wordCopyToken   = "Copy access token"
	wordPauseHour   = "Pause 1 h"
	wordPauseDay    = "Pause until tomorrow"
	wordResume      = "Resume"
	wordKeep        = "Keep fresh"
	wordWatch       = "Only watch"
	wordBack        = "Back"
	wordCopy        = "Copy"
	wordCancel      = "Cancel"
	wordHandIn      = "Hand in"
	wordDismiss     = "Dismiss"
	wordPasteHere   = "Address on which the browser ended"
	wordOpenLink    = "Open in the browser"
	wordToDo        = "To do: %s"
	wordOneToken    = "1 credential"
	wordTokens      = "%d credentials"
	wordUnknownLeft = "end unknown"
	wordRow         = "%s, %s, %s, %s"
	wordCopied      = "%s is in the clipboard."
	wordCopyLink    = "Copy the address"
	wordLinkCopied  = "The address is in the clipboard."
	wordNoBrowser   = "No browser could be started. Copy the address and open it where there is one."
	wordTimeline    = "Timeline"
	wordMore        = "All %d in the history"
	wordPrints      = "refresh token %s, then %s"
	wordPrint       = "refresh token %s"
	wordFilter      = "Filter"
	wordFilterHint  = "Filter by name, word or fingerprint"
	wordNoEvents    = "Nothing to show."
	wordOpenRow     = "Open its page"
	wordNoProblems  = "There is nothing to do."
	wordOpenConfig  = "Open the file"
	wordNotPaused   = "Nothing is paused. A pause ends by itself."
	wordAddHome     = "Add"
	wordRemove      = "Remove"

	setPausing      = "Pausing"
	setRefreshing   = "Refreshing"
	setDesktop      = "Desktop"
	setHomes        = "Further homes"
	setFile         = "Settings file"
	setMode         = "Mode"
	setModeText     = "What may be done with credentials that have no mode of their own"
	setLeast        = "Lead, at least"
	setLeastText    = "So long before its end a token is refreshed, such as 10m"
	setMost         = "Lead, at most"
	setMostText     = "No earlier than this, such as 30m"
	setShare        = "Lead, in percent of the lifetime"
	setShareText    = "Between the two above, at most 50"
	setNotify       = "Notify when only a sign-in helps"
	setAtLogin      = "Start with the desktop"
	setHomesText    = "Where clients keep tokens besides their usual place"
	setHomeClient   = "Client"
	setHomePath     = "Folder"
	setHomePathHint = "~/work/.codex"
	setHomeName     = "Name"
	setHomeNameHint = "work"
	setHomeNameText = "Stands after the @ in its IDs; without it, the folder's name"
)

// modeWords are the modes of the settings, for people.
var modeWords = []string{"Keep fresh", "Only watch"}

func tokens(n int) string {
	if n == 1 {
		return wordOneToken
	}
	return fmt.Sprintf(wordTokens, n)
}

// capital begins a line with what goes on a sentence elsewhere.
func capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}
