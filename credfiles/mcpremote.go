package credfiles

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/processes"
)

// mcpRemote is mcp-remote, which puts remote MCP servers on the stdio of
// clients that can do nothing else. One process serves one server for one
// client, and all processes of a user share the store. "Observed" means npm
// mcp-remote 0.15.1, and 0.1.38 where that is named, with Node 20 on Linux;
// "source" means read in the package of the version named.
//
// What it keeps, below $MCP_REMOTE_CONFIG_DIR or ~/.mcp-auth:
//
//	mcp-remote-v1/HASH_tokens.json       0.3.3 and later, whatever the version
//	mcp-remote-0.1.37/HASH_tokens.json   up to 0.3.1: the version, for each its own;
//	                                     0.1.37 and 0.1.38 name the one before (observed)
//	HASH_client_info.json                the registration; not for one that a person
//	                                     named on the command line (observed)
//	HASH_refresh_in_progress.json        the lease
//	HASH_code_verifier*, HASH_discovery_state*, HASH_lock.json: sign-ins under way
//
// HASH is an MD5 of the command line: see remoteServer. Files are
// JSON.stringify with two spaces, no newline at the end, mode 0600; written to
// a temporary name and renamed from 0.1.49 on, in place before (source).
//
// How it refreshes, by version:
//
//   - up to 0.2.3: only after a 401 (0.1.38, observed). It reads the store,
//     then POSTs: no lock of any kind. What it read before somebody else's
//     refresh it sends after it.
//   - 0.2.5 (not yet 0.2.3) to 0.8.2: reads the store at every request, and
//     refreshes when 60 s or less are left by expires_at; a 401 as before. No
//     lock, single flight only within one process (source).
//   - 0.8.3 and later: the same, with the lease for the first of the two. It
//     looks for its refresh token in the store once more when it has the lease,
//     and takes whatever stands there, however fresh. A 401 still leads to a
//     refresh without the lease, but reads the store right before it, after
//     two or three requests for metadata (observed).
//
// The lease (0.8.3 to 0.15.1): the file is created exclusively (O_EXCL, 0600)
// with {"pid","nonce","at"} in it, two spaces, "at" in milliseconds. It counts
// while "at" is less than 30 s old and the pid lives (EPERM is alive); one that
// does not parse counts as abandoned at once. It is never touched again by
// mcp-remote, and removed at the end if the nonce is still its own. Who finds it
// taken polls every 200 ms: store first, then lease. A token in the store with
// more than 60 s left is adopted; a lease that is gone ends the wait without a
// refresh, with the token that was read before the wait; one that is stale or
// whose pid is dead is taken over. There is no other limit to the wait: it sat
// behind a lease that was kept young for 45 s, until that was released, and took
// one that was not kept young after 30 s (observed). Where no lease can be made
// it refreshes without one (source).
//
// It adopts: tokens and registration are read from the files at every request,
// nothing is cached (observed: a token that we wrote was on the wire with the
// next request). A refused refresh token (invalid_grant) makes it delete
// HASH_tokens.json and open a browser at once; 0.15.1 had sent it three times
// by then, 0.1.38 once (observed). invalid_client and unauthorized_client also
// delete HASH_client_info.json; so does a start with another redirect URI. A
// token that the MCP server refuses right after a refresh is deleted too, and
// one that was asked for with other scopes than the command line wants now.
// Trouble with the network or a 5xx deletes nothing (observed), but behind a 401
// it opens a browser as well (source).
var mcpRemote = client{
	name:  "mcp-remote",
	title: "mcp-remote",
	dir:   ".mcp-auth",
	env:   "MCP_REMOTE_CONFIG_DIR",
	seen:  "0.0.22 to 0.15.1",

	files: []file{{
		name: "mcp-remote-*/*_tokens.json",
		many: true,
		pairs: []pair{{tail: "_client_info.json", fields: fields{
			issuer:   at("issuer"), // since 0.14.3 (source)
			clientID: at("client_id"), clientSecret: at("client_secret"),
			authMethod: at("token_endpoint_auth_method"),
			redirect:   at("redirect_uris", "0"),
		}}},
		kinds: []kind{{
			name: "mcp", single: true,
			fields: fields{
				access: at("access_token"), refresh: at("refresh_token"), scope: at("scope"),
				// Since 0.14.3; its own refresh leaves it out again (observed).
				issuer: at("issuer"),
				// Milliseconds, since 0.1.46 (source). Before, nobody notes when the
				// token came but the file system.
				expiry: at("expires_at"), expiryGone: asMissing,
				lifetime: at("expires_in"), sinceFile: true,
				// Its schema takes no null: the whole file would not be read (source).
				refreshGone: asMissing,
			},
			anew:  mcpRemoteAnew,
			adopt: mcpRemoteAdopt,
		}},
		// Up to 0.1.48 it writes in place, and later where a rename is refused on
		// Windows (source).
		inPlace: true,
	}},
	join: mcpRemoteJoin,

	threshold: time.Minute,
	// Its wait ends with ours, and ours can last 45 s; the MCP server on its
	// other side is given 30 s to be initialized in (0.15.1, source).
	patience: 30 * time.Second,
	// POST with client_id in the body; the scope that the answer before named,
	// since 0.9.0; resource as the protected-resource metadata has it, or as the
	// command line (observed). A secret as the registration says, else HTTP
	// Basic without form-encoding if the server lists it (source).
	request: Request{Scope: true, RawBasic: true},

	// Versions that take no lease ignore ours.
	grantLock: func(s *Store, c Credential) clientLock {
		return clientLock{
			path:  filepath.FromSlash(c.Key.Entry) + "_refresh_in_progress.json",
			lease: true, stale: 30 * time.Second, heartbeat: 10 * time.Second,
		}
	},

	programs:  []string{"node", "bun", "deno"},
	runs:      func(p processes.Process) bool { return mcpRemoteScript(p) != "" },
	holds:     mcpRemoteHolds,
	version:   mcpRemoteVersion,
	rereads:   func(string) Rereads { return EachUse },
	lockless:  func(version string) bool { return version == "" || older3(version, 0, 8, 3) },
	reconnect: "restart the client that started it",

	signIn: func(c Credential) []string { return c.SignIn }, // mcpRemoteAdopt knows
}

