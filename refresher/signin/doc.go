// Package signin is the room of signing in again, by the client's own command
// or by our own browser flow. Until it is furnished, status names the client's
// command.
package signin
