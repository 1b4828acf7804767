package app

const (
	saidAskWhich  = "--ask needs an ID: macOS asks for each of them"
	saidAskNobody = "%s: nobody has to be asked for it"
	saidAsking    = "%s: macOS asks for the password of your login keychain, for \"security\"; \"Allow\" is enough, \"Always Allow\" would not last"
	saidAsked     = "%s: %s; %s."
	saidUnasked   = "%s was not read: %s"

	wordAskDenied = "it was not allowed; nothing has changed"
	wordAskSlow   = "nobody answered the keychain's question in two minutes; nothing has changed"
	wordAskLocked = "the keychain is locked, or cannot show its question here, as over SSH; ask at the Mac itself"
	wordAskGone   = "the keychain has no such item any more"
)
