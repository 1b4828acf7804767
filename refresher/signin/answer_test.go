package signin

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lamplighter/refresher/authtest"
)

func TestOnlyTheAnswerToThisSignInIsTakenAndOnce(t *testing.T) {
	l := newLab(t, authtest.Options{})
	f := l.begin()
	right := back(t, f)
	with := func(change func(*url.URL, url.Values)) string {
		u, q := *right, right.Query()
		change(&u, q)
		u.RawQuery = q.Encode()
		return u.String()
	}
	for what, test := range map[string]struct {
		address string
		want    int
	}{
		"another path":   {with(func(u *url.URL, _ url.Values) { u.Path = "/favicon.ico" }), http.StatusNotFound},
		"a longer path":  {with(func(u *url.URL, _ url.Values) { u.Path += "/more" }), http.StatusNotFound},
		"another state":  {with(func(_ *url.URL, q url.Values) { q.Set("state", q.Get("state")+"x") }), http.StatusBadRequest},
		"no state":       {with(func(_ *url.URL, q url.Values) { q.Del("state") }), http.StatusBadRequest},
		"an empty state": {with(func(_ *url.URL, q url.Values) { q.Set("state", "") }), http.StatusBadRequest},
	} {
		if status, _ := browse(t, test.address); status != test.want {
			t.Errorf("%s: status %d, want %d", what, status, test.want)
		}
	}
	r, err := http.Post(right.String(), "text/plain", strings.NewReader("x"))
	if err != nil || r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %v", err)
	}
	r.Body.Close()
	select {
	case a := <-f.answered:
		t.Fatalf("one of these was taken: %v", a.err)
	default:
	}
	if status, _ := browse(t, right.String()); status != http.StatusOK {
		t.Errorf("the right one: status %d", status)
	}
	status, page := browse(t, with(func(_ *url.URL, q url.Values) { q.Set("code", "another-EXAMPLE") }))
	if status != http.StatusConflict || strings.Contains(page, "EXAMPLE") {
		t.Errorf("the next: status %d, %s", status, page)
	}
	in, err := f.Wait(t.Context())
	if err != nil || in.Code.Value.Reveal() != right.Query().Get("code") {
		t.Errorf("%v", err)
	}
}

func TestAPageShowsNothingOfWhatCame(t *testing.T) {
	l := newLab(t, authtest.Options{})
	f := l.begin()
	u := back(t, f)
	q := u.Query()
	q.Set("error", "<script>x</script>")
	u.RawQuery = q.Encode()
	resp, err := http.Get(u.String())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	for name, want := range map[string]string{"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
		if resp.Header.Get(name) != want {
			t.Errorf("%s is %q", name, resp.Header.Get(name))
		}
	}
	if _, page := browse(t, u.String()); strings.Contains(page, "script") {
		t.Error("it does")
	}
}

func TestAPastedAddressIsAnAnswerTooAndAMistakeIsNone(t *testing.T) {
	for _, form := range []func(u *url.URL) string{
		func(u *url.URL) string { return u.String() },
		func(u *url.URL) string { return " \"" + u.String() + "\"\r" },
		func(u *url.URL) string { return "<" + u.String() + ">" },
		func(u *url.URL) string { return "?" + u.RawQuery },
		func(u *url.URL) string { return u.RawQuery },
		func(u *url.URL) string { return "myapp:/back?" + u.RawQuery },
		func(u *url.URL) string { return u.Scheme + "://" + u.Host + u.Path + "#" + u.RawQuery },
	} {
		l := newLab(t, authtest.Options{})
		f := l.begin()
		u := back(t, f)
		for _, wrong := range []string{"", "y", u.Query().Get("code"), f.URL(), "http://127.0.0.1/callback?code=x&state=y", "http://%zz"} {
			err := f.Paste(wrong)
			if err == nil {
				t.Errorf("%q is taken", wrong)
			} else if strings.Contains(err.Error(), u.Query().Get("code")) {
				t.Error("the code is in the error")
			}
		}
		if err := f.Paste(form(u)); err != nil {
			t.Errorf("%v", err)
		}
		if in, err := f.Wait(t.Context()); err != nil || in.Code.Value.Reveal() != u.Query().Get("code") {
			t.Errorf("%v", err)
		}
	}
}

func TestNobodyElseCanReachTheListener(t *testing.T) {
	for redirect, want := range map[string]int{
		"http://127.0.0.1/callback": 1, "http://localhost/callback": 2, "http://[::1]/cb": 1, "http://127.0.0.1": 1,
	} {
		if strings.Contains(redirect, "::1") && !has6(t) {
			continue
		}
		if want == 2 && !has6(t) {
			want = 1
		}
		l, err := listen(redirect, false)
		if err != nil {
			t.Fatal(err)
		}
		if len(l.sockets) != want {
			t.Errorf("%s: %d sockets, want %d", redirect, len(l.sockets), want)
		}
		for _, s := range l.sockets {
			if a := s.Addr().(*net.TCPAddr); !a.IP.IsLoopback() {
				t.Errorf("%s: listens on %s", redirect, a)
			}
		}
		before, _ := url.Parse(redirect)
		after, err := url.Parse(l.redirect)
		if err != nil || after.Hostname() != before.Hostname() || after.Port() == "" {
			t.Errorf("%s became %s", redirect, l.redirect)
		}
		l.close()
	}
	for _, redirect := range []string{"https://app.example/callback", "http://192.0.2.1:80/cb", "myapp:/cb", "https://127.0.0.1/cb", "http://localhost.example/cb"} {
		if l, err := listen(redirect, true); l != nil || err != nil {
			t.Errorf("%s: listens, %v", redirect, err)
		}
	}
}

func TestAnAnswerThatCannotComeHereIsPasted(t *testing.T) {
	l := newLab(t, authtest.Options{})
	l.c.RedirectURI = "https://app.example/callback"
	f := l.begin()
	if f.Listens() || query(t, f).Get("redirect_uri") != l.c.RedirectURI {
		t.Errorf("listens: %v, redirects to %s", f.Listens(), query(t, f).Get("redirect_uri"))
	}
	if err := f.Paste(back(t, f).String()); err != nil {
		t.Error(err)
	}
	if _, err := f.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}
