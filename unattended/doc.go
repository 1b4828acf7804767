// Package unattended is the keeper as a computer without a display has it: a
// unit of a real user's systemd, a line of a real cron, an image that holds
// nothing else. It has tests only, under the tag e2e ("make e2e"), which run as
// root in namespaces of their own; what lacks is skipped and says so.
package unattended
