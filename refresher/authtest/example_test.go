package authtest_test

import (
	"fmt"
	"net/http"
	"net/url"

	"lamplighter/refresher/authtest"
)

// Trying again after trouble is fine; sending a refresh token after its
// successor came is not.
func Example() {
	s, err := authtest.Start(authtest.Options{Memory: true})
	if err != nil {
		panic(err)
	}
	defer s.Close()
	g := s.Grant(authtest.GrantOptions{})
	s.Next(authtest.Token, authtest.Behaviour{Answer: authtest.RetryAfter(503, "30")})

	client := http.Client{Transport: s.Transport()}
	for range 3 {
		res, err := client.PostForm(g.TokenURL, url.Values{
			"grant_type": {"refresh_token"}, "refresh_token": {g.RefreshToken}, "client_id": {g.ClientID},
		})
		if err != nil {
			panic(err)
		}
		res.Body.Close()
	}
	for _, e := range s.Log() {
		fmt.Println(e.Refresh, e.Status, e.Verdict)
	}
	for _, violation := range s.Check() {
		fmt.Println(violation)
	}
	// Output:
	// rt1 503 scripted answer
	// rt1 200 refreshed
	// rt1 400 reuse: grant revoked
	// spent: #3: g1 rt1 was presented again after #2 had replaced it
}
