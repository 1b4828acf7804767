package exchange

import (
	"io"
	"net"
	"strings"
	"testing"

	"lamplighter/credfiles"
)

// What some programs send and no plan of ours does: the redirect URI of the
// sign-in, and no client at all.
func TestARequestSaysNoMoreThanItsPost(t *testing.T) {
	for name, c := range map[string]struct {
		p    Post
		want string
	}{
		"no client":    {Post{Auth: None}, "grant_type=refresh_token&refresh_token=rt%2F1%2B%3DEXAMPLE"},
		"redirect URI": {Post{Auth: None, ClientID: "c", Redirect: "https://r.example/cb"}, "client_id=c&grant_type=refresh_token&redirect_uri=https%3A%2F%2Fr.example%2Fcb&refresh_token=rt%2F1%2B%3DEXAMPLE"},
	} {
		got := make(chan string, 1)
		origin, _ := listen(t, func(conn *net.TCPConn, request string) {
			got <- request
			io.WriteString(conn, full(pair))
		})
		c.p.TokenURL = origin + "/token"
		Send(t.Context(), fresh(), c.p, refresh, credfiles.Secret{})
		if _, body, _ := strings.Cut(<-got, "\r\n\r\n"); body != c.want {
			t.Errorf("%s\n got: %s\nwant: %s", name, body, c.want)
		}
	}
}
