package app

import "lamplighter/doctor"

// Words of the doctor's command. What it finds is worded in package doctor.
const (
	doctorHelp = `Looks, asks, and says what is wrong, with the evidence and the one thing to do.
The last line is the verdict. Nothing is spent: no refresh token is sent.

Without an argument: everything that was found on this computer. Nothing is sent.

With an ID: one credential from its store to its server. Its access token goes to
that server; a refresh token that is made up goes to the authorization server, at
most once a day, and tells whether that knows the client. --refresh does one real
refresh first, after asking; a script says --yes too.

With a URL: an MCP server or an API, first without a secret, then with the one
that you give it by stdin, or at a prompt that does not show it. The secret goes
to that server only, and follows no redirect.

The report holds no secrets; --markdown is for a ticket. Exit code: 0 nothing is
wrong, 1 something has to be changed, 2 wrong usage, 3 try later, 4 only a
sign-in helps.`

	doctorExample = `  lamplighter doctor
  lamplighter doctor linear
  lamplighter doctor https://mcp.linear.app/mcp
  lamplighter token linear | lamplighter doctor https://mcp.linear.app/mcp --bearer
  lamplighter doctor https://api.example.com/items --api-key-header X-API-Key < key.txt
  cat token.txt key.txt | lamplighter doctor https://api.example.com/items \
      --bearer --gateway-key Ocp-Apim-Subscription-Key`

	saidSecretForURL = "--bearer, --basic, --api-key-header and --api-key-query are for a URL"
	saidNoURL        = "this is no URL of a server (%v); give the whole URL, as https://host/path"
	saidOneOf        = "%s exclude each other; give one of them"
	saidKeyName      = "write a name, as X-API-Key"
	saidNoSecret     = "no secret came in by stdin"
	saidNoGatewayKey = "the gateway's key did not come in by stdin: it is the second line, behind the secret"
	saidGatewayAlone = "--gateway-key goes beside --bearer, --basic or --api-key-...; for a gateway's key alone use --api-key-header"
	askGatewayKey    = "The gateway's key (not shown): "
	saidNoStdin      = "stdin cannot be read: %v"
	workAsking       = "asking the server"
)

// askFor are the prompts on a terminal.
var askFor = map[doctor.Place]string{
	doctor.Bearer:    "Token (not shown): ",
	doctor.BasicPair: "user:password (not shown): ",
	doctor.KeyHeader: "Key (not shown): ",
	doctor.KeyQuery:  "Key (not shown): ",
}
