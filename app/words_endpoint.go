package app

const (
	tokenEndpointHelp = `Asks a token endpoint to refresh, in the way that each client family does, and
prints what came of it: does it honour grant_type=refresh_token? For the owner of
an endpoint whose users have to reconnect: is it the endpoint or the client?

Each way gets a sign-in of its own by a browser, so that a refresh token that is
replaced spoils no other way; how many there are is said before the first. The
place to sign in comes from --issuer or --server by their metadata, or is named by
--authorize-url. The registration of the client needs a redirect URI on this
computer, unless --redirect names one that it has: then paste the address on
which the browser ends. With --spend-token a refresh token comes by stdin in place
of the sign-ins; it is meant to be spent, and goes on to the next way only while
it is not replaced.

What the sign-ins bring is kept nowhere. They are signed out where the server has
a place for that. No refresh token is sent twice, but by --try-reuse, which asks
first: the server may take it for theft.

By stdin come, a line each: the secret (--secret), the refresh token
(--spend-token). The ways (--as):

  power-platform  Power Platform's generic template: ID and secret in the body
  with-scope      that template with scope
  with-resource   that template with resource
  basic           ID and secret by HTTP Basic
  public          a public client
  codex           Codex
  claude-code     Claude Code
  copilot-studio  Copilot Studio's template, with redirect_uri
  no-template     what a connector without a template is reported to send

The last two only where they are named. --offline shows the requests and sends
nothing. Exit code: 0 it refreshes, 1 something has to be changed, 2 wrong usage,
3 try later, 4 only a sign-in helps.`

	tokenEndpointExample = `  lamplighter doctor token-endpoint https://api.contoso.com/oauth/token \
      --client-id 0a1b... --secret --authorize-url https://api.contoso.com/oauth/authorize \
      --scope "api://mcp/access offline_access" --server https://api.contoso.com/mcp
  lamplighter doctor token-endpoint URL --client-id ID --issuer URL --as codex,claude-code
  lamplighter doctor token-endpoint URL --client-id ID --spend-token < token.txt`

	saidNoEndpoint    = "name the token endpoint by its URL, as https://api.example.com/oauth/token"
	saidNoClientID    = "--client-id says which client signs in; without one there is none to ask as"
	saidBadAuth       = "--auth is body, basic or none, not %s"
	saidNoWay         = "no way is called %s; there are %s, and all"
	saidNoPlace       = "say where to sign in (--issuer, --authorize-url or --server), or hand over a refresh token that is meant to be spent (--spend-token)"
	saidReuseNeedsYes = "--try-reuse sends a spent refresh token, for which a server may end the sign-in; in a script say --yes too"

	saidOneSignIn  = "One sign-in is needed, for %s."
	saidSignIns    = "%d sign-ins are needed, one for each way: %s."
	saidThrownAway = "Nothing that a sign-in brings is kept."
	saidRedirect   = "Redirect URI: %s (the registration needs it)"
	saidWaits      = "%s lie between each sign-in and its refresh."
	saidSignInOf   = "\nSign-in %d of %d, for %s"
	saidRests      = "Waiting %s before the refresh."
	saidSpends     = "The refresh token that came by stdin is spent on the first of these that replaces it: %s."
	saidSending    = "Sending a refresh token, as %s."
	saidReuse      = "Sending the refresh token that was just replaced once more, as %s (--try-reuse)."

	askClientSecret = "Client secret (not shown): "
	askRefreshToken = "Refresh token to be spent (not shown): "
	askGoOn         = "Press Enter to begin, or Ctrl-C. "
	askReuse        = "Send the refresh token that was just replaced once more, as %s?\nThe server may take it for theft and end this sign-in, or all of this user's. [y/N] "
)
