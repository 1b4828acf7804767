package doctor

// The causes of what is seen at a URL.
const (
	// The way to the server.
	badURL            Cause = "bad-url"
	inTheClear        Cause = "plain-http"
	unknownHost       Cause = "unknown-host"
	noNames           Cause = "names-fail"
	refusedConnection Cause = "connection-refused"
	refusedAddress    Cause = "address-refused"
	brokenOff         Cause = "connection-broken"
	silent            Cause = "no-answer"
	proxyFails        Cause = "proxy-fails"
	proxyAsks         Cause = "proxy-asks"
	untrusted         Cause = "certificate-untrusted"
	otherName         Cause = "certificate-other-name"
	certExpired       Cause = "certificate-expired"
	notTLS            Cause = "not-tls"
	opened            Cause = "tls-opened"
	clockOff          Cause = "clock-off"

	// The server, whoever asks.
	open          Cause = "no-authentication-needed"
	page          Cause = "web-page"
	portal        Cause = "network-sign-in"
	challenged    Cause = "browser-challenge"
	nothingThere  Cause = "nothing-there"
	notAllowed    Cause = "method-not-allowed"
	moved         Cause = "moved"
	elsewhere     Cause = "redirected-away"
	serverDown    Cause = "server-trouble"
	tooMany       Cause = "rate-limited"
	quota         Cause = "quota-used-up"
	asksSomething Cause = "asks-unnamed"
	gatewayAsks   Cause = "gateway-asks"
	notUnderstood Cause = "not-understood"

	// The secret as it was given.
	secretPadded   Cause = "secret-padded"
	secretQuoted   Cause = "secret-quoted"
	secretJSON     Cause = "secret-json"
	secretUnfilled Cause = "secret-unfilled"
	secretCut      Cause = "secret-cut"
	secretOdd      Cause = "secret-odd-character"
	basicNoColon   Cause = "basic-no-colon"
	bearerTwice    Cause = "bearer-twice"
	bearerMissing  Cause = "bearer-missing"

	// The secret as the server sees it.
	schemeOther    Cause = "scheme-differs"
	nameOther      Cause = "name-differs"
	unseen         Cause = "secret-unseen"
	gatewayMissing Cause = "gateway-key-missing"
	gatewayWrong   Cause = "gateway-key-wrong"
	keyRefused     Cause = "key-refused"
	wrongPassword  Cause = "password-refused"
	tokenExpired   Cause = "token-expired"
	tooEarly       Cause = "token-not-yet-valid"
	otherAudience  Cause = "token-other-audience"
	otherTenant    Cause = "token-other-tenant"
	otherIssuer    Cause = "token-other-issuer"
	tokenRefused   Cause = "token-refused"
	refusedMute    Cause = "refused-without-reason"
	forbidden      Cause = "forbidden"
	scopeMissing   Cause = "scope-missing"
	hidden         Cause = "hidden-from-token"
	secretHurts    Cause = "worse-with-secret"
	accepted       Cause = "accepted-then-refused"
	idToken        Cause = "id-token"
	diesSoon       Cause = "dies-soon"

	// The metadata, for who signs in.
	pointerAway      Cause = "metadata-pointer-elsewhere"
	pointerMissing   Cause = "metadata-pointer-missing"
	resourceParent   Cause = "resource-is-parent"
	issuerSlash      Cause = "issuer-slash"
	pointerDead      Cause = "metadata-pointer-dead"
	pointerPage      Cause = "metadata-pointer-page"
	resourceUnnamed  Cause = "resource-unnamed"
	resourceOther    Cause = "resource-mismatch"
	noServers        Cause = "no-authorization-server"
	noMetadata       Cause = "no-metadata"
	metadataDown     Cause = "metadata-trouble"
	metadataOdd      Cause = "metadata-unusable"
	issuerMissing    Cause = "issuer-missing"
	issuerOther      Cause = "issuer-mismatch"
	noTokenEndpoint  Cause = "no-token-endpoint"
	tokenEndpointBad Cause = "token-endpoint-unusable"
	noPKCE           Cause = "pkce-missing"
	plainPKCE        Cause = "pkce-without-s256"
	noRefreshGrant   Cause = "metadata-no-refresh-grant"
)

