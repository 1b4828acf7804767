// Package signin signs in again: by the client's own command ([Command]), or
// by a browser and our own code flow ([Begin]) with the client's registration.
//
// The flow is that of RFC 6749 section 4.1 for an app on a computer (RFC
// 8252), with PKCE (RFC 7636), the resource of RFC 8707 and the issuer of RFC
// 9207, as the MCP authorization specification since 2025-11-25 wants it. It
// ends with a code; what the code brings is the refresher's to fetch and to
// keep, so that an answer is on disk before anybody looks at it.
//
// Nothing of the user's changes before that. A sign-in that is given up leaves
// at most a registration at the server that nobody uses.
package signin
