package app

import (
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// What a person does next is another thing for each: each says it, on whatever
// state its verdict leads to.
func TestEntrasRefusalsAreToldApart(t *testing.T) {
	for _, c := range []struct {
		code, detail string
		verdict      exchange.Kind
		why          refresher.Why
		want, do     string
	}{
		{"invalid_client", "AADSTS7000222: The provided client secret keys for app 'x' are expired.", exchange.ClientGone, refresher.PolicySays, "secret has ended", "make a new secret"},
		{"invalid_client", "AADSTS7000215: Invalid client secret provided.", exchange.ClientGone, refresher.PolicySays, "secret is wrong", "value, not its ID"},
		{"unauthorized_client", "AADSTS700016: Application with identifier 'x' was not found in the directory.", exchange.ClientGone, refresher.PolicySays, "no such application", "the tenant"},
		{"invalid_target", "AADSTS9010010: The resource parameter provided in the request doesn't match with the requested scopes.", exchange.Misconfigured, refresher.BadSetup, "does not fit the scope", "leave the resource out"},
		{"invalid_resource", "AADSTS90009: Application is requesting a token for itself.", exchange.Misconfigured, refresher.BadSetup, "for itself", "GUID/.default"},
		{"invalid_scope", "AADSTS70011: The provided value for the input parameter 'scope' isn't valid.", exchange.Misconfigured, refresher.BadSetup, "scope is not valid", "/.default"},
		{"invalid_scope", "AADSTS1002012: The provided value for scope is not valid. Client credential flows must have a scope value with /.default.", exchange.Misconfigured, refresher.BadSetup, "client_credentials", "/.default"},
		{"invalid_grant", "AADSTS65001: The user or administrator has not consented.", exchange.NeedsUser, refresher.PolicySays, "agreed", "administrator"},
		{"invalid_grant", "AADSTS50076: you must use multi-factor authentication", exchange.NeedsUser, refresher.PolicySays, "second factor", "codex mcp login"},
		{"invalid_grant", "AADSTS700082: The refresh token has expired due to inactivity.", exchange.Dead, refresher.WasRefused, "not used for too long", "codex mcp login"},
	} {
		t.Run(c.detail[:13], func(t *testing.T) {
			row := refresher.Row{
				Credential: credfiles.Credential{ID: "codex/mcp/graph", Client: "codex", Kind: "mcp", Name: "graph", SignIn: []string{"codex", "mcp", "login", "graph"}},
				Decision:   refresher.Decision{Why: c.why},
				Memory:     ledger.Memory{Verdict: c.verdict.String(), Code: c.code, Detail: c.detail},
			}
			reason, do := view{os: "linux"}.sentence(row, time.Now())
			if !strings.Contains(reason, c.want) || !strings.Contains(do, c.do) {
				t.Errorf("%q, %q", reason, do)
			}
			if number, _, _ := strings.Cut(c.detail, ":"); !strings.Contains(reason, number) {
				t.Errorf("it cannot be looked up: %q", reason)
			}
		})
	}
}

// One of the user's own has its secret where he put it.
func TestEntrasRefusalsOfASecretSayWhereItIs(t *testing.T) {
	for _, c := range []struct{ detail, from, want, do string }{
		{"AADSTS7000222: expired.", "", "secret has ended", "lamplighter login own/graph"},
		{"AADSTS7000215: invalid.", "", "secret is wrong", "lamplighter login own/graph"},
		{"AADSTS7000222: expired.", "$GRAPH_SECRET", "secret has ended", "put it in the old one's place"},
		{"AADSTS700016: not found.", "", "no such application", "check the client ID"},
		{"AADSTS700027: signature.", "/key.pem", "does not know the certificate", "upload"},
	} {
		row := refresher.Row{
			Credential: credfiles.Credential{ID: "own/graph", Client: credfiles.OwnClient, Kind: credfiles.OwnClient, Name: "graph", Own: true, Grant: credfiles.Grant{SecretFrom: c.from}},
			Decision:   refresher.Decision{Why: refresher.PolicySays},
			Memory:     ledger.Memory{Verdict: exchange.ClientGone.String(), Code: "invalid_client", Detail: c.detail},
		}
		reason, do := view{os: "linux"}.sentence(row, time.Now())
		if !strings.Contains(reason, c.want) || !strings.Contains(do, c.do) {
			t.Errorf("%s: %q, %q", c.detail, reason, do)
		}
	}
}

func TestAnUnknownNumberSaysWhatTheServerSaid(t *testing.T) {
	for _, detail := range []string{"AADSTS12345: something new", "plain words", "AADSTS"} {
		if what, do := entra(detail); what+do != "" {
			t.Errorf("%q: %q, %q", detail, what, do)
		}
	}
}
