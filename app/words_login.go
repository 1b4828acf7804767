package app

import (
	"fmt"

	"lamplighter/refresher/exchange"
)

const (
	loginHelp = `Signs in again: by the client's own command where it is installed and needs no
terminal ("codex mcp login linear"), else by a browser and Lamplighter's own
flow, with the client's registration and into the client's store. The old token
stays until the new one is there; Ctrl-C leaves everything as it was.

With --no-browser, over SSH and without a desktop, go to the address that is
shown with any browser. If that cannot reach this computer it ends on a page
that does not load: paste the address of that page.

A credential of your own that comes by a secret or a refresh token takes another
one, on stdin or on a terminal.

Exit code: 0 signed in, 1 failed, 2 wrong usage, 3 try later.`

	loginExample = `  lamplighter login linear
  lamplighter login slack --no-browser`

	workSigningIn = "signing in"

	saidNeverSignedIn = "%v; a server that was never signed in to is signed in by its client, as by \"codex mcp login NAME\""
	saidSibling       = "%s has the same registration as %s: some servers sign it out now, so that you have to sign in to it as well."
	saidRunning       = "Signing in by %s"
	saidCommandFailed = "%s failed (exit code %d); what it said stands above"
	saidCommandBroken = "%s could not be run: %v"
	saidOpening       = "Signing in at %s, in your browser."
	saidOrGoTo        = "If none shows up, go to this address:"
	saidGoTo          = "Sign in at %s; go to this address in a browser:"
	saidOrPaste       = "If the browser ends on a page that does not load, paste the address of that page here, and Enter:"
	saidPaste         = "Then paste the address of the page on which you end here, and Enter:"
	saidSignedIn      = "%s: signed in, %s"
	saidNoRefresh     = "No refresh token came with it, so that it cannot be kept fresh: sign in again when it has ended."
	saidNoSignIn      = "%s is not signed in: %s"

	wordVendorSignIn   = "only its own program can sign in"
	wordClientSignIn   = "its entry is not written by us, so only its client can sign in"
	wordWatchedSignIn  = "you set it to watch-only, so nothing is written; set it to keep first, or sign in with its client"
	wordMissingSignIn  = "its entry is gone from the store, so only its client can sign in"
	wordNoServer       = "its store does not name the server"
	wordBusy           = "another program is at work on it; try again"
	wordNobody         = "stdin has ended, so nothing can be pasted any more; start it again on a terminal"
	wordNothingChanged = "its client says that it is done, and its store is as it was"
)

// plainVerdict says why a server gave no token for a code.
func plainVerdict(v exchange.Verdict, client string) string {
	detail := ""
	if v.Detail != "" {
		detail = ": " + v.Detail
	}
	switch v.Kind {
	case exchange.Dead:
		return fmt.Sprintf("the server did not take the code that it gave (%s%s); try again", v.Code, detail)
	case exchange.ClientGone:
		return fmt.Sprintf("the server does not know the client (%s%s); sign in with %s itself", v.Code, detail, client)
	case exchange.Later:
		return plainTrouble(v.Code, v.Detail) + "; try again later"
	case exchange.Ambiguous:
		return plainTrouble(v.Code, v.Detail) + "; try again"
	}
	return fmt.Sprintf("the server gave no token (%s%s); sign in with %s itself", v.Code, detail, client)
}
