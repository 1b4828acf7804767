package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/discovery"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// A Device is a sign-in by device code (RFC 8628): a person goes to an address
// with whatever browser there is and enters a code, while we ask the server
// again and again.
type Device struct {
	UserCode string // what the person enters
	URL      string // where
	Complete string // where nothing has to be entered; empty where the server has no such address

	sign     refresher.SignIn
	interval time.Duration
	end      time.Time
}

// longestDevice bounds a device code's life, whatever the server says.
const longestDevice = 30 * time.Minute

// BeginDevice asks for a device code. An error is for people and says what to
// do, or is one of [discovery]'s.
func BeginDevice(ctx context.Context, f *discovery.Finder, c credfiles.Credential) (*Device, error) {
	place, err := f.SignIn(ctx, c.Grant)
	if err != nil {
		return nil, err
	}
	b := beginning{via: f.RoundTripper(c.Grant), c: c, place: place}
	b.reg = ledger.Registration{Issuer: place.Issuer, ClientID: c.ClientID, Secret: c.ClientSecret}
	if err := b.plan(c.AuthMethod); err != nil {
		return nil, err
	}
	scopes, _ := exchange.Asking(c.Grant, b.server(), b.scopes())
	answer := exchange.Begin(ctx, b.via, b.post, place.DeviceURL, strings.Join(scopes, " "), c.ClientSecret)
	var said struct {
		DeviceCode string  `json:"device_code"`
		UserCode   string  `json:"user_code"`
		URL        string  `json:"verification_uri"`
		Complete   string  `json:"verification_uri_complete"`
		Google     string  `json:"verification_url"` // as Google wrote it before the RFC
		ExpiresIn  float64 `json:"expires_in"`
		Interval   float64 `json:"interval"`
	}
	host := hostOf(place.DeviceURL)
	if answer.Status/100 != 2 || json.Unmarshal(answer.Body, &said) != nil || said.DeviceCode == "" || said.UserCode == "" {
		return nil, noDevice(host, exchange.Judge(b.post, answer), answer)
	}
	if said.URL == "" {
		said.URL = said.Google
	}
	at, err := discovery.CheckURL(said.URL, said.URL)
	if err != nil {
		return nil, fmt.Errorf("%s names no address where a person could enter the code", host)
	}
	d := &Device{
		UserCode: codeFor(said.UserCode), URL: at.String(),
		interval: max(time.Duration(said.Interval*float64(time.Second)), time.Second),
		end:      time.Now().Add(min(longestDevice, time.Duration(said.ExpiresIn*float64(time.Second)))),
	}
	if whole, err := discovery.CheckURL(said.Complete, said.URL); said.Complete != "" && err == nil {
		d.Complete = whole.String()
	}
	if said.Interval == 0 {
		d.interval = 5 * time.Second // RFC 8628 section 3.2
	}
	d.sign = refresher.SignIn{Registration: b.reg, Post: b.post, Code: exchange.Code{Value: credfiles.NewSecret(said.DeviceCode), Device: true}}
	return d, nil
}

// codeFor is a user code as it may be shown: RFC 8628 section 6.1 wants letters
// or digits that a person can type.
func codeFor(code string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' || r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return -1
	}, code[:min(64, len(code))])
}

// noDevice says why there is no device code.
func noDevice(host string, v exchange.Verdict, a exchange.Answer) error {
	if v.Kind == exchange.Later && a.Status == 0 {
		return &discovery.TemporaryError{URL: host, Err: errors.New(v.Code)}
	}
	said := strings.TrimSpace(v.Code + " " + v.Detail)
	if a.Status/100 == 2 {
		said = "its answer is none"
	}
	return fmt.Errorf("%s gave no device code (%s); check client_id and the scopes, and that the client may use the device flow", host, said)
}

// Wait presents the device code by redeem until the person has agreed or not,
// or the code has ended. A server that is not reached meanwhile is asked again.
func (d *Device) Wait(ctx context.Context, redeem func(refresher.SignIn) refresher.Outcome) (refresher.Outcome, error) {
	for {
		select {
		case <-ctx.Done():
			return refresher.Outcome{}, context.Cause(ctx)
		case <-time.After(d.interval):
		}
		if time.Now().After(d.end) {
			return refresher.Outcome{}, errors.New("nobody entered the code in time; nothing was changed, so just try again")
		}
		out := redeem(d.sign)
		more, pending := out.Answer.Pending()
		unclear := out.Did == refresher.Failed && (out.Answer.Kind == exchange.Later || out.Answer.Kind == exchange.Ambiguous)
		switch {
		case pending:
			d.interval += more
		case !unclear:
			return out, nil
		}
	}
}
