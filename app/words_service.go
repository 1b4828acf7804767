package app

// Words of the commands about the service.
const (
	serviceHelp = `Has the system run "lamplighter keep" for you, without a display: as a unit of
your systemd on Linux, an agent of launchd on macOS, a task of Task Scheduler on
Windows. It runs as you and needs no administrator. The tray app starts with the
desktop by itself and needs none of this.`

	serviceInstallHelp = `Starts the keeper now and at each login, and again where it fails. With --config
it keeps by that file. What your environment says of where stores and proxies
are is written down with it, but no password. Run it again after a change or an
update: it starts anew, and a refresh under way is finished first.`

	serviceUninstallHelp = `Stops the keeper that "lamplighter service install" made and removes all that it
wrote. A refresh under way is finished first.`

	serviceStatusHelp = `Says whether the service runs, since when, and what it says of itself.

Exit code: 0 it runs, 1 it does not, or is not installed.`

	saidServiceOn        = "Installed and started: %s\n"
	saidServiceOff       = "Stopped and removed.\n"
	saidServiceNotThere  = "It is not installed.\n"
	saidServiceIdle      = "%s does not run: %s\n"
	saidServiceRuns      = "%s runs.\n"
	saidServiceRunsSince = "%s runs as process %d since %s.\n"

	saidServiceVariables = "It goes by these variables as they are set here: %s"
	saidServiceSecret    = "%s holds a password and was left out; set it for the service by yourself, where only you can read it."
	saidServiceSecretOf  = "%s holds a secret of %s, and the service has no such variable: name a file or a command in the settings instead."
	saidServiceOther     = "The tray app, or another keeper, may run beside it: they share the work, and nothing is done or told twice."
	saidServiceLinger    = "It ends when you log out. To have it run from boot on, without a login: %s"
	saidServiceLog       = "What it does: %s"
	saidServiceNone      = "there is no service manager here that could run the keeper; cron can, by this line (crontab -e):"
	saidServiceAsleep    = "your systemd does not run: you are not logged in, as far as it can tell (su and sudo are no login)"
	saidServiceSudo      = "run it without sudo: the service is your own, not root's"
)
