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
)

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