// mcpRemoteStable is the folder that does not change with the version.
const mcpRemoteStable = "mcp-remote-v1"

func mcpRemoteJoin(s *Store, _ jsonedit.Value) (joined, *Problem) {
	j := s.pair()
	folder, hash := path.Split(s.entry)
	j.command = s.commands.of(hash)
	// After an update the files of the version before stay behind, unless a
	// configuration holds on to it.
	if path.Clean(folder) != mcpRemoteStable && (j.command == nil || j.command.version == "") {
		_, err := os.Stat(filepath.Join(s.home, mcpRemoteStable, hash+s.file.tail()))
		j.elsewhere = err == nil || !errors.Is(err, fs.ErrNotExist)
	}
	return j, nil
}

func mcpRemoteAdopt(c *Credential, _ jsonedit.Value, j joined) {
	folder, hash := path.Split(c.Key.Entry)
	folder = path.Clean(folder)
	if folder != mcpRemoteStable {
		version := strings.TrimPrefix(folder, "mcp-remote-")
		c.Profile = strings.TrimPrefix(c.Profile+"-"+version, "-")
		c.Request.Scope = false // 0.1.38 sends none (observed)
	}
	c.Name, c.Unused = hash[:min(8, len(hash))], j.elsewhere
	if j.command == nil {
		c.WatchOnly = NoServer
		return
	}
	j.command.apply(c)
	switch {
	case j.command.renews:
		c.WatchOnly = ClientRenews
	case c.ClientID == "":
		c.WatchOnly = NoClient
	}
	c.SignIn = j.command.signIn(folder == mcpRemoteStable)
}

// mcpRemoteAnew is a file as it is written after a sign-in (source).
func mcpRemoteAnew(c Credential) string {
	expires := ""
	if strings.HasPrefix(c.Key.Entry, mcpRemoteStable+"/") {
		expires = `,
  "expires_at": 0`
	}
	return `{
  "access_token": "",
  "token_type": "Bearer",
  "expires_in": 0,
  "refresh_token": ""` + expires + `
}`
}

// mcpRemotePath is how npm, npx and a checkout start it.
var mcpRemotePath = regexp.MustCompile(`(^|/)(mcp-remote(-client)?|mcp-remote/dist/(proxy|client)\.js)$`)

// mcpRemoteScript is the script that a running program was started with, empty
// where it is not mcp-remote.
func mcpRemoteScript(p processes.Process) string {
	for _, arg := range p.Args[min(1, len(p.Args)):] {
		if mcpRemotePath.MatchString(strings.ReplaceAll(arg, `\`, "/")) {
			return arg
		}
		if !strings.HasPrefix(arg, "-") {
			return "" // another script, which may be handed this name
		}
	}
	return ""
}

func mcpRemoteVersion(p processes.Process) string {
	return processes.PackageVersion(mcpRemoteScript(p), "mcp-remote")
}

// mcpRemoteHolds reports whether a running mcp-remote uses a store. One whose
// command line we cannot read counts for all.
func mcpRemoteHolds(s *Store, p processes.Process) bool {
	folder, hash := path.Split(s.entry)
	if version := mcpRemoteVersion(p); version != "" {
		if stable := path.Clean(folder) == mcpRemoteStable; stable == older3(version, 0, 3, 3) {
			return false
		}
	}
	r, ok := parseRemote(p.Args, nil)
	return !ok || slices.Contains(r.hashes, hash)
}

// older3 is older with the third number, up to a pre-release's mark.
func older3(version string, major, minor, patch int) bool {
	if older(version, major, minor) || !older(version, major, minor+1) {
		return older(version, major, minor)
	}
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 3 {
		return false
	}
	n, err := strconv.Atoi(strings.SplitN(parts[2], "-", 2)[0])
	return err == nil && n < patch
}
