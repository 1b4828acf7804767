package app

const (
	workExamining = "asking the server"

	saidMadeUp = "Asking %s whether it knows the client, with a refresh token that is made up; at most once a day."

	askRefresh         = "This sends the refresh token of %s and stores the answer, as every refresh does. Go on? [y/N] "
	saidNeedsYes       = `a refresh uses up the refresh token: in a script say "lamplighter doctor --refresh --yes ID"`
	saidOfflineRefresh = "--offline sends nothing, and --refresh a refresh token"
	saidRefreshID      = "--refresh and --yes are for an ID"
	saidNotAsked       = "Nothing was sent."
)
