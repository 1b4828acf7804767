package e2e

import (
	"encoding/json"
	"os"
	"testing"

	"lamplighter/credfiles"
	"lamplighter/lab"
	"lamplighter/lab/desktop"
	"lamplighter/refresher/authtest"
)

// logOut removes an entry from the store of Claude Code.
func (d *desk) logOut(name string, line *lab.Line) {
	d.T.Helper()
	text, err := os.ReadFile(line.Store)
	if err != nil {
		d.T.Fatal(err)
	}
	var doc map[string]json.RawMessage
	var entries map[string]json.RawMessage
	if err = json.Unmarshal(text, &doc); err == nil {
		err = json.Unmarshal(doc["mcpOAuth"], &entries)
	}
	if err != nil {
		d.T.Fatal(err)
	}
	before := len(entries)
	delete(entries, credfiles.EntryKey(name, line.Grant.ServerURL))
	if len(entries) != before-1 {
		d.T.Fatal(line.ID, " is not in its store")
	}
	doc["mcpOAuth"], _ = json.Marshal(entries)
	text, _ = json.Marshal(doc)
	d.rewrite(line.Store, string(text))
}

// line waits for a line of the menu.
func (d *desk) line(item *desktop.Item, labels ...string) (found desktop.Line) {
	d.T.Helper()
	d.until(labels[0], func() bool {
		line, ok := item.Open().Find(labels...)
		found = line
		return ok
	})
	return found
}

// A person reads the menu, then credentials come and go, then comes the click.
func TestAClickActsOnWhatWasShownOrOnNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := authtest.New(t, authtest.Options{})
	alpha := d.Claude("alpha", s, authtest.GrantOptions{})
	beta := d.Claude("beta", s, authtest.GrantOptions{})
	gamma := d.Claude("gamma", s, authtest.GrantOptions{})
	panel := d.bus.Panel()
	d.start()
	item := panel.Item()
	ofAlpha := d.line(item, "alpha: ...", "Refresh now")
	ofBeta := d.line(item, "beta: ...", "Refresh now")

	aaron := d.Claude("aaron", s, authtest.GrantOptions{}) // who will stand where alpha stood
	d.logOut("alpha", alpha)
	d.shows(item, "aaron: ")
	d.hides(item, "alpha: ")
	if err := ofAlpha.Click(); err == nil {
		t.Error("a line that has gone takes a click")
	}
	if err := ofBeta.Click(); err != nil {
		t.Error("a line that is still shown, elsewhere, takes no click: ", err)
	}
	d.until("beta is refreshed", func() bool {
		c, ok := d.Stored(beta)
		return ok && c.Access.Reveal() != beta.Grant.AccessToken
	})
	d.quit() // which waits for whatever else was begun
	for _, line := range []*lab.Line{alpha, gamma, aaron} {
		if n := s.TokenPosts(line.Grant.ID); n > 0 {
			t.Errorf("%s: %d requests by clicks on others", line.ID, n)
		}
	}
	if n := s.TokenPosts(beta.Grant.ID); n != 1 {
		t.Errorf("%s: %d requests by one click", beta.ID, n)
	}
}

func TestAClickOnTheUrgentLineOfAnotherIsNone(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := authtest.New(t, authtest.Options{})
	alpha := d.Claude("alpha", s, authtest.GrantOptions{})
	beta := d.Claude("beta", s, authtest.GrantOptions{})
	panel := d.bus.Panel()
	d.start()
	item := panel.Item()
	d.shows(item, "beta: ")
	d.dies(s, beta)
	ofBeta := d.line(item, "Sign in to beta (Claude Code)…")
	d.dies(s, alpha) // whose line comes first now
	d.line(item, "Sign in to alpha (Claude Code)…")
	if err := ofBeta.Click(); err != nil {
		t.Fatal(err)
	}
	d.signedIn(s, beta)
	d.hides(item, "Show the browser again") // which stands for it meanwhile: it does the same
	d.hides(item, "Sign in to beta")
	if err := ofBeta.Click(); err == nil {
		t.Error("a line that has gone takes a click")
	}
	d.quit()
	if n := len(s.Grants()); n != 3 {
		t.Errorf("%d sign-ins", n-2)
	}
	if c, ok := d.Stored(alpha); !ok || c.Access.Reveal() != alpha.Grant.AccessToken {
		t.Error("the click on beta changed alpha")
	}
}

// Copy is done by a program that gets the token where nobody else can read it.
func TestTheAccessTokenIsCopiedAndStandsNowhereElse(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := authtest.New(t, authtest.Options{})
	slack := d.Claude("slack", s, authtest.GrantOptions{})
	link(t, d.path, "xclip")
	clipboard := d.Path("clipboard")
	d.env = append(d.env, "DISPLAY=:EXAMPLE", clipboardVariable+"="+clipboard)
	panel := d.bus.Panel()
	d.start("--at-login") // without a window
	panel.Item().Click("slack: ...", "Copy access token")
	want := "-selection clipboard\n" + slack.Grant.AccessToken
	d.until("the token is on xclip's stdin, and not among its arguments", func() bool {
		text, _ := os.ReadFile(clipboard)
		return string(text) == want
	})
	os.Remove(clipboard)
	d.quit()
	d.well()
}
