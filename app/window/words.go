//go:build !darwin || cgo

package window

import (
	"fmt"
	"time"
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

	wordSignInAgain = "Sign in again"
	wordRefresh     = "Refresh now"
	wordSignIn      = "Sign in"
	wordCopyToken   = "Copy access token"
	wordPause       = "Pause"
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
	wordPausedAll   = "Everything is paused until %s."
	wordOneToken    = "1 credential"
	wordTokens      = "%d credentials"
	wordUnknownLeft = "end unknown"
	wordLeft        = "%s left"
	wordEnded       = "ended"
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
	wordIn          = "in %s"
	wordAgo         = "%s ago"

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

// stateWords are the states, as status has them, for people.
var stateWords = map[string]string{
	"fresh":          "Fresh",
	"refreshing":     "Refreshing",
	"retrying":       "Retrying",
	"deferred":       "Deferred",
	"unsaved":        "Unsaved",
	"misconfigured":  "Misconfigured",
	"sign-in-needed": "Sign-in needed",
	"cannot-refresh": "Cannot refresh",
	"watch-only":     "Watch-only",
	"paused":         "Paused",
	"unknown":        "Unknown",
}

// stateWord is a state for people; one of a newer keeper is shown as it is.
func stateWord(state string) string {
	if word, ok := stateWords[state]; ok {
		return word
	}
	return state
}

func tokens(n int) string {
	if n == 1 {
		return wordOneToken
	}
	return fmt.Sprintf(wordTokens, n)
}

// span writes a duration as status does.
func span(d time.Duration) string {
	if d = d.Abs().Round(time.Second); d >= time.Minute {
		d = d.Round(time.Minute)
	}
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		h, m := int(d.Hours()), int(d.Minutes())%60
		if h >= 10 || m == 0 {
			return fmt.Sprintf("%d h", h)
		}
		return fmt.Sprintf("%d h %d min", h, m)
	case d < 2*365*24*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
	return fmt.Sprintf("%d years", int(d.Hours()/24/365))
}

// moment is an absolute local time.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("Mon 2 Jan 2006 15:04:05")
}

// clock is a time of day, with the day where it is not today.
func clock(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04")
	}
	return t.Format("Mon 2 Jan 15:04")
}
