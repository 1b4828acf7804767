package app

const (
	rootHelp = `Lamplighter keeps the OAuth tokens of AI clients alive: it finds where Codex,
Claude Code and others keep them, refreshes each one in place, ahead of expiry,
and speaks up only when you have to sign in again.

Without a command it is the tray app; started again it shows its window. On a
server leave "lamplighter keep" running. "lamplighter status" shows what there
is.`

	statusHelp = `Shows every token that your AI clients hold: its state, when it ends, what
happens next and why. What asks something of you comes first.

With --ask and IDs it also reads what the keychain of macOS keeps for a client
alone, such as Codex' items: macOS asks you for the keychain's password first,
and nothing is changed or remembered.`

	keepHelp = `Watches the clients' stores and refreshes each token in place, ahead of expiry,
until it is stopped. It says one line for each thing that happens, and notices
new sign-ins and changed settings by itself. Ctrl-C ends it; a refresh under way
is finished first. It needs no display.`

	refreshHelp = `Refreshes what is due. With IDs: those, however much they have left. With
--within: what has less than that left. With --all: everything that may be.

An ID is what "lamplighter status" shows, or any end of it that is unique:
"linear" for "codex/mcp/linear".

Exit code: 0 done, 1 failed, 2 wrong usage, 3 try later, 4 sign-in needed.`

	refreshExample = `  lamplighter refresh --within 15m
  lamplighter refresh linear`

	tokenHelp = `Prints the access token of one credential on stdout, as it is stored. It never
prints a refresh token.

Exit code: 0 printed, 1 failed, 2 wrong usage, 3 ended, try "lamplighter
refresh", 4 sign-in needed.`

	tokenExample = `  curl -H "Authorization: Bearer $(lamplighter token linear)" https://mcp.linear.app/mcp`

	restoreHelp = `Some clients erase a token after any error: when they want to refresh it and
the network is down, it is gone (Gemini CLI, Qwen Code). Puts the last good one
back into the client's store, as the client had it, and refreshes it if it is
due. "lamplighter status" says where that helps: never where the server refused
the token or somebody used it since, and for seven days.

Exit code: 0 put back, 1 failed, 2 wrong usage, 4 sign-in needed.`

	restoreExample = `  lamplighter restore linear`

	modeHelp = `Says what may be done with a credential:

  keep        refresh it ahead of expiry
  watch-only  only show it
  paused      rest, for as long as --for says or until another mode is set

It binds every keeper and lasts. Where two stores hold the same refresh token,
keep names the one to be used.`

	modeExample = `  lamplighter mode linear watch-only
  lamplighter mode --all paused --for 1h`

	logHelp = `Shows what was done, when and why, oldest first. Tokens appear as fingerprints.`

	completionShort = "Print what completes commands, flags and IDs in a shell"

	demoHelp = `Shows the keeper at work on a sample home with servers of its own, on this
computer: tokens that live 30 seconds, one server that fails for a while, one
grant that is revoked. Nothing of yours is touched, and nothing is left behind.`
)
