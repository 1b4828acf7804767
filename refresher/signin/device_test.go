package signin

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/discovery"
	"lamplighter/refresher/exchange"
)

// byDevice runs a test with a device code of a server in a bubble.
func byDevice(t *testing.T, o authtest.DeviceFlow, test func(t *testing.T, s *authtest.Server, d *Device, redeem func(refresher.SignIn) refresher.Outcome)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o.Devices = true
		s := authtest.New(t, authtest.Options{Memory: true, DeviceFlow: o})
		s.AddClient("tv", "")
		c := credfiles.Credential{Own: true, Grant: credfiles.Grant{
			GrantType: credfiles.ByDevice, Issuer: s.Issuer(), ClientID: "tv", Scopes: []string{"read"},
		}}
		f := &discovery.Finder{Transport: s.Transport()}
		d, err := BeginDevice(t.Context(), f, c)
		if err != nil {
			t.Fatal(err)
		}
		test(t, s, d, func(in refresher.SignIn) refresher.Outcome {
			answer := exchange.Redeem(t.Context(), s.Transport(), in.Post, in.Code, in.Registration.Secret)
			v := exchange.Judge(in.Post, answer)
			if v.Kind == exchange.Refreshed {
				return refresher.Outcome{Did: refresher.SignedIn, Answer: v}
			}
			return refresher.Outcome{Did: refresher.Failed, Answer: v}
		})
	})
}

func TestADeviceCodeIsAskedAboutUntilThePersonAgrees(t *testing.T) {
	byDevice(t, authtest.DeviceFlow{DevicePolls: 3, DeviceInterval: 5 * time.Second}, func(t *testing.T, s *authtest.Server, d *Device, redeem func(refresher.SignIn) refresher.Outcome) {
		if d.UserCode != "WDJB-MJHT" || !strings.HasSuffix(d.URL, "/device") || !strings.HasPrefix(d.Complete, d.URL) {
			t.Errorf("%q at %q, or %q", d.UserCode, d.URL, d.Complete)
		}
		began := time.Now()
		out, err := d.Wait(t.Context(), redeem)
		if err != nil || out.Did != refresher.SignedIn {
			t.Fatalf("%s, %v", out.Did, err)
		}
		if took := time.Since(began).Round(time.Second); took != 20*time.Second {
			t.Errorf("it took %v, which is not four intervals", took)
		}
	})
}

func TestADeviceCodeThatIsAskedAboutTooOftenIsAskedAboutLess(t *testing.T) {
	byDevice(t, authtest.DeviceFlow{DevicePolls: 1, DeviceInterval: 5 * time.Second}, func(t *testing.T, s *authtest.Server, d *Device, redeem func(refresher.SignIn) refresher.Outcome) {
		d.interval = 2 * time.Second
		out, err := d.Wait(t.Context(), redeem)
		if err != nil || out.Did != refresher.SignedIn || d.interval <= 5*time.Second {
			t.Errorf("%s, %v, every %v", out.Did, err, d.interval)
		}
	})
}

func TestADeviceCodeThatIsRefusedOrEndsIsOver(t *testing.T) {
	byDevice(t, authtest.DeviceFlow{DeviceDenied: true}, func(t *testing.T, s *authtest.Server, d *Device, redeem func(refresher.SignIn) refresher.Outcome) {
		if out, err := d.Wait(t.Context(), redeem); err != nil || out.Answer.Code != "access_denied" {
			t.Errorf("%v, %v", out.Answer, err)
		}
	})
	byDevice(t, authtest.DeviceFlow{DevicePolls: 1e6, DeviceLifetime: time.Minute}, func(t *testing.T, s *authtest.Server, d *Device, redeem func(refresher.SignIn) refresher.Outcome) {
		began := time.Now()
		out, err := d.Wait(t.Context(), redeem)
		if (err == nil && out.Answer.Code != "expired_token") || time.Since(began) > 2*time.Minute {
			t.Errorf("%v, %v after %v", out.Answer, err, time.Since(began))
		}
	})
	byDevice(t, authtest.DeviceFlow{DevicePolls: 1e6}, func(t *testing.T, s *authtest.Server, d *Device, redeem func(refresher.SignIn) refresher.Outcome) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := d.Wait(ctx, redeem); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nobody waits any more: %v", err)
		}
	})
}

// The connection breaks while the person is still typing.
func TestAServerThatIsAwayForAWhileEndsNoDeviceCode(t *testing.T) {
	byDevice(t, authtest.DeviceFlow{DevicePolls: 1}, func(t *testing.T, s *authtest.Server, d *Device, redeem func(refresher.SignIn) refresher.Outcome) {
		s.Next(authtest.Token, authtest.Behaviour{Fault: authtest.DropBefore}, authtest.Behaviour{Answer: authtest.Status(502)}, authtest.Behaviour{Answer: authtest.RetryAfter(429, "5")})
		if out, err := d.Wait(t.Context(), redeem); err != nil || out.Did != refresher.SignedIn {
			t.Errorf("%s, %v, %v", out.Did, out.Answer, err)
		}
	})
}

func TestWithoutADeviceEndpointTheReasonIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := authtest.New(t, authtest.Options{Memory: true})
		s.AddClient("tv", "")
		f := &discovery.Finder{Transport: s.Transport()}
		c := credfiles.Credential{Own: true, Grant: credfiles.Grant{GrantType: credfiles.ByDevice, Issuer: s.Issuer(), ClientID: "tv"}}
		if _, err := BeginDevice(t.Context(), f, c); err == nil || !strings.Contains(err.Error(), "device authorization endpoint") {
			t.Errorf("%v", err)
		}
		s.Set(func(o *authtest.Options) { o.Devices = true })
		c.ClientID = "nobody"
		f = &discovery.Finder{Transport: s.Transport()}
		if _, err := BeginDevice(t.Context(), f, c); err == nil || !strings.Contains(err.Error(), "invalid_client") {
			t.Errorf("an unknown client: %v", err)
		}
	})
}
