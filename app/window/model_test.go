//go:build !darwin || cgo

package window

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"lamplighter/app/model"
)

// many is a Model of n credentials.
func many(n int) *model.Model {
	m := sample()
	m.Rows = nil
	for i := range n {
		client := []string{"codex", "claude"}[i%2]
		m.Rows = append(m.Rows, sampleRow(client, client, fmt.Sprintf("server-%03d", i), "mcp.example.com", "fresh", "next refresh in 48 min", 58*time.Minute, time.Hour))
	}
	return m
}

func TestAModelKeepsFocusScrollAndWidgets(t *testing.T) {
	m := many(40)
	w, _ := open(t, m)
	o := w.pages[pageOverview].(*overview)
	r := o.rows[m.Rows[30].Key]
	w.win.Canvas().Focus(r)
	before := o.scroll.Offset
	if before.Y == 0 {
		t.Fatal("the page does not scroll")
	}
	next := many(40)
	next.Rows[3].State, next.Rows[3].Word, next.Rows[3].Reason = "retrying", "retrying", "no answer; next try in 30 s"
	w.Model(next)
	if o.rows[m.Rows[30].Key] != r || w.win.Canvas().Focused() != fyne.Focusable(r) || o.scroll.Offset != before {
		t.Errorf("after a Model: same row %v, focus %v, offset %v and before %v", o.rows[m.Rows[30].Key] == r, w.win.Canvas().Focused(), o.scroll.Offset, before)
	}
	if got := o.rows[next.Rows[3].Key].says.word.Text; got != "Retrying" {
		t.Errorf("the changed row says %q", got)
	}
}

func TestARowThatHasGoneGoes(t *testing.T) {
	w, _ := open(t, sample())
	w.openRow("codex/notion")
	m := sample()
	m.Rows = slices.DeleteFunc(m.Rows, func(r model.Row) bool { return r.Key == "codex/notion" })
	w.Model(m)
	if w.shown != pageOverview || w.pages[pageOverview].(*overview).rows["codex/notion"] != nil {
		t.Errorf("its page is still there: %q", w.shown)
	}
}

func TestTypingIsNotOverwrittenByAModel(t *testing.T) {
	w, sent := open(t, sample())
	w.show(pageSettings)
	f := w.pages[pageSettings].(*settingsPage).least
	w.win.Canvas().Focus(f)
	f.SetText("")
	test.Type(f, "15m")
	other := sample()
	other.Settings.LeadLeast = "12m"
	w.Model(other)
	if f.Text != "15m" {
		t.Errorf("the field has %q while it is edited", f.Text)
	}
	f.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	want(t, sent, model.Action{Do: model.Set, Name: "lead.least", Value: "15m"})
	w.win.Canvas().Unfocus()
	*sent = nil
	w.Model(other) // refused
	if f.Text != "12m" {
		t.Errorf("the field has %q, the Model 12m", f.Text)
	}
}

func TestLeavingAFieldSendsItOnce(t *testing.T) {
	w, sent := open(t, sample())
	w.show(pageSettings)
	f := w.pages[pageSettings].(*settingsPage).share
	w.win.Canvas().Focus(f)
	f.SetText("12,5 %")
	f.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	w.win.Canvas().Unfocus()
	want(t, sent, model.Action{Do: model.Set, Name: "lead.share", Value: "0.125"})
}

func TestAModelIsNotAnActionOfAPerson(t *testing.T) {
	w, sent := open(t, sample())
	w.show(pageSettings)
	m := sample()
	m.AtLogin = true
	m.Settings.Mode, m.Settings.Notifications, m.Settings.LeadMost = "watch-only", false, "45m"
	w.Model(m)
	want(t, sent)
	p := w.pages[pageSettings].(*settingsPage)
	if p.mode.Selected != modeWords[1] || p.notify.Checked || !p.login.Checked || p.most.Text != "45m" {
		t.Error("the settings do not show the Model")
	}
}

