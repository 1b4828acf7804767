package app

// Words of the commands that a script calls before its own work.
const (
	saidAllOfAndIDs = "--all-of and IDs exclude each other; give one of them"
	saidEnsureWhat  = "name the credentials, or say --all-of CLIENT"
	saidNoClient    = "no client is called %q; there are %s"
	saidNothingOf   = "%s has no credential that could be kept; \"lamplighter status\" lists what there is"
	saidLacks       = "%s: %s -> %s"

	saidNoFormat   = "there is no format %q; --format takes one of %s"
	saidNoHeader   = "%s: its access token has characters that no header takes; see --format raw"
	saidNotShown   = "%s: not printed, because stdout is a terminal and nobody can be asked; lead it elsewhere, as by | or >"
	saidShow       = "Show the access token of %s on this terminal, where it stays to be read? [y/N] "
	saidNotPrinted = "Not printed."

	saidExecWhat    = "say which command to run, after --: lamplighter exec --env NAME=ID -- CMD"
	saidBadVariable = "write NAME=ID, where NAME can be the name of a variable"
	saidTwice       = "%s is given twice"
	saidNoProgram   = "%s cannot be run: %v"

	saidTimeout = "--timeout says how long --wait waits; give both"
	saidNoHope  = "it has to be fresh or sign-in-needed"
	saidLate    = "not %s after %s"
	workWaiting = "waiting"

	saidNoFile   = "it has to be the name of a file"
	saidNoFolder = "the folder %s is not there"

	wordLost        = "signed out or replaced meanwhile"
	wordWaitedFor   = "another process sent a refresh %s ago and has no answer yet, and --wait %s is over"
	wordWaited      = "its server, or a lock that another program holds, takes longer than --wait %s"
	wordTryAgain    = "try again later"
	wordStartClient = "start %s"
	wordNoPromise   = "nobody says when it ends, so nobody can promise %s"
	wordLeaveOut    = "leave it out"
	wordLivesShort  = "cannot have %s: its tokens live %s"
	wordLongest     = "--min-ttl %s is the longest possible"
)