func urlCauses() map[Cause]cause {
	return map[Cause]cause{
		badURL:            {wrong, "What is stored as the server is no URL of one.", "Nothing was asked.", "Correct it in the client's configuration, as https://host/path, and sign in again."},
		inTheClear:        {wrong, "The URL is plain http, so the secret was not sent.", "Whoever is on the way could read it.", "Use the https URL."},
		unknownHost:       {wrong, "There is no host called %[1]s.", "No client can reach it.", "Check the spelling of the host; an internal name needs the company's network or VPN."},
		noNames:           {temporary, "The name %[1]s could not be looked up.", "Nothing says that it is wrong: the name server gave no answer.", "Check this computer's network and try again."},
		refusedConnection: {temporary, "Nothing accepts connections at %[1]s.", "The server is down, on another port, or behind a firewall.", "Check the port, and whether the server runs; then try again."},
		refusedAddress:    {wrong, "The address that the server leads to is refused.", "A server in public that leads into a private network could be an attack.", "Check who gave you this URL; allow_private in config.toml allows a host."},
		brokenOff:         {temporary, "The connection to %[1]s broke before an answer came.", "Whatever was asked may or may not have arrived.", "Try again; if it stays, look for a firewall or a proxy on the way."},
		silent:            {temporary, "%[1]s does not answer.", "Clients wait until they give up.", "Try again; if it stays, look for a firewall, or a proxy that is missing here."},
		proxyFails:        {wrong, "The proxy %[1]s does not let the request through.", "Nothing on this computer that honours the proxy reaches the server.", "Check HTTPS_PROXY, or put the host into NO_PROXY."},
		proxyAsks:         {wrong, "A proxy on the way wants a sign-in of its own.", "The request never reached the server, and its secret was not judged.", "Put the proxy's user name into HTTPS_PROXY, or the host into NO_PROXY."},
		untrusted:         {wrong, "This computer does not trust the server's certificate.", "Either a company's proxy opens TLS on the way, or the server has a certificate of its own; clients refuse both.", "If %[1]s is your company's, install its root certificate for your client too (NODE_EXTRA_CA_CERTS, SSL_CERT_FILE); otherwise do not send it a secret."},
		otherName:         {wrong, "The server's certificate is not for %[1]s.", "Clients refuse it.", "Use the name that the certificate is for, or have the certificate replaced."},
		certExpired:       {wrong, "The certificate of %[1]s has ended, or has not begun.", "Clients refuse it.", "Have the certificate renewed; if its dates look right, set this computer's clock."},
		notTLS:            {wrong, "%[1]s does not speak TLS on that port.", "https cannot work there.", "Check the port, or whether the server is meant to be http on this computer."},
		opened:            {note, "Somebody opens TLS on the way.", "It works here because this computer trusts %[1]s; a client with certificates of its own (Node, Python, Java) may not.", "If a client says \"self-signed certificate in chain\", give it the company's root certificate."},
		clockOff:          {wrong, "This computer's clock is %[1]s %[2]s the server's.", "Tokens seem to live when they have ended, or are refused as not yet valid.", "Set the clock: turn on the synchronisation of time."},

		open:          {note, "No authentication is needed.", "A client can leave the secret out, as long as no single call asks for one.", "Choose \"no authentication\" in the client."},
		page:          {wrong, "A web page answers, not an API.", "A proxy, a portal or a page for people stands where the client expects the API.", "Check the URL's path; if it is right, open it in a browser to see who answers."},
		portal:        {temporary, "The network wants a sign-in of its own before it lets anything through.", "The request never reached the server.", "Open any page in a browser, sign in to the network, and try again."},
		challenged:    {wrong, "A protection against robots stands before the server and wants a browser.", "No client that is a program gets through.", "Have the server's owner except this path from the check."},
		nothingThere:  {wrong, "There is nothing at %[1]s.", "No secret helps where nothing is.", "Check the path: an MCP server is often at /mcp, and an API's version is part of its path."},
		notAllowed:    {wrong, "The server knows this path, but takes neither POST nor GET there.", "Neither MCP nor a simple call can work.", "Check the path and the method in the server's documentation."},
		moved:         {wrong, "The server sends on to another URL of its own.", "Clients do not follow with a secret, or lose it on the way.", "Put %[1]s into the client."},
		elsewhere:     {wrong, "The server sends on to another server.", "%[1]s is a sign-in page or a portal; the secret was not sent there, and clients lose it.", "Use the API's own URL, which does not lead people to a page."},
		serverDown:    {temporary, "The server is in trouble.", "Its answer says nothing of the secret.", "Try again later; if it stays, tell the server's owner the status."},
		tooMany:       {temporary, "The server has had too many requests.", "Its answer says nothing of the secret.", "Wait as long as it asks for."},
		quota:         {temporary, "The quota of this key is used up.", "The key is right, and refused until the quota begins anew.", "Wait, or ask for a larger quota."},
		asksSomething: {wrong, "The server refuses a request without a secret and does not say what it wants.", "A client cannot find out by itself how to sign in.", "Look up how it authenticates, and run this again with --bearer, --basic, --api-key-header NAME or --api-key-query NAME."},
		gatewayAsks:   {wrong, "A gateway before the API wants a key of its own, in the header %[1]s.", "Requests end at the gateway.", "Take the key from the gateway's developer portal and run this again with --api-key-header %[1]s."},
		notUnderstood: {wrong, "The server refuses the request, and says nothing of a secret.", "It may want another path, method or parameters.", "Make the call that its documentation shows, by hand."},

		secretPadded:   {wrong, "There is white space or a line break around the secret.", "A client that sends it as it is sends a broken header, or another secret.", "Store it without: printf %%s instead of echo, and no line break when you paste."},
		secretQuoted:   {wrong, "The secret stands in quotes.", "They are sent as a part of it.", "Store it without the quotes."},
		secretJSON:     {wrong, "The secret is a whole token answer, not a token.", "All of it is sent as if it were the token.", "Use the value of access_token alone."},
		secretUnfilled: {wrong, "The secret is a placeholder that nobody filled in.", "The server gets the name of the secret, not the secret.", "Check that the variable is set where the client runs."},
		secretCut:      {wrong, "The secret was cut off where it was shown shortened.", "The rest of it is missing.", "Copy it with the button of the page, not from what it shows."},
		secretOdd:      {wrong, "There is a character in the secret that cannot be seen.", "It came along from a web page or a document, and makes it another secret.", "Copy the secret from where it was made, or type it."},
		basicNoColon:   {wrong, "The secret for Basic is not user:password.", "The scheme wants both, with a colon between them.", "Give user:password; the client encodes it."},
		bearerTwice:    {wrong, "The word \"Bearer\" is sent twice.", "The server takes the second one for the token.", "Store the token alone: the client puts \"Bearer \" before it."},
		bearerMissing:  {wrong, "The word \"Bearer\" is missing before the token.", "The server does not know the scheme and takes the request for one without a token.", "Put \"Bearer \" before the token, or choose the client's bearer scheme instead of its API key."},

		schemeOther:    {wrong, "The server asks for %[1]s, and the secret came as %[2]s.", "It does not look there.", "Choose %[1]s in the client, with the secret that belongs to it."},
		nameOther:      {wrong, "The secret comes in %[1]s, and belongs into %[2]s.", "The server does not look there and takes the request for one without a secret.", "Change the name in the client; names of parameters also differ by capitals."},
		unseen:         {wrong, "The server does not see the secret in %[1]s.", "It answers as if none had been sent.", "Look up the name of the header or parameter in the API's documentation; a gateway on the way may also remove it."},
		gatewayMissing: {wrong, "The gateway before the API wants a key of its own, in the header %[1]s.", "The request ends at the gateway: the API never saw the secret.", "Send the gateway's key beside the secret (to try it here: --gateway-key %[1]s), or have the requirement taken off this API."},
		gatewayWrong:   {wrong, "The gateway does not know this key, or not for this API.", "The request ends at the gateway.", "Take a key of an active subscription whose product holds this API."},
		keyRefused:     {wrong, "The server sees the key and refuses it.", "It is wrong, revoked, or for another environment.", "Make a new key where the old one came from, and check that both are for the same environment."},
		wrongPassword:  {wrong, "The server refuses the user name or password.", "Basic is the right scheme, and the pair is not.", "Check both; where the account has a second factor, an app password or token takes the password's place."},
		tokenExpired:   {needsUser, "The token has expired.", "The server refuses it from then on, whoever sends it.", "Get a new one: sign in again, or let the client refresh it."},
		tooEarly:       {wrong, "The token is not valid yet.", "The clock of who issued it is ahead of the server's.", "Have the issuer's clock set; until then wait."},
		otherAudience:  {wrong, "The token is for another audience than %[1]s.", "The server refuses tokens that were not made for it.", "Ask for the token with this API's scope or resource, and sign in anew."},
		otherTenant:    {wrong, "The token is of another tenant than %[1]s.", "The server takes only its own tenant's tokens.", "Sign in at that tenant: put its ID, not \"common\", into the client's URLs."},
		otherIssuer:    {wrong, "The token was not issued by %[1]s, which the server trusts.", "The server refuses tokens of others.", "Get the token from the issuer that the server names."},
		tokenRefused:   {needsUser, "The server refuses the token as invalid.", "It was revoked, or never was this server's.", "Sign in again."},
		refusedMute:    {wrong, "The server refuses the token and does not say why.", "It asks for this scheme, so that the token itself is wrong, ended or for somebody else.", "Get a new token from the issuer that the server names, and compare."},
		forbidden:      {wrong, "The server knows the token and forbids the call.", "The user or the application has no right to it.", "Have the right granted; a new token of the same user changes nothing."},
		scopeMissing:   {wrong, "The token lacks a scope: %[1]s.", "The server knows the token and refuses this call.", "Add the scope to what the client asks for, and sign in anew: a refresh brings no new scope."},
		hidden:         {wrong, "With the secret the server says that there is nothing here.", "It hides what the secret may not see, or the path is another.", "Check the path, and whether the account may see it."},
		secretHurts:    {wrong, "The server works without a secret, and refuses this one.", "Clients that send it fail where others do not.", "Leave the secret out, or get one that is right."},
		accepted:       {note, "The server takes the secret, and refuses the bare request.", "The secret is not what is wrong: the call wants parameters, another method or another path.", "Make the call that the API's documentation shows."},
		idToken:        {wrong, "This is an ID token, not an access token.", "It tells a client who signed in; APIs refuse it.", "Use the value of access_token from the same answer, asked for with the API's scope."},
		diesSoon:       {note, "It works now, and ends in %[1]s: an access token alone cannot be renewed.", "The connection fails then, and every time after a new token was put in.", "Let the client sign in itself and ask for offline_access, so that it gets a refresh token."},

		pointerAway:      {wrong, "The server's metadata is on another origin.", "Clients that keep to RFC 9728 section 3 refuse to follow.", "Serve it from the server's own origin."},
		pointerMissing:   {note, "The refusal does not say where the server's metadata is.", "Most clients find it in the well-known place; claude.ai and the C# SDK only follow the header.", "Add resource_metadata to WWW-Authenticate (RFC 9728 section 5.1)."},
		resourceParent:   {note, "The metadata is for the server as a whole, not for this path.", "Most clients accept that; VS Code refuses.", "Make \"resource\" equal to %[1]s."},
		issuerSlash:      {note, "Two documents write the issuer differently, by a slash at its end.", "Codex and Claude Code accept that; GitHub Copilot CLI and opencode refuse.", "Write it the same way in both."},
		pointerDead:      {wrong, "The server points to metadata that is not there.", "Clients that follow the pointer find no authorization server.", "Mend resource_metadata in WWW-Authenticate, or serve the document there."},
		pointerPage:      {wrong, "The server points to a web page where its metadata should be.", "Clients cannot read it.", "Serve the JSON document of RFC 9728 there."},
		resourceUnnamed:  {wrong, "The server's metadata does not name its resource.", "Clients refuse it (RFC 9728 section 3.3).", "Add \"resource\" with the server's URL."},
		resourceOther:    {wrong, "The server's metadata is for another resource.", "Clients refuse it, or ask for a token that this server refuses.", "Make \"resource\" equal to %[1]s, the URL that clients use."},
		noServers:        {wrong, "The server's metadata names no authorization server.", "Clients guess one, and mostly miss.", "Name the issuer in \"authorization_servers\"."},
		noMetadata:       {wrong, "There is no metadata that leads to an authorization server.", "Clients guess /authorize and /token at the server's origin, as MCP 2025-03-26 had it.", "Serve the documents of RFC 9728 and RFC 8414."},
		metadataDown:     {temporary, "The metadata cannot be had at the moment.", "Nobody can sign in until it can.", "Try again later."},
		metadataOdd:      {wrong, "The metadata cannot be used.", "Nobody can sign in with a client that checks it.", "Mend what the evidence names."},
		issuerMissing:    {wrong, "The authorization server's metadata names no issuer.", "Clients must not use it (RFC 8414 section 3.3).", "Add \"issuer\"."},
		issuerOther:      {wrong, "The authorization server's metadata is for another issuer than %[1]s.", "Clients must not use it (RFC 8414 section 3.3); those that do not check sign in, and fail later.", "Make \"issuer\" equal to %[1]s, character by character."},
		noTokenEndpoint:  {wrong, "The authorization server's metadata has no token endpoint.", "No code can be exchanged, and nothing refreshed.", "Add \"token_endpoint\"."},
		tokenEndpointBad: {wrong, "The token endpoint is not a URL that a token may be sent to.", "Clients refuse it.", "Make it an https URL without user name and fragment."},
		noPKCE:           {wrong, "The authorization server does not say that it knows PKCE.", "MCP clients are to refuse it (2025-11-25); some do, and some sign in all the same: Entra ID and Cognito know PKCE and do not say so.", "Add \"code_challenge_methods_supported\": [\"S256\"]."},
		plainPKCE:        {wrong, "The authorization server does not offer PKCE with S256.", "MCP clients use no other method.", "Add \"S256\" to \"code_challenge_methods_supported\"."},
		noRefreshGrant:   {wrong, "The authorization server offers no refresh tokens.", "Users have to sign in again whenever the access token ends.", "Add \"refresh_token\" to \"grant_types_supported\", and issue refresh tokens."},
	}
}
