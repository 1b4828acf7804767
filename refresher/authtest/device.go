package authtest

import (
	"net/http"
	"time"
)

// DeviceFlow is how the server treats device codes (RFC 8628).
type DeviceFlow struct {
	Devices        bool          // there is a device authorization endpoint
	DeviceInterval time.Duration // between two polls at least; zero is one second
	DevicePolls    int           // so many polls find that the person has not agreed yet
	DeviceDenied   bool          // and then he refuses
	DeviceLifetime time.Duration // zero is five minutes
}

type device struct {
	client *client
	scope  string
	born   time.Time
	polled time.Time
	polls  int
	over   bool // it was exchanged, or refused
}

// authorizeDevice is the device authorization endpoint (RFC 8628 section 3.1).
func (s *Server) authorizeDevice(x *exchange) Answer {
	if x.Method != http.MethodPost {
		return *Status(http.StatusMethodNotAllowed)
	}
	c, refusal := s.authenticate(x)
	if refusal != nil {
		return *refusal
	}
	code := "dc-" + random()
	s.seen(code)
	s.devices[code] = &device{client: c, scope: x.form.Get("scope"), born: time.Now()}
	x.entry.Verdict = "device code issued"
	at := s.issuer() + "/device"
	return jsonAnswer(http.StatusOK, map[string]any{
		"device_code": code, "user_code": "WDJB-MJHT", "verification_uri": at, "verification_uri_complete": at + "?user_code=WDJB-MJHT",
		"expires_in": int(s.options.deviceLifetime().Seconds()), "interval": s.options.deviceInterval().Seconds(),
	})
}

// redeemDevice answers a poll (RFC 8628 section 3.5).
func (s *Server) redeemDevice(x *exchange, c *client) Answer {
	d := s.devices[x.form.Get("device_code")]
	o := s.options
	if d == nil || d.client != c || d.over {
		return s.refuse(x, Refusal{Code: "invalid_grant"}, "unknown or used device code")
	}
	soon := time.Since(d.polled) < o.deviceInterval()-50*time.Millisecond
	d.polled = time.Now()
	d.polls++
	switch {
	case time.Since(d.born) > o.deviceLifetime():
		return s.refuse(x, Refusal{Code: "expired_token"}, "device code expired")
	case soon:
		return s.refuse(x, Refusal{Code: "slow_down"}, "polled too soon")
	case d.polls <= o.DevicePolls:
		return s.refuse(x, Refusal{Code: "authorization_pending"}, "not agreed yet")
	case o.DeviceDenied:
		d.over = true
		return s.refuse(x, Refusal{Code: "access_denied"}, "denied")
	}
	d.over = true
	l := s.newLineage(c, or(d.scope, "read"), s.resourceID(), nil)
	x.entry.Grant, x.entry.Verdict = l.id, "signed in"
	var rt *refreshToken
	if !o.OfflineOnly || subset("offline_access", d.scope) {
		rt = s.issueRefresh(l, nil)
	}
	return s.success(x, s.issueAccess(l, l.scope), nil, rt)
}

func (f DeviceFlow) deviceInterval() time.Duration {
	if f.DeviceInterval == 0 {
		return time.Second
	}
	return f.DeviceInterval
}

func (f DeviceFlow) deviceLifetime() time.Duration {
	if f.DeviceLifetime == 0 {
		return 5 * time.Minute
	}
	return f.DeviceLifetime
}
