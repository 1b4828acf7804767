package app

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"lamplighter/credfiles"
	"lamplighter/refresher"
	"lamplighter/refresher/exchange"
	"lamplighter/refresher/ledger"
)

// sentence says why a credential is in its state, and what a person should do
// about it. The reason goes on a sentence; it has no capital and no full stop.
func (v view) sentence(row refresher.Row, now time.Time) (reason, do string) {
	if reason, do, ok := v.ownSentence(row, now); ok {
		return reason, do
	}
	return v.clientSentence(row, now)
}

// clientSentence is the sentence for what any client may keep.
func (v view) clientSentence(row refresher.Row, now time.Time) (reason, do string) {
	client := credfiles.Title(row.Client)
	signIn := cmp.Or(v.signIn(row), row.SignInSession)
	ended := !row.Expiry.IsZero() && !row.Expiry.After(now)
	by := ""
	if row.By != nil {
		by = v.process(*row.By)
	}
	again := "next try " + in(row.At, now)
	if !v.keeper && !row.At.After(now) {
		again = "due for another try"
	}
	switch row.Why {
	case refresher.WasRefused, refresher.PolicySays, refresher.BadSetup:
		if what, other := entra(row.Memory.Detail); what != "" {
			if row.Why == refresher.BadSetup {
				what += "; " + again
			}
			return what, cmp.Or(other, signIn)
		}
	}
	switch row.Why {
	case refresher.NotDue:
		if v.keeper {
			return "next refresh " + in(row.At, now) + v.lastDays(row, now), ""
		}
		return "due " + in(row.At, now) + v.lastDays(row, now), ""
	case refresher.DueNow:
		return "due for a refresh", ""
	case refresher.InFlight:
		return "a refresh is under way", ""
	case refresher.Unfinished:
		return "a refresh was interrupted and is repeated; " + again, ""
	case refresher.Waiting:
		why, do := v.storeTrouble(row)
		return "refreshed, but the store does not take the new token, which is safe in the journal: " + why + "; " + again, do
	case refresher.WentBack:
		return "the store went back to a used refresh token; the newer one is to be put back", ""
	case refresher.Fights:
		return "another program keeps putting a used refresh token back; left alone " + wordForAnother(row.At, now),
			"find what restores " + shortPath(v.home, row.Path)
	case refresher.LiteralSays:
		switch row.WatchOnly {
		case credfiles.OddFormat:
			do = signIn
		case credfiles.VendorLogin, credfiles.KeychainSeen:
			if ended && row.Refresh.IsZero() {
				do = signIn
			}
		}
		return v.watchOnly(row, now), do
	case refresher.UserSays:
		switch {
		case v.waits != "" && row.Mode.Mode == "":
			return v.waits, ""
		case row.State != refresher.Paused:
			return "you said so", ""
		case row.At.IsZero():
			return "by you", ""
		}
		return "by you, " + wordForAnother(row.At, now), ""
	case refresher.AllPaused:
		return "everything is paused " + wordForAnother(row.At, now), ""
	case refresher.WasBlanked:
		if row.UnsureWipe {
			return client + " erased the token after an error", signIn
		}
		return client + " erased the token after the server refused it", signIn
	case refresher.WasWiped:
		return client + " erased the token after an error, maybe no more than a network that was down; the last good one is kept",
			v.restore(row)
	case refresher.NoRefreshToken:
		switch {
		case row.Expiry.IsZero():
			return "no refresh token came with it, and nobody says when it ends", ""
		case ended:
			return "no refresh token came with it", signIn
		}
		return "no refresh token came with it; sign in again when it has ended", ""
	case refresher.WasRefused:
		return "the server refused the refresh token" + code(row), signIn
	case refresher.WasSpent:
		return "the store holds a refresh token that was used already", signIn
	case refresher.PolicySays:
		switch gone := row.Memory.Verdict == exchange.ClientGone.String(); {
		case gone && row.ClientSecret.IsZero():
			return "the server does not know this client any more" + code(row), signIn
		case gone && row.Preset:
			// A sign-in would run into the same.
			signIn = "check the secret in " + client + ", and auth_method in config.toml"
			fallthrough
		case gone:
			return "the server does not take this client or its secret" + code(row), signIn
		}
		return "the server wants a sign-in" + code(row), signIn
	case refresher.Forked:
		return "the same refresh token is in " + row.Other + "; neither is refreshed until you name the one in use",
			command(v.os, "", "lamplighter", "mode", row.ID, "keep")
	case refresher.OldCopy:
		return "an old copy of " + row.Other, ""
	case refresher.OtherOwner:
		return "a copy of " + row.Other + ", which is the one you keep", ""
	case refresher.BadSetup:
		if row.Overridden {
			// The next refresh token would go the way of this one.
			signIn = "check its [[credential]] in config.toml"
		}
		return v.badSetup(row) + "; " + again, signIn
	case refresher.Held:
		return by + " would not notice a new token; refreshed when it ends",
			"restart " + by + ", or " + command(v.os, "", "lamplighter", "refresh", "--anyway", row.ID)
	case refresher.ClientDoes:
		return by + " refreshes it itself while it runs", ""
	case refresher.TroubleUnsent, refresher.TroubleAsked, refresher.TroubleUnclear:
		return passing(row) + "; " + again, ""
	case refresher.TroubleStore:
		why, do := v.storeTrouble(row)
		return "not sent, because its answer could not be stored: " + why + "; " + again, do
	case refresher.NoEnd:
		if by != "" {
			return "nobody says when it ends; refreshed once " + by + " has ended", ""
		}
		return "nobody says when it ends; refreshed daily, next " + in(row.At, now), ""
	}
	return string(row.Why), ""
}

