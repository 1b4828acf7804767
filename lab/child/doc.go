// Package child runs a test once more in a process of another kind: with
// mounts of its own, as another user, or under system calls that fail. It is
// for Linux only.
package child
