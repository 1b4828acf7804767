package app

const (
	rootHelp = `Lamplighter keeps the OAuth tokens of AI clients alive: it finds where Codex,
Claude Code and others keep them, refreshes each one in place, ahead of expiry,
and speaks up only when you have to sign in again.

Without a command it is the tray app; started again it shows its window. On a
server let the system run it: "lamplighter service install". "lamplighter
status" shows what there is.`

	statusHelp = `Shows every token that your AI clients hold: its state, when it ends, what
happens next and why. What asks something of you comes first.

With --ask and IDs it also reads what the keychain of macOS keeps for a client
alone, such as Codex' items: macOS asks you for the keychain's password first,
and nothing is changed or remembered.

--wait waits until all are fresh, or until one needs a sign-in; somebody has to
see to it, as a keeper does. --prometheus writes a file for the textfile
collector of Prometheus's node_exporter: ends, states, requests.

Exit code: 0 whatever the states are, 3 if --wait waited in vain, and with
--exit-code as the states are.`

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

	ensureHelp = `For a job that must not start with a token that dies in its middle. Refreshes
what has less than --min-ttl left, waits for a refresh that another process has
under way, and succeeds only if every credential has that much left; else it
says which has not, why, and what to do. Where there is nothing to do it is done
in milliseconds. Many at once make one request.

A pause does not stop it, like every command that names a credential; what is
watch-only is left alone, and good enough where it has life enough.

Where a server gives no token that long, one is refreshed at most once, when
half of its life is gone, and the longest --min-ttl that works is said.
--all-of takes what its client uses, without a login that the client renews by
itself. --wait ends waiting; a request that was sent is never cut short.

Exit code: 0 all have it, 1 one cannot have it, 2 wrong usage, 3 try later,
4 sign-in needed; the highest of them counts.`

	ensureExample = `  lamplighter ensure linear slack && codex exec "..."
  lamplighter ensure --all-of codex --min-ttl 2h`

	tokenHelp = `Prints the access token of one credential on stdout, and never a refresh token.
Like "lamplighter ensure" it first sees to it that the token has --min-ttl left;
where that fails nothing is printed. A token whose end nobody says is printed as
it is. On a terminal it asks before.

Formats:
  raw              the token
  env              LINEAR_TOKEN=... and LINEAR_TOKEN_EXPIRES_AT=..., for sh and
                   files of variables
  json             id, access_token, token_type, expires_at, scope
  header           Authorization: Bearer ...
  git-credential   what git asks of a credential helper; name one host for it:
                   credential.https://HOST.helper
  kubernetes-exec  an ExecCredential, for a user of kubectl

Exit code: 0 printed, 1 failed, 2 wrong usage, 3 try later, 4 sign-in needed.`

	tokenExample = `  curl -H "$(lamplighter token linear --format header)" https://mcp.linear.app/mcp
  export $(lamplighter token linear --format env)
  git config --global credential.https://git.example.com.helper \
    '!lamplighter token own/git --format git-credential'
  PowerShell: $env:LINEAR_TOKEN = lamplighter token linear`

	headersHelp = `Prints a JSON object with the header that carries the access token, as Claude
Code reads it from a headersHelper. It is "lamplighter token" in all else.

Exit code: 0 printed, 1 failed, 2 wrong usage, 3 try later, 4 sign-in needed.`

	headersExample = `  "headersHelper": "lamplighter headers codex/mcp/linear --wait 8s"`

	execHelp = `Runs a command with access tokens in its environment. Like "lamplighter ensure"
it first sees to it that each has --min-ttl left; where that fails nothing is
started. What runs keeps the tokens that it began with: a job that may outlive
them asks "lamplighter token" anew.

Variables from which your settings take secrets are not handed on. On Unix the
command takes the place of lamplighter; on Windows Ctrl-C and its exit code are
passed on.

Exit code: the command's; 125 if it never started, whatever the reason.`

	execExample = `  lamplighter exec --env LINEAR_TOKEN=linear -- codex exec "..."`

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
