package doctor

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lamplighter/refresher/authtest"
)

func init() {
	for _, f := range slices.Concat(faults, storeFaults) {
		setups = append(setups, setup{name: "here/" + string(f.cause), from: f.from, want: f.cause, examine: func(t *testing.T) *Report {
			c := newComputer(t, f.server)
			f.make(c)
			r := c.examine()
			f.alone(t, r)
			return &r
		}})
	}
}

// alone fails where a report finds anything else.
func (f fault) alone(t *testing.T, r Report) {
	t.Helper()
	least := temporary
	if words()[f.cause].severity == note {
		least = note
	}
	if got := causesOf(r, least); !slices.Equal(got, []Cause{f.cause}) {
		t.Errorf("found %v, want %s alone\n%s", got, f.cause, r.Text(80, nil))
	}
}

func init() {
	for _, f := range ailments {
		setups = append(setups, setup{name: "credential/" + string(f.cause), from: f.from, want: f.cause, examine: func(t *testing.T) *Report {
			c := newComputer(t, f.server)
			f.make(c)
			spent := c.s.TokenPosts("g1")
			r := c.examineID(f.id)
			f.alone(t, r)
			if n := c.s.TokenPosts("g1"); n != spent {
				t.Error("the refresh token was sent")
			}
			return &r
		}})
	}
}

// A bubble's clock is not that of the files.
func init() {
	setups = append(setups, setup{name: "here/clock-files", want: "clock-files", examine: func(t *testing.T) (r *Report) {
		synctest.Test(t, func(t *testing.T) {
			written, err := datedIn(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Until(written) - 10*time.Minute)
			c := newComputer(t, authtest.Options{})
			one(c)
			found := c.examine()
			fault{cause: "clock-files"}.alone(t, found)
			r = &found
		})
		return r
	}})
}

func TestEachCauseOnThisComputerAndOfACredentialHasASetup(t *testing.T) {
	met := map[Cause]bool{}
	for _, s := range setups {
		met[s.want] = true
	}
	for _, kind := range unstaged {
		met[problemCause(kind)] = true
	}
	for c := range words() {
		if !met[c] {
			t.Errorf("nothing shows %s", c)
		}
	}
}

// authority is a certificate authority that nobody trusts.
const authority = `-----BEGIN CERTIFICATE-----
MIIBzTCCAXOgAwIBAgIUJwL6HCILusrWSICQ6rP0YQ2SaUgwCgYIKoZIzj0EAwIw
OzEnMCUGA1UEAwweRXhhbXBsZSBDb3Jwb3JhdGlvbiBJbnNwZWN0aW9uMRAwDgYD
VQQKDAdFeGFtcGxlMCAXDTI2MTEyMTE4MTEwOFoYDzIxMjYxMDI4MTgxMTA4WjA7
MScwJQYDVQQDDB5FeGFtcGxlIENvcnBvcmF0aW9uIEluc3BlY3Rpb24xEDAOBgNV
BAoMB0V4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARDa/uivqaEC5S4
IzgkHG5lxAUDkxZDT03gxOcWyIx8SS1jRDQfinbXdoB8BxhAy2j44w5+GeAxktdX
m3rbJNHvo1MwUTAdBgNVHQ4EFgQUMREzAgI5WRfOlZj41z9s3fQbeUQwHwYDVR0j
BBgwFoAUMREzAgI5WRfOlZj41z9s3fQbeUQwDwYDVR0TAQH/BAUwAwEB/zAKBggq
hkjOPQQDAgNIADBFAiEAkNzZV1o8DtggySenF9QW9N3BMQGIBocAyL379FnZmw8C
IBWykngOYw6+Jlx2JM6mtNOiII+SL9+DNTRXk5JkhusG
-----END CERTIFICATE-----
`
