package doctor

const (
	wordsLimits = "Lamplighter cannot change a connection that lives in somebody's cloud: what Power Platform or Copilot Studio keeps there, only they refresh. This tells how the endpoint behaves, not whether anybody calls it."

	wordsFine          = "Your endpoint refreshes in the form that Power Platform documents; if its log shows no call at expiry, the fault is not in the endpoint."
	wordsFineAs        = "Your endpoint refreshes in every way that was tried: %s."
	wordsFineBesides   = "Your endpoint refreshes in the form that Power Platform documents; besides, "
	wordsFineBut       = "Your endpoint refreshes in the form that Power Platform documents; but "
	wordsOffline       = "Nothing was sent: these are the requests, each of which would come after a sign-in of its own."
	wordsOfflineHanded = "Nothing was sent: these are the requests that your refresh token would be spent on."
)

// The causes of this part.
const (
	causeUnreachable      Cause = "endpoint-unreachable"
	causeTLS              Cause = "endpoint-certificate"
	causeBusy             Cause = "endpoint-busy"
	causeServerError      Cause = "endpoint-server-error"
	causeNoSignIn         Cause = "endpoint-no-sign-in"
	causeRedirect         Cause = "endpoint-redirect-not-registered"
	causeUnknownClient    Cause = "endpoint-client-unknown"
	causeCodeClient       Cause = "endpoint-code-client-refused"
	causeCodeRefused      Cause = "endpoint-code-refused"
	causeOfflineNotAsked  Cause = "endpoint-offline-access-not-asked"
	causeOfflineRefused   Cause = "endpoint-offline-access-not-granted"
	causeNeedsScope       Cause = "endpoint-needs-scope"
	causeForItself        Cause = "endpoint-token-for-itself"
	causeScopeRefused     Cause = "endpoint-refuses-scope"
	causeNeedsResource    Cause = "endpoint-needs-resource"
	causeResourceRefused  Cause = "endpoint-refuses-resource"
	causeWantsBasic       Cause = "endpoint-wants-basic"
	causeWantsBody        Cause = "endpoint-wants-secret-in-body"
	causeNoSecretWanted   Cause = "endpoint-wants-no-secret"
	causeSecretNotAsked   Cause = "endpoint-asks-no-secret"
	causeNoTemplate       Cause = "endpoint-needs-template"
	causeSecretExpired    Cause = "endpoint-secret-expired"
	causeSecretWrong      Cause = "endpoint-secret-wrong"
	causeClientForgotten  Cause = "endpoint-client-forgotten"
	causeClientRefused    Cause = "endpoint-client-refused"
	causeTokenUnknown     Cause = "endpoint-refresh-token-unknown"
	causeHandedDead       Cause = "endpoint-handed-token-dead"
	causePolicy           Cause = "endpoint-policy"
	causeGrantNotServed   Cause = "endpoint-no-refresh-grant"
	causeGatewayKey       Cause = "endpoint-gateway-key"
	causeNoEndpoint       Cause = "endpoint-not-there"
	causeMoved            Cause = "endpoint-moved"
	causePage             Cause = "endpoint-web-page"
	causeNotOAuth         Cause = "endpoint-not-oauth"
	causeRequestRefused   Cause = "endpoint-request-incomplete"
	causeRefused          Cause = "endpoint-refused"
	causeScopeLost        Cause = "endpoint-loses-scope"
	causeOtherAudience    Cause = "endpoint-other-audience"
	causeTokenRefused     Cause = "endpoint-token-refused-by-server"
	causeRefreshedRefused Cause = "endpoint-refreshed-token-refused-by-server"
	causeNoLifetime       Cause = "endpoint-no-lifetime"
	causeNothingSent      Cause = "endpoint-nothing-sent"
	causeNoPlace          Cause = "endpoint-no-metadata"
	causeOtherEndpoint    Cause = "endpoint-other-than-metadata"
)

