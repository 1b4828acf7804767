//go:build !darwin || cgo

package window

import (
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"lamplighter/app/model"
)

// A summary is the head of the overview: how things are, and what this desktop
// or a running program lacks.
type summary struct {
	box    fyne.CanvasObject
	text   *widget.Label
	paused *widget.Label
	resume *button
	begin  *button
	watch  fyne.CanvasObject
	rests  fyne.CanvasObject
	notes  *notes
}

func newSummary(w *Window, in *container.Scroll) *summary {
	s := &summary{notes: newNotes()}
	s.text = widget.NewLabelWithStyle(wordWaiting, fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	s.text.SizeName, s.text.Wrapping = theme.SizeNameHeadingText, fyne.TextWrapWord
	s.paused = widget.NewLabel("")
	s.paused.Wrapping = fyne.TextWrapWord
	s.resume = w.button(wordResume, in, func() { w.send(model.Action{Do: model.ResumeAll}) })
	s.begin = w.button(wordBegin, in, func() { w.send(model.Action{Do: model.Begin}) })
	s.resume.Importance, s.begin.Importance = widget.HighImportance, widget.HighImportance
	watch := widget.NewLabel(wordWatchNotice)
	watch.Wrapping = fyne.TextWrapWord
	s.rests = strip(theme.IconNameMediaPause, s.paused, s.resume)
	s.watch = strip(theme.IconNameVisibility, watch, s.begin)
	s.rests.Hide()
	s.watch.Hide()
	s.box = newColumn(0.6, fit(s.text), s.rests, s.watch, s.notes.box)
	return s
}

func (s *summary) update(m *model.Model) {
	setText(s.text, m.Summary)
	if m.Rests != "" {
		setText(s.paused, m.Rests)
	}
	setShown(s.rests, m.Rests != "")
	setShown(s.watch, m.Begun && m.Rests == "" && m.Settings != nil && m.Settings.Mode == "watch-only")
	s.notes.set(slices.Concat(m.Restarts, m.Notes))
}

// strip is a quiet line with an icon, and perhaps a button at its end.
func strip(icon fyne.ThemeIconName, text *widget.Label, end fyne.CanvasObject) fyne.CanvasObject {
	picture := widget.NewIcon(theme.NewColoredResource(theme.DefaultTheme().Icon(icon), toneCalm.text))
	return container.NewStack(newCard(colorTrack), newMargin(0.45, 0.9, container.New(stripLayout{}, picture, fit(text), end)))
}

// notes are short sentences, one under the other.
type notes struct {
	box   *fyne.Container
	shown string
}

func newNotes() *notes { return &notes{box: newColumn(0.4)} }

func (n *notes) set(texts []string) {
	if joined := strings.Join(texts, "\n"); joined != n.shown {
		n.shown = joined
		n.box.Objects = nil
		for _, text := range texts {
			label := widget.NewLabel(text)
			label.Wrapping = fyne.TextWrapWord
			n.box.Add(strip(theme.IconNameInfo, label, nowhere()))
		}
		n.box.Refresh()
	}
	setShown(n.box, len(texts) > 0)
}
