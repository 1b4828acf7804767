//go:build !darwin || cgo

package window

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// A saying is a state's word in its colour, and the sentence that goes with it.
type saying struct {
	widget.RichText
	word, reason *widget.TextSegment
}

func newSaying() *saying {
	style := widget.RichTextStyle{Inline: true, ColorName: theme.ColorNameForeground, SizeName: theme.SizeNameText}
	strong := style
	strong.TextStyle = fyne.TextStyle{Bold: true}
	s := &saying{word: &widget.TextSegment{Style: strong}, reason: &widget.TextSegment{Style: style}}
	s.Segments = []widget.RichTextSegment{s.word, s.reason}
	s.Wrapping, s.Scroll = fyne.TextWrapWord, container.ScrollNone
	s.ExtendBaseWidget(s)
	return s
}

func (s *saying) set(word, reason string, color fyne.ThemeColorName) {
	if reason != "" {
		reason = " · " + reason
	}
	if s.word.Text == word && s.reason.Text == reason && s.word.Style.ColorName == color {
		return
	}
	s.word.Text, s.word.Style.ColorName, s.reason.Text = word, color, reason
	s.Refresh()
}
