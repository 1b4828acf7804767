package doctor

import "lamplighter/credfiles"

// The Args of a Problem with a store are the place, the client's name and what
// to do, in the words of whoever shows problems elsewhere.
func storeCauses() map[Cause]cause {
	const (
		lost      = "Nobody can renew what is in it until it can be read."
		unwritten = "A new token could not be stored, so none is asked for."
		unseen    = "What is in there is not renewed meanwhile."
	)
	all := map[Cause]cause{}
	for kind, w := range map[credfiles.ProblemKind][2]string{
		credfiles.Empty:      {"%[1]s is empty.", lost},
		credfiles.Torn:       {"%[1]s ends in the middle.", lost},
		credfiles.Trailing:   {"%[1]s goes on after its end, as after a crash.", lost},
		credfiles.NotJSON:    {"%[1]s is not JSON.", lost},
		credfiles.NotUTF8:    {"%[1]s is not plain UTF-8.", lost},
		credfiles.TooDeep:    {"%[1]s is nested too deeply to be %[2]s's.", lost},
		credfiles.TooLarge:   {"%[1]s is too large to be %[2]s's.", lost},
		credfiles.NotRegular: {"%[1]s is not a file.", lost},
		credfiles.Dangling:   {"%[1]s is a link to nothing.", lost},
		credfiles.Failed:     {"%[1]s cannot be used.", lost},
		credfiles.OddShape:   {"%[1]s is not written as %[2]s writes it.", "It is left alone: what we do not understand we do not write."},
		credfiles.Denied:     {"You may not read and write %[1]s.", "Nothing in it is renewed."},
		credfiles.Mount:      {"%[1]s is mounted as a single file.", unwritten},
		credfiles.ReadOnly:   {"%[1]s is on a read-only file system.", unwritten},
		credfiles.Folder:     {"Nothing can be created beside %[1]s.", unwritten},
		credfiles.Owner:      {"%[1]s belongs to somebody to whom a new file cannot be given.", unwritten},
		credfiles.Space:      {"There is no room left for %[1]s.", unwritten},
		credfiles.Full:       {"The keyring takes no longer token than the one in %[1]s.", unwritten},
		credfiles.BadConfig:  {"%[1]s, where %[2]s may keep a client secret, cannot be read.", "Nothing of that client is renewed."},
		credfiles.Cache:      {"%[1]s could not be changed.", "%[2]s skips a server that works."},
		credfiles.Locked:     {"The keyring is locked.", unseen},
		credfiles.NoKeyring:  {"No keyring can be reached.", unseen},
		credfiles.Slow:       {"The keyring does not answer.", unseen},
		credfiles.NotAllowed: {"The keyring does not let us read what %[2]s keeps in it.", unseen},
		credfiles.Sealed:     {"%[1]s is encrypted and cannot be opened.", unseen},
		credfiles.Double:     {"The keyring has two items for %[1]s.", "%[2]s uses neither, and asks for a sign-in."},
		credfiles.PlainState: {"The keyring keeps nothing for us.", "Who reads your files reads what is remembered of its tokens."},
		credfiles.StaleCopy:  {"%[1]s is an old copy of what the keyring has.", "The two places disagree; %[2]s reads the keyring."},
	} {
		s := wrong
		if kind == credfiles.PlainState || kind == credfiles.StaleCopy {
			s = note
		}
		all[problemCause(kind)] = cause{s, w[0], w[1], "%[3]s"}
	}
	return all
}

