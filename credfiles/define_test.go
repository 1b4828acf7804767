package credfiles

import (
	"context"
	"fmt"
	"testing"
	"time"

	"lamplighter/credfiles/processes"
)

var acme = []Definition{
	{
		Name: "acme", Folder: ".acme", Variable: "ACME_HOME", File: "tokens.json", Entries: "mcp.tokens",
		Access: "oauth.accessToken", Refresh: "oauth.refreshToken", ClientID: "client", Server: "url", Scope: "oauth.scope",
		Expires: "oauth.expiresAt", Lock: "mcp-oauth-locks/acme.lock", Rereads: "each-use", SignIn: []string{"acme", "login", "{name}"},
	},
	{
		Name: "acme-files", Title: "Acme", Folder: ".config/acme", File: "auth/*.json",
		Access: "access_token", Refresh: "refresh_token", ClientID: "client_id", TokenEndpoint: "endpoint", Scope: "scope",
		Expires: "expires", Unit: "date", Programs: []string{"acme", "acmed"},
	},
}

// acmeLab has the store of one of them, with the entries lab and notes.
func acmeLab(t *testing.T, i int) *lab {
	t.Helper()
	Define(acme)
	t.Cleanup(func() { Define(nil) })
	l := newLab(t, ownClients()[i])
	if i == 0 {
		entry := `{"url":"http://127.0.0.1:18700/mcp/%[1]s","client":"c","oauth":{"accessToken":"at_%[1]s_EXAMPLE","refreshToken":"rt_%[1]s_EXAMPLE","expiresAt":1795250704376,"scope":"read write offline_access"}}`
		l.put("tokens.json", fmt.Sprintf(`{"theme":"dark","mcp":{"tokens":{"lab":`+entry+`,"notes":`, "lab")+fmt.Sprintf(entry, "notes")+`}}}`)
		return l
	}
	for _, name := range []string{"lab", "notes"} {
		l.put("auth/"+name+".json", fmt.Sprintf(`{"endpoint":"http://127.0.0.1:18700/token","client_id":"c","access_token":"at_%[1]s_EXAMPLE","refresh_token":"rt_%[1]s_EXAMPLE","expires":"2026-11-21T08:45:04.376Z","scope":"read write offline_access"}`, name))
	}
	return l
}

func TestAUsersOwnClientIsWrittenLikeTheOthers(t *testing.T) {
	for i := range acme {
		for j, s := range styles[:4] {
			t.Run(acme[i].Name+"/"+s.name, func(t *testing.T) {
				l := acmeLab(t, i)
				l.put(l.file(), s.make(l.client, l.get(l.file())))
				conform(l, j, "full", tokens["full"])
			})
		}
		for name, token := range tokens {
			t.Run(acme[i].Name+"/"+name, func(t *testing.T) {
				conform(acmeLab(t, i), len(name), name, token)
			})
		}
	}
}

func TestAUsersOwnClientWithoutALockIsLeftAloneWhileItRuns(t *testing.T) {
	for i, want := range []Rereads{EachUse, AtStart} {
		l := acmeLab(t, i)
		l.host.Processes = func(_ context.Context, wanted func(string) bool) ([]processes.Process, error) {
			if wanted("codex") || !wanted("acme") {
				t.Error("others are looked for, or it is not")
			}
			return []processes.Process{{PID: 7, Name: "acme", Env: environ("HOME=" + l.host.Home), Started: time.Unix(1, 0)}}, nil
		}
		held, err := Holders(context.Background(), l.stores())
		l.must(err)
		if h := held[l.path(l.file())]; len(h) != 1 || h[0].Rereads != want || h[0].Lockless != (i == 1) {
			t.Errorf("%s: %+v", acme[i].Name, h)
		}
	}
}

func TestAUsersOwnClientNamesNothingThatItDoesNotKnow(t *testing.T) {
	l := acmeLab(t, 0)
	one := l.one("lab")
	equal(t, "sign-in", one.SignIn, []string{"acme", "login", "lab"})
	if Title("acme") != "acme" || Title("acme-files") != "Acme" {
		t.Error(Title("acme"), Title("acme-files"))
	}
	l.put("tokens.json", `{"mcp":{"tokens":{"lab":{"client":"c","oauth":{"accessToken":"at_EXAMPLE"}},"notes":{"url":"https://x.example","oauth":{"accessToken":"at_EXAMPLE"}},"odd":{"oauth":{"refreshToken":"rt_EXAMPLE"}}}}}`)
	all, _ := l.look()
	for i, want := range []Reason{NoServer, NoClient, OddFormat} {
		if all[i].WatchOnly != want {
			t.Errorf("%s: %q", all[i].Name, all[i].WatchOnly)
		}
	}
}