// passing says what keeps a server from answering for now.
func passing(row refresher.Row) string {
	if row.Memory.Wait == ledger.Asked {
		return "the server asked to wait"
	}
	return plainTrouble(row.Memory.Code, row.Memory.Detail)
}

// wordForAnother says how much longer.
func wordForAnother(t, now time.Time) string {
	if t.Sub(now) > 10*365*24*time.Hour {
		return "until you say otherwise"
	}
	return "for another " + span(t.Sub(now))
}

// lastDays warns of the end that no refresh can put off.
func (v view) lastDays(row refresher.Row, now time.Time) string {
	if left := row.RefreshExpiry.Sub(now); row.RefreshExpiry.IsZero() || left > 3*24*time.Hour || left < 0 {
		return ""
	}
	return "; the sign-in itself ends " + in(row.RefreshExpiry, now)
}

func code(row refresher.Row) string {
	if row.Memory.Code == "" {
		return ""
	}
	return fmt.Sprintf(" (%s)", row.Memory.Code)
}

// badSetup says why a server cannot be asked as things are.
func (v view) badSetup(row refresher.Row) string {
	detail := strings.TrimRight(strings.TrimSuffix(row.Memory.Detail, "sign in again"), ":; ") // what to do comes after
	switch row.Memory.Code {
	case "discovery":
		return "the server does not say where to refresh: " + detail
	case "issuer":
		return "nothing is sent, because the issuer changed: " + detail
	case "endpoint":
		return "nothing is sent, because the store names another token endpoint than when this refresh token came: " + detail
	case "request":
		return "the request cannot be made: " + detail
	}
	if text, ok := httpTrouble(row.Memory.Code); ok {
		return text
	}
	if strings.HasPrefix(row.Memory.Code, "bad-") {
		return "the server's answer held a token that cannot be used" + code(row)
	}
	if detail != "" {
		detail = ": " + detail
	}
	return "the server does not accept the request" + code(row) + detail
}

// watchOnly says why a credential is only watched whatever the user allows.
func (v view) watchOnly(row refresher.Row, now time.Time) string {
	client := credfiles.Title(row.Client)
	switch row.WatchOnly {
	case credfiles.VendorLogin:
		switch {
		case row.Blanked:
			return "your " + client + " login, which " + client + " erased after the server refused it"
		case row.Refresh.IsZero() && !row.Access.IsZero():
			return "your " + client + " login, which nothing renews"
		case row.Access.IsZero() && !row.Refresh.IsZero():
			return "your " + client + " login, without an access token whose end could be told"
		}
		return "your " + client + " login, which " + client + " renews itself" + v.lastDays(row, now)
	case credfiles.ForeignOwner:
		return "another user's store"
	case credfiles.ForeignSystem:
		return "a store of another system, whose locks do not reach here"
	case credfiles.OddFormat:
		return "not written as " + client + " writes it, so it is left alone"
	case credfiles.Fallback:
		return "a file that " + client + " reads only where the keychain has nothing"
	case credfiles.KeychainLine:
		return "too long to be written to the keychain without a moment in the list of processes, which keychain_arguments forbids"
	case credfiles.KeychainOwn:
		return client + " keeps it in the keychain, which lets only " + client + " read it" + toFile(row)
	case credfiles.KeychainSeen:
		if row.Refresh.IsZero() {
			return client + " keeps it in the keychain, where only " + client + " may write it, and no refresh token is left" + toFile(row)
		}
		return client + " keeps it in the keychain, where only " + client + " may write it, and renews it itself" + toFile(row)
	case credfiles.ClientConfig:
		return client + "'s own configuration cannot be read"
	case credfiles.KeyringUnread:
		return "the keyring, where a newer one may be, does not answer"
	case credfiles.NoServer:
		return "no MCP configuration that we know names its server, and the store does not"
	case credfiles.NoClient:
		return "the registration that it belongs to is neither beside it nor on its command line"
	case credfiles.ClientRenews:
		return client + " was told to use a token that only itself renews"
	case credfiles.KeyringShut:
		return "it is sealed, and the keyring that has the key is locked or does not run"
	case credfiles.KeyGone:
		return "it is sealed with a key that the keyring has not got any more"
	case credfiles.LedgerUnread:
		return "our own state folder cannot be read, so nobody knows which tokens were used"
	}
	return string(row.WatchOnly)
}

// toFile says how its client would leave it to us.
func toFile(row refresher.Row) string {
	if row.ToFile == "" {
		return ""
	}
	return "; to have it kept fresh, give " + credfiles.Title(row.Client) + "'s configuration the line " + row.ToFile + " and sign in again"
}
