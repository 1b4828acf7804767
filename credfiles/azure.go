package credfiles

import (
	"cmp"
	"time"

	"lamplighter/credfiles/jsonedit"
)

// azure is the Azure CLI. It was not run here; "source" means azure-cli-core
// (auth/identity.py, auth/persistence.py) and msal (token_cache.py).
//
// Its store is MSAL's unified cache: tables of entries, Account, AccessToken,
// RefreshToken, IdToken and AppMetadata, that refer to each other by
// home_account_id. An account has an entry in Account for each tenant, and an
// access token for each tenant and resource; what is found to have ended is
// removed. Times are strings of seconds. What we show is one row for an account:
// the access token that lasts longest, and the refresh token, which is one for
// all tenants.
//
// MSAL refreshes whenever it is asked for a token that has ended; the refresh
// token stays good for 90 days after each use, as its documentation says, and an
// answer brings another while the one before stays good. So nobody has to keep it
// fresh.
//
// With core.encrypt_token_cache, which is the default on Windows, the cache is in
// msal_token_cache.bin, the keychain or the keyring instead: that is not read. On
// Windows the system's broker may keep the refresh token.
var azure = client{
	name:  "azure",
	title: "Azure CLI",
	dir:   ".azure",
	env:   "AZURE_CONFIG_DIR",
	seen:  "azure-cli 0235335, msal 7db6c2c",

	files: []file{{
		name:    "msal_token_cache.json",
		inPlace: true, // with O_TRUNC (source)
		kinds: []kind{{
			name: "login", at: at("Account"), keyed: true, watchOnly: VendorLogin,
			adopt: azureAdopt,
		}},
	}},
	join: azureJoin,

	signIn: func(Credential) []string { return []string{"az", "login"} },
}

// azureJoin finds the tokens of each account.
func azureJoin(_ *Store, root jsonedit.Value) (joined, *Problem) {
	j := joined{quiet: true, tokens: map[string]Token{}}
	table := func(name string) []jsonedit.Member {
		v, _ := root.Get(name)
		return v.Members()
	}
	of := map[string]Token{} // by account
	for _, m := range table("AccessToken") {
		r := reader{entry: m.Value}
		ends, account := r.time(at("expires_on"), secondsText), r.text(at("home_account_id"))
		if t := of[account]; t.Access.IsZero() || ends.After(t.Expiry) {
			t.Access, t.Expiry, t.Scope = NewSecret(r.text(at("secret"))), ends, r.text(at("target"))
			of[account] = t
		}
	}
	latest := map[string]time.Time{}
	for _, m := range table("RefreshToken") {
		r := reader{entry: m.Value}
		came, account := r.time(at("last_modification_time"), secondsText), r.text(at("home_account_id"))
		if t := of[account]; t.Refresh.IsZero() || came.After(latest[account]) {
			t.Refresh = NewSecret(r.text(at("secret")))
			of[account], latest[account] = t, came
		}
	}
	seen := map[string]bool{"": true}
	for _, m := range last(table("Account")) {
		if account := member(m.Value, "home_account_id"); !seen[account] {
			seen[account] = true
			j.tokens[m.Key] = of[account]
		}
	}
	return j, nil
}

func azureAdopt(c *Credential, e jsonedit.Value, j joined) {
	t, first := j.tokens[c.Key.Entry]
	c.stale = !first // the account's entry of another tenant
	c.Token = t
	c.Name = cmp.Or(member(e, "username"), member(e, "home_account_id"))
}
