package app

import (
	"cmp"
	"fmt"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/exchange"
)

const (
	addHelp = `Adds a credential that no client keeps, and asks for its first token: the token
of an app registration (--grant client_credentials, if nothing else is said), a
refresh token that you hand over, or a sign-in by browser or device code. It is
kept fresh like any other; its ID is own/NAME.

What is not secret goes into config.toml as an [[own]] table. The client secret,
and a refresh token, come on stdin, one a line, or are asked for on a terminal:
never by an argument. They are kept in Lamplighter's own store, sealed by a key
in the keyring; where no keyring runs, in a file that only you may read. A secret
can also stay where it is: --secret-file, --secret-env, --secret-command.

Exit code: 0 added and fresh, 1 failed, 2 wrong usage, 3 added, and its server
could not be asked yet, 4 added, and the server refused it.`

	addExample = `  lamplighter add graph --client-id ID --scope https://graph.microsoft.com/.default \
    --token-endpoint https://login.microsoftonline.com/TENANT/oauth2/v2.0/token
  pass show acme | lamplighter add acme --issuer https://acme.example --client-id ID
  lamplighter add docs --issuer https://docs.example --client-id ID --grant device_code`

	removeHelp = `Removes a credential of your own: its [[own]] and [[deliver]] tables in config.toml,
its tokens and its secret. The access token is erased from the files and the items
of the keyring that it was delivered to; in Vault it stays until it ends. Each
place is named.

Exit code: 0 removed, 1 failed, or an access token could not be erased, 2 wrong
usage.`

	removeExample = `  lamplighter remove graph`

	handSecret       = "the client secret"
	handRefreshToken = "the refresh token"

	wordOtherMethod   = "it was shown by HTTP Basic, and some servers want auth_method = \"client_secret_post\""
	wordHandOver      = "what it needs is handed over on a terminal"
	wordPlainOwn      = "kept in a plain file, for want of a keyring"
	saidEnterCode     = "Go to %s with any browser, and enter the code %s"
	saidOrComplete    = "or go to %s"
	saidAdded         = "%s: added\n"
	saidRemoved       = "%s: removed, and its tokens and secret erased\n"
	saidNotOwn        = "%s is not one of your own: %s keeps it"
	saidNoDate        = "--secret-expires takes a date, such as 2027-01-31"
	saidNoParameter   = "--parameter takes NAME=VALUE"
	saidTwoSecrets    = "--secret takes the secret from stdin; leave it out where it is said where the secret is"
	saidOwnLeft       = "tokens of own/%[1]s are here already, of another settings file or of an [[own]] that was taken out; choose another name, or erase them: lamplighter remove %[1]s"
	saidBadName       = "the name %q %s"
	saidNothingHanded = "%s has to come on stdin; there was nothing"
	saidMoreHanded    = "more came on stdin than %s; hand over that alone, on one line"
	saidMoreBefore    = "more came on stdin than %s; a client secret comes on the line before it, and add has to be told so by --secret"
	saidQuotes        = "--secret-command takes words without quotes; add it with a plain one, and write what you mean as a list into config.toml"
	saidUntaken       = "%s was removed from the config meanwhile, and nothing was stored; add it again"
	saidNotReplaced   = "%s keeps the secret that it has: %s"
	saidSecretThere   = "its secret is not kept by Lamplighter but by %s, so nothing is asked for"
)

// secretWarning is how long before the end of a client's secret that is said:
// long enough for the person who may make another one to be back from a
// holiday.
const secretWarning = 30 * 24 * time.Hour

// ownSentence is the sentence for the user's own credentials; ok is false for
// all others.
func (v view) ownSentence(row refresher.Row, now time.Time) (reason, do string, ok bool) {
	if !row.Own {
		return "", "", false
	}
	reason, do = v.ownReason(row, now)
	if ends := secretEnds(row, now); ends != "" {
		reason += "; " + ends
		if do == "" {
			do = v.newSecret(row)
		}
	}
	kept := !row.Access.IsZero() || row.SecretFrom == "" && !row.ClientSecret.IsZero()
	if kept && !row.Protected && !row.Unread {
		reason += "; " + wordPlainOwn
	}
	return reason, do, true
}