func TestSettingsAreSentAtOnce(t *testing.T) {
	w, sent := open(t, sample())
	w.show(pageSettings)
	p := w.pages[pageSettings].(*settingsPage)
	p.mode.SetSelected(modeWords[1])
	test.Tap(p.notify)
	test.Tap(p.login)
	test.Tap(p.hour)
	test.Tap(p.open)
	want(t, sent, model.Action{Do: model.Set, Name: "mode", Value: "watch-only"},
		model.Action{Do: model.Set, Name: "notifications", Value: "false"}, model.Action{Do: model.AtLogin, Value: "on"},
		model.Action{Do: model.PauseAll, Value: "1h"}, model.Action{Do: model.OpenConfig})
}

func TestAHomeIsAddedAndRemoved(t *testing.T) {
	w, sent := open(t, sample())
	w.show(pageSettings)
	h := w.pages[pageSettings].(*settingsPage).homes
	test.Tap(h.add)
	want(t, sent) // nothing is whole yet
	h.client.SetSelected("claude")
	h.path.SetText("~/other")
	test.Tap(h.add)
	added := model.Home{Client: "claude", Path: "~/other"}
	want(t, sent, model.Action{Do: model.AddHome, Home: &added})
	w.said("~/other is no folder")
	if h.path.Text != "~/other" {
		t.Error("what was refused has to be typed again")
	}
	m := sample()
	m.Settings.Homes = append(m.Settings.Homes, added)
	w.Model(m)
	if h.path.Text != "" || len(h.list.Objects) != 2 {
		t.Error("what was taken stays in the form")
	}
	press(t, w, wordRemove+" ~/work/.codex")
	want(t, sent, model.Action{Do: model.RemoveHome, Home: &m.Settings.Homes[0]})
}

func TestAPastedAddressIsHandedIn(t *testing.T) {
	m := sample()
	m.SignIn = &model.SignIn{Key: "claude/slack", Text: "sign in", URL: "https://example.com/", Paste: true}
	w, sent := open(t, m)
	w.signIn.paste.SetText("http://127.0.0.1:3118/callback?code=EXAMPLE")
	w.Model(m)
	press(t, w, wordHandIn)
	press(t, w, wordCancel)
	want(t, sent, model.Action{Do: model.Paste, Key: "claude/slack", Value: "http://127.0.0.1:3118/callback?code=EXAMPLE"}, model.Action{Do: model.CancelLogin})
	w.Model(sample())
	if w.signIn.box.Visible() || w.signIn.paste.Text != "" {
		t.Error("the banner stays when the sign-in is over")
	}
}

func TestTheTimeLeftGoesByWithEachModel(t *testing.T) {
	w, _ := open(t, sample())
	m := sample()
	m.At = noon.Add(30 * time.Minute)
	for i := range m.Rows {
		m.Rows[i].Left = "28 min left"
	}
	w.Model(m)
	b := w.pages[pageOverview].(*overview).rows["codex/notion"].bar
	if b.text != "28 min left" || b.share < 0.46 || b.share > 0.47 {
		t.Errorf("half an hour later the bar says %q, %v", b.text, b.share)
	}
}

func TestAThousandModelsDrawTheLast(t *testing.T) {
	w, _ := open(t, sample())
	for i := range 1000 {
		m := sample()
		m.Summary = fmt.Sprint("number ", i)
		w.Hand(model.Message{Model: m})
	}
	w.Hand(model.Message{Show: &model.Show{Page: pageHistory}})
	w.take()
	if got := w.model.Summary; got != "number 999" || w.shown != pageHistory {
		t.Errorf("shows %q on %q", got, w.shown)
	}
}

func TestANameCannotLookLikeAnother(t *testing.T) {
	m := sample()
	m.Rows[0].Title = "x\u202egnp.exe\n\ttab"
	m.Rows[0].SignIn = "codex mcp login x\nrm -r ."
	m.Rows[0].Key = "k\n"
	m.Settings.Homes[0].Path = "~/odd\t"
	w, sent := open(t, m)
	r := w.pages[pageOverview].(*overview).rows["k\n"]
	if r == nil || r.title.Text != "xgnp.exe  tab" || r.data.SignIn != "codex mcp login x rm -r ." {
		t.Fatalf("the row is %+v", r)
	}
	w.show(pageSettings)
	press(t, w, wordRemove+" ~/odd\t")
	want(t, sent, model.Action{Do: model.RemoveHome, Home: &m.Settings.Homes[0]})
}
