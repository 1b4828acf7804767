package doctor

import (
	"os"
	"strings"

	"lamplighter/credfiles"
	"lamplighter/credfiles/keyring"
	"lamplighter/refresher"
	"lamplighter/refresher/ledger"
)

// storeFaults are what can be wrong with the bytes of a store, and with the way
// to them.
var storeFaults = []fault{
	{cause: "store-empty", make: rewritten(func(string) string { return "" })},
	{cause: "store-trailing", make: rewritten(func(text string) string { return text + "{}" })},
	{cause: "store-not-json", make: rewritten(func(text string) string { return strings.Replace(text, ":", "=", 1) })},
	{cause: "store-not-utf8", make: rewritten(func(text string) string { return "\xef\xbb\xbf" + text })},
	{cause: "store-too-deep", make: rewritten(func(string) string {
		return strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000)
	})},
	{cause: "store-too-large", make: after(func(c *computer) { c.must(os.Truncate(c.Path(codexFile), 1<<30)) })},
	{cause: "store-dangling", make: after(func(c *computer) {
		c.must(os.Remove(c.Path(codexFile)))
		c.must(os.Symlink(c.Path("nowhere"), c.Path(codexFile)))
	})},
	{cause: "store-denied", make: after(func(c *computer) {
		if os.Getuid() == 0 {
			c.t.Skip("root may read everything")
		}
		c.must(os.Chmod(c.Path(codexFile), 0))
	})},
	{cause: "store-bad-config", make: after(func(c *computer) { c.put(".codex/config.toml", "[mcp_servers.linear\n") })},
	{cause: "store-no-keyring", make: func(c *computer) { seenThenFails(c, keyring.ErrAbsent) }},
	{cause: "store-slow", make: func(c *computer) { seenThenFails(c, keyring.ErrSlow) }},
	{cause: "store-not-allowed", make: func(c *computer) { seenThenFails(c, keyring.ErrDenied) }},
}

// rewritten is a healthy computer but for the text of a store.
func rewritten(change func(text string) string) func(c *computer) {
	return after(func(c *computer) {
		text, err := os.ReadFile(c.Path(codexFile))
		c.must(err)
		c.put(codexFile, change(string(text)))
	})
}

// seenThenFails is a keyring that something was seen in before it failed.
func seenThenFails(c *computer, err error) {
	inRing(c, &ringOf{})
	c.remember(func(*ledger.Locked, *ledger.Memory, refresher.Row) {})
	c.ring.fails = err
}

// unstaged are the kinds of Problem for which a whole system would have to be
// made: another disk, another owner, a keyring of a kind. Package credfiles has
// them.
var unstaged = []credfiles.ProblemKind{
	credfiles.Mount, credfiles.ReadOnly, credfiles.Owner, credfiles.Space, credfiles.Cache, credfiles.Failed,
	credfiles.Double, credfiles.Sealed, credfiles.PlainState,
}
