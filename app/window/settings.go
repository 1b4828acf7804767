//go:build !darwin || cgo

package window

import (
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"lamplighter/app/model"
)

// Modes, as the config has them, in the order of modeWords.
var modes = []string{"keep", "watch-only"}

// A settingsPage sets what the config has. It tells each change at once and
// shows what comes back.
type settingsPage struct {
	w      *Window
	scroll *container.Scroll

	fault      *widget.Label
	faulty     fyne.CanvasObject
	rests      *widget.Label
	hour, day  *button
	resume     *button
	mode       *choice
	least      *field
	most       *field
	share      *field
	notify     *check
	login      *check
	loginFault *widget.Label
	unset      fyne.CanvasObject // holds loginFault
	homes      *homes
	file       *widget.Label
	open       *button
	groups     []fyne.CanvasObject // what there is only with Settings
}

func newSettingsPage(w *Window) *settingsPage {
	p := &settingsPage{w: w, scroll: container.NewVScroll(nil)}
	in := p.scroll
	p.fault = wrapped("")
	p.faulty = strip(theme.IconNameWarning, p.fault, nowhere())

	pause := func(do, value, text string) *button {
		return w.button(text, in, func() { w.send(model.Action{Do: do, Value: value}) })
	}
	p.rests = wrapped("")
	p.hour, p.day, p.resume = pause(model.PauseAll, "1h", wordPauseHour), pause(model.PauseAll, "tomorrow", wordPauseDay), pause(model.ResumeAll, "", wordResume)

	p.mode = w.choice(setMode, in, modeWords, func(word string) {
		for i, other := range modeWords {
			if other == word {
				w.set("mode", modes[i])
			}
		}
	})
	p.least = w.field(setLeast, "10m", in, func(v string) { w.set("lead.least", v) })
	p.most = w.field(setMost, "30m", in, func(v string) { w.set("lead.most", v) })
	p.share = w.field(setShare, "10", in, func(v string) { w.set("lead.share", fraction(v)) })
	p.notify = w.check(setNotify, in, func(on bool) { w.set("notifications", strconv.FormatBool(on)) })
	p.login = w.check(setAtLogin, in, func(on bool) {
		value := "off"
		if on {
			value = "on"
		}
		w.send(model.Action{Do: model.AtLogin, Value: value})
	})
	p.loginFault = wrapped("")
	p.loginFault.Importance = widget.LowImportance
	p.unset = fit(p.loginFault)
	p.homes = newHomes(w, in)
	p.file = wrapped("")
	p.file.Importance, p.file.Wrapping = widget.LowImportance, fyne.TextWrapWord
	p.open = w.button(wordOpenConfig, in, func() { w.send(model.Action{Do: model.OpenConfig}) })

	p.groups = []fyne.CanvasObject{
		groupOf(setRefreshing, setting(setMode, setModeText, outlined(p.mode)), setting(setLeast, setLeastText, p.least),
			setting(setMost, setMostText, p.most), setting(setShare, setShareText, p.share)),
		groupOf(setDesktop, fit(p.notify), newColumn(0.1, fit(p.login), p.unset)),
		groupOf(setHomes, p.homes.box),
		groupOf(setFile, fit(p.file), newLine(0, p.open)),
	}
	pageIn(in, wordSettings, append([]fyne.CanvasObject{p.faulty,
		groupOf(setPausing, fit(p.rests), newLine(0.5, p.hour, p.day, p.resume))}, p.groups...)...)
	return p
}

// set tells that a setting of the config is to have a value.
func (w *Window) set(name, value string) {
	w.send(model.Action{Do: model.Set, Name: name, Value: value})
}

func (p *settingsPage) object() fyne.CanvasObject { return p.scroll }

func (p *settingsPage) update(m *model.Model) {
	rests := m.Rests
	if rests == "" {
		rests = wordNotPaused
	}
	setText(p.rests, rests)
	setShown(p.resume, m.Rests != "")
	s := m.Settings
	for _, g := range p.groups {
		setShown(g, s != nil)
	}
	setShown(p.faulty, s != nil && s.Fault != "")
	if s != nil {
		p.login.quietly(m.AtLogin)
		p.show(s)
	}
	settle(p.scroll)
}

func (p *settingsPage) show(s *model.Settings) {
	setText(p.fault, s.Fault)
	for i, mode := range modes {
		if mode == s.Mode {
			p.mode.quietly(modeWords[i])
		}
	}
	p.least.quietly(s.LeadLeast)
	p.most.quietly(s.LeadMost)
	p.share.quietly(percent(s.LeadShare))
	p.notify.quietly(s.Notifications)
	if s.LoginFault != "" && !p.login.Disabled() {
		p.login.Disable()
	} else if s.LoginFault == "" && p.login.Disabled() {
		p.login.Enable()
	}
	setText(p.loginFault, s.LoginFault)
	setShown(p.unset, s.LoginFault != "")
	p.homes.update(s)
	setText(p.file, s.File)
}

// percent writes a share as people do, and fraction as the config does. What is
// no number is told as it is: the keeper says what is wrong with it.
func percent(share float64) string { return strconv.FormatFloat(share*100, 'g', 4, 64) }

func fraction(percent string) string {
	number := strings.Replace(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(percent), "%")), ",", ".", 1)
	v, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return percent
	}
	return strconv.FormatFloat(v/100, 'g', 6, 64)
}
