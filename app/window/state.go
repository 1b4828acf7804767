//go:build !darwin || cgo

package window

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"lamplighter/app/model"
)

// A mark is how a state is told apart without its word, and without colour by
// the icon and the bar's pattern.
type mark struct {
	tone
	icon    fyne.ThemeIconName
	pattern pattern
}

var marks = map[string]mark{
	"fresh":          {toneGood, theme.IconNameConfirm, solid},
	"refreshing":     {toneGood, theme.IconNameViewRefresh, solid},
	"retrying":       {toneWarm, theme.IconNameViewRefresh, solid},
	"deferred":       {toneWarm, theme.IconNameHistory, solid},
	"unsaved":        {toneBad, theme.IconNameDocumentSave, hatched},
	"misconfigured":  {toneBad, theme.IconNameWarning, hatched},
	"sign-in-needed": {toneBad, theme.IconNameLogin, hatched},
	"cannot-refresh": {toneCalm, theme.IconNameHistory, dotted},
	"watch-only":     {toneCalm, theme.IconNameVisibility, dotted},
	"paused":         {toneCalm, theme.IconNameMediaPause, dotted},
}

// markOf is how a Row is drawn. What needs a person looks so in any state.
func markOf(r model.Row) mark {
	m, ok := marks[r.State]
	if !ok {
		m = mark{toneCalm, theme.IconNameQuestion, dotted}
	}
	if r.NeedsYou {
		m.tone, m.pattern = toneBad, hatched
	}
	return m
}

// drawing is the icon in the state's colour.
func (m mark) drawing() fyne.Resource {
	return theme.NewColoredResource(theme.DefaultTheme().Icon(m.icon), m.text)
}