func endpointCauses() map[Cause]cause {
	return map[Cause]cause{
		causeUnreachable: {temporary, "The endpoint could not be reached, or broke off before it answered.",
			"Whether it refreshes is not known.", "Look at the network, the proxy and the gateway, and try again."},
		causeTLS: {wrong, "No safe connection to the endpoint can be made: its certificate is not trusted, or is for another name.",
			"No client sends a refresh token to it.", "Look at the certificate and its chain; behind a proxy that opens connections, its authority has to be among those of the system."},
		causeBusy: {temporary, "The endpoint asks to be left alone for a while.",
			"Whether it refreshes is not known.", "Try again after the time that it names in Retry-After."},
		causeServerError: {temporary, "The endpoint failed: it, or the gateway before it, has an error of its own.",
			"A client that meets this cannot know whether its refresh token was used up.", "Look for the call in the log of the gateway, at this minute; then try again."},
		causeNoSignIn: {wrong, "The sign-in did not come to a code.",
			"Without one there is nothing to refresh.", "Do what the server says, or hand over a refresh token with --spend-token."},
		causeRedirect: {wrong, "The registration lacks the redirect URI %[1]s.",
			"The browser cannot come back from the sign-in.", "Add %[1]s to the redirect URIs of the client (in Entra: platform \"Mobile and desktop applications\"), or name one that it has with --redirect."},
		causeUnknownClient: {wrong, "The authorization endpoint does not know the client %[1]s.",
			"Nobody can sign in with it.", "Compare the client ID with the registration, and the tenant of the URL with where that is."},
		causeCodeClient: {wrong, "The token endpoint refuses the client at the sign-in itself.",
			"No client with this ID and secret can even sign in.", "Compare the secret; if it is right, the endpoint may want it elsewhere: --auth basic, body or none."},
		causeCodeRefused: {wrong, "The token endpoint does not take the code that the authorization endpoint gave.",
			"A sign-in does not come to a token.", "Look whether both URLs belong to one server and tenant, and whether a gateway between them changes redirect_uri or code_verifier."},
		causeOfflineNotAsked: {wrong, "The sign-in brings no refresh token, and offline_access was not asked for.",
			"Every client has to sign in again when the access token ends.", "Add offline_access to the scopes, of the connector as well as here (--scope)."},
		causeOfflineRefused: {wrong, "The sign-in brings no refresh token although offline_access was asked for.",
			"Every client has to sign in again when the access token ends.", "Allow the client the refresh_token grant and offline_access where it is registered; some servers also want consent each time."},
		causeNeedsScope: {wrong, "It fails without scope: the endpoint refreshes only where the scopes are repeated.",
			"Power Platform's generic template repeats none, so that its users reconnect at every expiry.", "Add &scope= with the scopes to refreshBodyTemplate, or let the gateway add it where it is missing."},
		causeForItself: {wrong, "It fails without scope: Entra takes the request for one of the application for a token to itself, because client and API are one registration.",
			"Power Platform's generic template and Claude Code send no scope in a refresh, so that their users sign in again at every expiry.",
			"Use one app registration for the API and another for the client, or let the gateway add scope=<the API's GUID>/<scope> where it is missing."},
		causeScopeRefused: {wrong, "The endpoint refuses a refresh that repeats the scopes.",
			"Clients that repeat them, as Codex does, sign in again at every expiry.", "Let it take the scopes that it granted (RFC 6749 section 6), or grant those that clients ask for."},
		causeNeedsResource: {wrong, "It fails without resource: the endpoint refreshes only where the resource is named.",
			"Clients that do not name it, as Power Platform's generic template, sign in again at every expiry.", "Let the resource of the sign-in stand where a refresh names none (RFC 8707 section 2.2)."},
		causeResourceRefused: {wrong, "The endpoint refuses a refresh that names the resource.",
			"MCP clients name it (RFC 8707), so that they sign in again at every expiry.", "Let the gateway take the parameter out before Entra sees it, or leave the resource out of the server's metadata."},
		causeWantsBasic: {wrong, "The endpoint takes the secret only by HTTP Basic, and not in the body, the way of %[1]s.",
			"Their users sign in again at every expiry, while %[2]s works.", "Let the endpoint take client_secret_post as well, or the gateway turn it into a header."},
		causeWantsBody: {wrong, "The endpoint takes the secret only in the body, and not by HTTP Basic, the way of %[1]s.",
			"Their users sign in again at every expiry, while %[2]s works.", "Let the endpoint take client_secret_basic as well, which RFC 6749 section 2.3.1 asks of every server; or list client_secret_post alone in the metadata."},
		causeNoSecretWanted: {wrong, "The client is a public one to the endpoint, which refuses a refresh that carries a secret.",
			"Power Platform's generic template always carries one.", "Register a client of the kind Web, with a secret, for the connector."},
		causeSecretNotAsked: {note, "The endpoint refreshes without the client's secret.",
			"Whoever has a refresh token can use it; RFC 6749 section 6 wants the client authenticated.", "If a gateway adds the secret by itself that is its purpose; otherwise let the endpoint ask for it."},
		causeNoTemplate: {note, "It refuses what Power Platform is reported to send where a connector has no refresh template, which carries neither ID nor secret.",
			"Such a connector works until the first access token ends.", "Set refreshBodyTemplate in the connector's apiProperties.json: grant_type=refresh_token&refresh_token={RefreshToken}&client_id={ClientId}&client_secret={ClientSecret}."},
		causeSecretExpired: {wrong, "The client secret has expired.",
			"Neither sign-ins nor refreshes work with it any more.", "Make a new secret for the application, and put it into every connector that uses it."},
		causeSecretWrong: {wrong, "The client secret is not the right one.",
			"Neither sign-ins nor refreshes work with it.", "Use the secret's value, not its ID; make a new one if the value is lost."},
		causeClientForgotten: {wrong, "The endpoint does not know the client at the refresh that it knew at the sign-in.",
			"A registration that is only cached, as in API Management samples for an hour, is gone when the first token ends.", "Keep registrations as long as refresh tokens live; to see when they go, try again with --wait."},
		causeClientRefused: {wrong, "The endpoint refuses the client, whose refresh token was handed over.",
			"Its registration is gone, or its secret is another.", "Compare client ID and secret; a registration that is only cached comes back with a new sign-in."},
		causeTokenUnknown: {wrong, "The endpoint does not know the refresh token that it gave out a moment ago.",
			"Every client has to sign in again when the access token ends.", "Look where it keeps refresh tokens: several instances without a common store, or a gateway that gives out those of another server, do this."},
		causeHandedDead: {needsUser, "The refresh token that was handed over is dead.",
			"It says nothing about the endpoint.", "Take a new one that nothing else uses, or leave --spend-token out and sign in here."},
		causePolicy: {needsUser, "The endpoint refreshes only after a person has met a policy.",
			"No client can do that in silence.", "Sign in again; if it comes back, look at the conditional access policies for this application."},
		causeGrantNotServed: {wrong, "The endpoint does not honour grant_type=refresh_token for this client.",
			"Every client has to sign in again when the access token ends.", "Allow the refresh_token grant, in the gateway's policy and at the client's registration."},
		causeGatewayKey: {wrong, "The gateway before the endpoint asks for a key of its own.",
			"No OAuth client sends one to a token endpoint.", "Take the subscription requirement off the API or the product that the token endpoint belongs to."},
		causeNoEndpoint: {wrong, "There is no token endpoint at this URL.",
			"A refresh goes nowhere.", "Compare the URL, also the refresh URL of the connector, with the route and the method in the gateway."},
		causeMoved: {wrong, "The endpoint redirects.",
			"Clients do not send a refresh token after a redirect.", "Use the URL that it leads to, or serve the request here."},
		causePage: {wrong, "A web page answers in place of the token endpoint.",
			"No client can read it.", "Look for a sign-in page, a firewall or a portal before the endpoint."},
		causeNotOAuth: {wrong, "The answer is not one of OAuth: it has neither a token nor an error code.",
			"Clients cannot tell what is wrong, and sign in again or give up.", "Let the gateway pass the token endpoint's own answers through, status and body."},
		causeRequestRefused: {wrong, "The endpoint misses something in the request and does not say what.",
			"The way that was tried does not refresh.", "Try the others, with --scope and --server, to see which parameter it is."},
		causeRefused: {wrong, "The endpoint refuses the request.",
			"Clients that ask in this way sign in again at every expiry.", "Look up its error code in the log of the gateway."},
		causeScopeLost: {wrong, "A refresh loses scopes: %[1]s.",
			"After the first refresh, as %[2]s asks, calls that need them are refused.", "Let a refresh without scope stand for all scopes that were granted (RFC 6749 section 6)."},
		causeOtherAudience: {wrong, "A refresh as %[1]s asks brings a token for another audience.",
			"The server refuses it, so that users sign in again though the refresh works.", "Entra v2 does this where a refresh repeats no scope: let the gateway add the scope of the API."},
		causeTokenRefused: {wrong, "The server refuses the access token of a sign-in: %[1]s.",
			"It is not about refreshing.", "Ask \"lamplighter doctor URL\" about the server."},
		causeRefreshedRefused: {wrong, "The server takes the access token of a sign-in and refuses a refreshed one: %[1]s.",
			"Users sign in again though the refresh works.", "Compare the two tokens: audience, scope and issuer have to be the same."},
		causeNoLifetime: {note, "The answer does not say how long the access token lives.",
			"Clients cannot refresh ahead of time, only after a 401.", "Send expires_in (RFC 6749 section 5.1)."},
		causeNoPlace: {wrong, "Nothing says where to sign in.",
			"Without a sign-in there is nothing to refresh.", "Name the place with --authorize-url, or hand over a refresh token with --spend-token."},
		causeOtherEndpoint: {note, "The metadata names another token endpoint than this.",
			"Clients that go by the metadata, as MCP clients do, never call this one.", "Ask about that one too."},
		causeNothingSent: {wrong, "Nothing could be sent with what was given.",
			"Whether the endpoint refreshes is not known.", "Give what is missing."},
	}
}