func systemCauses() map[Cause]cause {
	return map[Cause]cause{
		"lock-left": {wrong,
			"%[1]s has a lock that somebody left behind.",
			"Its sessions wait for it, or go on without it and use a refresh token twice.",
			"End %[1]s, then remove %[2]s."},
		"store-open": {wrong,
			"Other users of this computer can read the tokens of %[1]s.",
			"Who reads a refresh token has your sign-in.",
			"%[2]s"},
		"keyring-volatile": {wrong,
			"The keyring keeps nothing past the session, and %[1]s has its tokens in it.",
			"Every logout or crash of the keyring is a sign-in.",
			"Make a lasting keyring with a password the default one, or tell %[1]s to use its file."},
		"settings": {wrong,
			"The settings cannot be used as they are.",
			"Those of before, or the defaults, are in force; commands refuse to act.",
			"Mend that line."},
		"state-unusable": {wrong,
			"The state folder cannot be used.",
			"Without it nothing is refreshed: what is spent would not be known.",
			"%[1]s"},
		"state-newer": {wrong,
			"The state folder was written by a newer version of this program.",
			"This version does not touch it, and refreshes nothing.",
			"Use the newer version."},
		"state-unwritable": {wrong,
			"Nothing can be written into the state folder.",
			"No answer could be kept safe, so nothing is refreshed.",
			"%[1]s"},
		"journal-left": {note,
			"The journal holds a token for an entry that is not there.",
			"If that entry was logged out, it is of no use; if its store is away, it goes there when that comes back.",
			"Nothing, or bring the store back."},
		"keepers": {note,
			"%[1]d keepers run.",
			"Their locks keep them from harming each other; all but one are for nothing.",
			"Leave the tray app or one \"lamplighter keep\"."},
		"keeper-replaced": {note,
			"The keeper that runs is not the program that is installed.",
			"It goes on as it was before the update.",
			"Restart it."},
		"autostart-gone": {wrong,
			"What should start at login is not there.",
			"After the next login nobody keeps anything fresh.",
			"Start the tray app once, which mends it, or remove that entry."},
		"service-gone": {wrong,
			"What the system should run as the keeper is not there.",
			"Nobody keeps anything fresh.",
			"Install it again: %[1]s"},
		"service-idle": {wrong,
			"The keeper is a service of the system's and does not run.",
			"Nobody keeps anything fresh.",
			"See why: %[1]s"},
		"clock": {wrong,
			"This computer's clock differs from a server's by %[1]s.",
			"Tokens seem to live longer, or shorter, than they do: they are renewed too late, or refused as not yet valid.",
			"Have the clock set by the network; if it is right, tell the server's owner."},
		"clock-files": {wrong,
			"The file system's clock differs from this computer's by %[1]s.",
			"Clients tell by the times of files whether a lock is alive: they take live ones for left behind, or wait for dead ones.",
			"Have both clocks set by the network."},
		"clock-back": {wrong,
			"Something was written in the future: the clock was set back, or was wrong then.",
			"Ends of tokens that were reckoned by that clock are wrong until the next refresh.",
			"Have the clock set by the network."},
		"proxy-malformed": {wrong,
			"%[1]s is no address of a proxy.",
			"Whoever goes by it reaches no server.",
			"Set it to http://HOST:PORT, or unset it."},
		"proxy-double": {note,
			"%[1]s and %[2]s name different proxies.",
			"Programs differ in which they take: this one takes %[1]s, curl and some clients the other.",
			"Set both to the same, or unset one."},
		"proxy-plain": {note,
			"Only %[1]s is set, which this program does not use for https.",
			"It reaches servers without a proxy, while some clients use one.",
			"Set HTTPS_PROXY as well, if there is no other way out."},
		"no-proxy": {wrong,
			"NO_PROXY has a part that fits no host.",
			"Hosts that should be reached directly go through the proxy.",
			"Write it as a host, a domain or a network, without scheme and path."},
		"certificates-unread": {wrong,
			"%[1]s names certificates that cannot be read.",
			"Programs that go by it trust no server, or only the system's.",
			"Correct it, or unset it."},
		"no-roots": {wrong,
			"The system has no certificates to trust.",
			"Every https server is refused.",
			"Install the system's certificates (ca-certificates)."},
		"extra-authority": {note,
			"NODE_EXTRA_CA_CERTS names an authority that this program does not trust.",
			"Where a proxy signs with it, clients that run under Node reach their servers and this program does not.",
			"Add it to the system's certificates."},
	}
}

func problemCause(kind credfiles.ProblemKind) Cause { return Cause("store-" + string(kind)) }
