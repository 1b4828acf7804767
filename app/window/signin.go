//go:build !darwin || cgo

package window

import (
	"fmt"
	"net/url"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"lamplighter/app/model"
)

// A signIn is the banner over every page while a sign-in waits for a person.
type signIn struct {
	w     *Window
	box   fyne.CanvasObject
	data  model.SignIn
	id    *widget.Label
	text  *widget.Label
	link  *widget.Label
	where fyne.CanvasObject
	open  *button
	copy  *button
	paste *field
	hand  *button
	ended fyne.CanvasObject // the field and its button
}

func newSignIn(w *Window) *signIn {
	s := &signIn{w: w}
	s.id = widget.NewLabelWithStyle("", fyne.TextAlignLeading, fyne.TextStyle{Bold: true})
	s.id.Wrapping = fyne.TextWrapWord
	s.text = wrapped("")
	s.link = widget.NewLabel("")
	s.link.Importance, s.link.Truncation = widget.LowImportance, fyne.TextTruncateEllipsis
	s.where = fit(s.link)
	s.open = w.button(wordOpenLink, nil, s.browse)
	s.open.Importance = widget.HighImportance
	s.copy = w.button(wordCopyLink, nil, func() {
		w.app.Clipboard().SetContent(s.data.URL)
		w.said(wordLinkCopied)
	})
	cancel := w.button(wordCancel, nil, func() { w.send(model.Action{Do: model.CancelLogin}) })
	s.paste = w.field(wordPasteHere, wordPasteHere, nil, nil)
	s.paste.OnSubmitted = func(string) { s.send() }
	s.hand = w.button(wordHandIn, nil, s.send)
	s.ended = container.NewBorder(nil, nil, nil, s.hand, s.paste)
	icon := widget.NewIcon(theme.NewColoredResource(theme.LoginIcon(), toneWarm.text))
	body := newColumn(0.5, fit(s.id), fit(s.text), s.where, s.ended, newLine(0.5, s.open, s.copy, cancel))
	s.box = container.New(margin{1, 1.8, 0, 1.8}, container.NewStack(newCard(toneWarm.fill), container.NewStack(newMargin(0.12, 0.12, newCard(colorCard)), newMargin(0.9, 1.1, container.New(heading{2.4}, icon, body)))))
	s.box.Hide()
	return s
}

// send hands in the address on which the browser ended.
func (s *signIn) send() {
	if s.paste.Text != "" {
		s.w.send(model.Action{Do: model.Paste, Key: s.data.Key, Value: s.paste.Text})
	}
}

// browse opens the address; nothing but a page of the web.
func (s *signIn) browse() {
	if u := webPage(s.data.URL); u != nil {
		if err := s.w.app.OpenURL(u); err != nil {
			s.w.said(wordNoBrowser)
		}
	}
}

func webPage(address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return nil
	}
	return u
}

func (s *signIn) update(m *model.Model) {
	setShown(s.box, m.SignIn != nil)
	if m.SignIn == nil {
		s.data = model.SignIn{}
		if s.paste.Text != "" {
			s.paste.SetText("")
		}
		return
	}
	s.data = *m.SignIn
	setText(s.id, fmt.Sprintf(wordSigningIn, s.data.Title))
	setText(s.text, s.data.Text)
	setText(s.link, s.data.URL)
	setShown(s.where, s.data.URL != "")
	setShown(s.open, webPage(s.data.URL) != nil)
	setShown(s.copy, s.data.URL != "")
	setShown(s.ended, s.data.Paste)
}