func (v view) ownReason(row refresher.Row, now time.Time) (reason, do string) {
	switch {
	case row.Why == refresher.NoSecret:
		return "its client secret was never given", v.newSecret(row)
	case row.Why == refresher.NotSignedIn:
		return "nobody signed in to it yet", v.signIn(row)
	case row.Why == refresher.DueNow && row.Access.IsZero():
		return "no token yet; one is to be asked for", ""
	case row.Why == refresher.PolicySays && row.Memory.Verdict == exchange.ClientGone.String():
		return v.secretRefused(row)
	case row.State == refresher.Misconfigured && row.SecretTrouble != "":
		reason, _ = v.clientSentence(row, now)
		return reason, v.newSecret(row)
	case row.Why == refresher.TroubleUnsent && row.Memory.Code == refresher.SecretTrouble:
		reason, _ = v.clientSentence(row, now)
		return reason, ""
	case row.WatchOnly == credfiles.KeyringShut:
		return v.watchOnly(row, now), "unlock the keyring"
	case row.WatchOnly == credfiles.KeyGone:
		return v.watchOnly(row, now), v.signIn(row)
	}
	return v.clientSentence(row, now)
}

// secretRefused is the sentence for a client that the server does not take, and
// what to do depends on where its secret is.
func (v view) secretRefused(row refresher.Row) (reason, do string) {
	reason, do = entra(row.Memory.Detail)
	if reason != "" {
		if do != "" && row.SecretFrom == "" && row.Memory.Code == "invalid_client" { // not where the application is unknown
			do += ": " + v.newSecret(row)
		}
		return reason, do
	}
	reason = "the server does not take this client or its secret" + code(row)
	if row.Memory.Detail != "" {
		reason += ": " + row.Memory.Detail
	}
	if row.AuthMethod == "" && row.Issuer == "" { // nobody said how it is shown
		reason += "; " + wordOtherMethod
	}
	return reason, v.newSecret(row)
}

// noToken says why a sign-in brought none.
func noToken(out refresher.Outcome) string {
	v := out.Answer
	if !out.Own || v.Kind == exchange.Dead || v.Kind == exchange.Later || v.Kind == exchange.Ambiguous {
		return plainVerdict(v, credfiles.Title(out.Client))
	}
	said := v.Code
	if v.Detail != "" {
		said += ": " + v.Detail
	}
	what, _ := entra(v.Detail)
	switch {
	case what != "":
		return what
	case v.Kind == exchange.ClientGone:
		return fmt.Sprintf("the server does not take this client or its secret (%s)", said)
	case v.Kind == exchange.NeedsUser:
		return fmt.Sprintf("the server refused it, or the person did (%s); try again", said)
	}
	return fmt.Sprintf("the server gave no token (%s); check its [[own]] in config.toml", said)
}

// newSecret is how another client secret is given.
func (v view) newSecret(row refresher.Row) string {
	if row.SecretFrom == "" {
		return command(v.os, "", "lamplighter", "login", row.ID)
	}
	if row.GrantType == credfiles.ByRefreshToken {
		return command(v.os, "", "lamplighter", "login", row.ID)
	}
	return fmt.Sprintf("put the right secret where it is: %s", shortPath(v.home, row.SecretFrom))
}

// secretEnds warns of the end of a client's secret, which no refresh can put
// off.
func secretEnds(row refresher.Row, now time.Time) string {
	switch left := row.SecretExpires.Sub(now); {
	case row.SecretExpires.IsZero() || left > secretWarning:
		return ""
	case left <= 0:
		return "the client secret was to end " + row.SecretExpires.Format(time.DateOnly)
	default:
		return "the client secret ends " + in(row.SecretExpires, now)
	}
}

// ownServer is the server that a credential is for, as far as one address can
// say it of one of the user's own.
func ownServer(row refresher.Row) string {
	if row.Own {
		return cmp.Or(row.Issuer, row.Endpoint)
	}
	return row.ServerURL
}
