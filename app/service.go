package app

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lamplighter/app/daemon"
	"lamplighter/app/settings"
	"lamplighter/credfiles"
	"lamplighter/refresher/ledger"
)

func (p *program) serviceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "service install|uninstall|status",
		Short: "Have the system run the keeper, without a display",
		Long:  serviceHelp,
		Args:  arguments(1, 0, "install, uninstall or status"),
		RunE:  func(*cobra.Command, []string) error { return nil },
	}
	add := func(name, short, long string, run func(context.Context) error) {
		c.AddCommand(&cobra.Command{
			Use: name, Short: short, Long: long, Args: arguments(0, 0, "no arguments"),
			RunE:              func(c *cobra.Command, _ []string) error { return run(c.Context()) },
			ValidArgsFunction: completeNothing,
		})
	}
	add("install", "Run it from now on, and start it at each login", serviceInstallHelp, p.serviceInstall)
	add("uninstall", "Stop it, and leave nothing of it", serviceUninstallHelp, p.serviceUninstall)
	add("status", "Say whether it runs", serviceStatusHelp, p.serviceStatus)
	return c
}

// job is the keeper as a service: as this run would keep.
func (p *program) job() (daemon.Job, error) {
	set, _ := p.surroundings()
	j := daemon.Job{
		OS: p.host.OS, Home: p.host.Home, ConfigHome: p.host.Getenv("XDG_CONFIG_HOME"), User: p.host.User, Runtime: p.host.Getenv("XDG_RUNTIME_DIR"),
		Name: "lamplighter", ID: appID + ".keep", Title: "Lamplighter keeper", Description: wordComment,
		Program: thisProgram(p.host.Getenv), Arguments: []string{"keep"}, Variables: set,
	}
	if p.host.OS == "windows" {
		j.Arguments = append(j.Arguments, "--at-login")
	}
	if p.config != "" {
		config, err := filepath.Abs(p.config)
		if err != nil {
			return j, err
		}
		j.Arguments = append(j.Arguments, "--config", config)
	}
	return j, nil
}

// thisProgram is where we are, by a path that lasts: a package manager's link
// stays where what it leads to goes with the next version.
func thisProgram(getenv func(string) string) string {
	if image := getenv("APPIMAGE"); image != "" {
		return image
	}
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	called, err := exec.LookPath(os.Args[0])
	if err == nil {
		called, err = filepath.Abs(called)
	}
	if err != nil {
		return self
	}
	a, aerr := os.Stat(called)
	b, berr := os.Stat(self)
	if aerr == nil && berr == nil && os.SameFile(a, b) {
		return called
	}
	return self
}

// surroundings are the variables of this environment that decide where stores
// are and how servers are reached, which a service does not get by itself.
// secret are those that hold a password: they are left out.
func (p *program) surroundings() (set, secret []string) {
	names := credfiles.Variables()
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"} {
		names = append(names, name)
		if p.host.OS != "windows" { // where it would be the same
			names = append(names, strings.ToLower(name))
		}
	}
	names = append(names, "SSL_CERT_FILE", "SSL_CERT_DIR")
	if u, err := user.Current(); err == nil && p.host.OS != "windows" && u.HomeDir != p.host.Home {
		names = append(names, "HOME") // the service's would be the other one
	}
	for _, name := range names {
		value := p.host.Getenv(name)
		if value == "" || p.host.OS == "windows" && (name == "APPDATA" || name == "LOCALAPPDATA") { // a task has these
			continue
		}
		if u, err := url.Parse(value); err == nil && u.User != nil || strings.Contains(value, "@") && strings.Contains(strings.ToUpper(name), "PROXY") {
			secret = append(secret, name)
			continue
		}
		set = append(set, name+"="+value)
	}
	return set, secret
}

func (p *program) serviceInstall(ctx context.Context) error {
	if sudo := p.host.Getenv("SUDO_UID"); sudo != "" && sudo != p.host.User && p.host.OS != "windows" {
		return sayf(saidServiceSudo)
	}
	x, err := p.open() // with settings that cannot be used it would start in vain
	if err != nil {
		return err
	}
	j, err := p.job()
	if err != nil {
		return err
	}
	before, _ := j.Status(ctx)
	other := !before.Running && x.keeperRuns()
	if path := p.host.Getenv("PATH"); path != "" && searches(x.current()) {
		j.Variables = append(j.Variables, "PATH="+path)
	}
	p.rest(ctx, x)
	err = j.Install(ctx)
	switch {
	case errors.Is(err, daemon.ErrNone):
		p.errorf(saidServiceNone)
		p.warnf("    %s", cronLine(j))
		return exit{exitFailed}
	case errors.Is(err, daemon.ErrAsleep):
		p.errorf(saidServiceAsleep)
		p.warnf(saidDoThis, p.linger())
		return exit{exitFailed}
	case err != nil:
		p.errorf("%s", p.view(false).tilde(err.Error()))
		p.warnf(saidDoThis, p.serviceDoctor(j))
		return exit{exitFailed}
	}
	after, _ := j.Status(ctx)
	p.printf(saidServiceOn, p.serviceWhere(j, after))
	p.serviceWords(ctx, j, x.current(), other)
	return nil
}

// searches reports that the settings name a command that has to be looked for.
func searches(s settings.Settings) bool {
	found := func(words []string) bool { return len(words) > 0 && !filepath.IsAbs(words[0]) }
	return slices.ContainsFunc(s.Own, func(o credfiles.Own) bool { return found(o.SecretCommand) }) ||
		slices.ContainsFunc(s.Deliveries, func(d settings.Delivery) bool { return found(d.VaultTokenCommand) })
}

// serviceWords are what a person should know of a service that was installed.
func (p *program) serviceWords(ctx context.Context, j daemon.Job, s settings.Settings, other bool) {
	var names []string
	for _, v := range j.Variables {
		name, _, _ := strings.Cut(v, "=")
		names = append(names, name)
	}
	if len(names) > 0 {
		p.warnf(saidServiceVariables, strings.Join(names, ", "))
	}
	_, secret := p.surroundings()
	for _, name := range secret {
		p.warnf(saidServiceSecret, name)
	}
	for _, o := range s.Own {
		if o.SecretEnv != "" {
			p.warnf(saidServiceSecretOf, o.SecretEnv, credfiles.OwnClient+"/"+o.Name)
		}
	}
	for _, d := range s.Deliveries {
		if d.VaultTokenEnv != "" {
			p.warnf(saidServiceSecretOf, d.VaultTokenEnv, d.ID)
		}
	}
	entry := (&desk{program: p}).atLogin()
	if on, err := entry.Enabled(); other || err == nil && on {
		p.warnf(saidServiceOther)
	}
	if j.OS == "linux" {
		if u, err := user.Current(); err != nil || !j.Lingers(ctx, u.Username) {
			p.warnf(saidServiceLinger, p.linger())
		}
	}
	p.warnf(saidServiceLog, p.serviceLog(j))
}

// linger is the command that has a user's systemd run from boot on.
func (p *program) linger() string {
	name := p.host.User
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return command(p.host.OS, "", "sudo", "loginctl", "enable-linger", name)
}

// serviceWhere is how the system calls the service.
func (p *program) serviceWhere(j daemon.Job, s daemon.Status) string {
	if s.File == "" {
		return j.Title
	}
	return shortPath(p.host.Home, s.File)
}

// serviceLog is the command that shows what the service says.
func (p *program) serviceLog(j daemon.Job) string {
	if j.OS == "linux" {
		return "journalctl --user -u " + j.Name
	}
	return "lamplighter log"
}

// serviceDoctor is the command that says why it does not run.
func (p *program) serviceDoctor(j daemon.Job) string {
	if j.OS == "linux" {
		return "systemctl --user status " + j.Name
	}
	return "lamplighter keep"
}

func (p *program) serviceUninstall(ctx context.Context) error {
	j, err := p.job()
	if err != nil {
		return err
	}
	if x, err := p.openAnyway(); err == nil {
		p.rest(ctx, x)
	}
	found, err := j.Uninstall(ctx)
	switch {
	case errors.Is(err, daemon.ErrNone):
	case err != nil:
		p.errorf("%s", p.view(false).tilde(err.Error()))
		return exit{exitFailed}
	}
	if !found {
		p.printf(saidServiceNotThere)
		return nil
	}
	p.printf(saidServiceOff)
	return nil
}

func (p *program) serviceStatus(ctx context.Context) error {
	j, err := p.job()
	if err != nil {
		return err
	}
	s, err := j.Status(ctx)
	switch {
	case errors.Is(err, daemon.ErrNone):
		p.printf(saidServiceNotThere)
		p.warnf(saidServiceNone)
		p.warnf("    %s", cronLine(j))
		return exit{exitFailed}
	case errors.Is(err, daemon.ErrAsleep):
		p.errorf(saidServiceAsleep)
		return exit{exitFailed}
	case err != nil:
		p.errorf("%s", p.view(false).tilde(err.Error()))
		return exit{exitFailed}
	case !s.Installed:
		p.printf(saidServiceNotThere)
		return exit{exitFailed}
	case !s.Running:
		p.printf(saidServiceIdle, p.serviceWhere(j, s), s.Why)
		p.warnf(saidDoThis, p.serviceDoctor(j))
		return exit{exitFailed}
	}
	switch since := daemon.Since(ctx, s.PID); {
	case since.IsZero():
		p.printf(saidServiceRuns, p.serviceWhere(j, s))
	default:
		p.printf(saidServiceRunsSince, p.serviceWhere(j, s), s.PID, clock(since, time.Now()))
	}
	if s.Says != "" {
		p.printf("%s\n", s.Says)
	}
	return nil
}

// rest waits, where the service manager ends a program without a word, until
// no request of any keeper's is under way: its answer would be lost.
func (p *program) rest(ctx context.Context, x *parts) {
	if p.host.OS != "windows" {
		return
	}
	for ctx.Err() == nil {
		records, err := x.ledger.Pending()
		busy := func(r ledger.Record) bool { return r.Answer == nil && time.Since(r.Sent.At) < time.Minute }
		if err != nil || !slices.ContainsFunc(records, busy) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// cronLine is what starts the keeper where there is only cron(8), which takes a
// percent sign for the end of the line (crontab(5)).
func cronLine(j daemon.Job) string {
	var words []string
	for _, v := range j.Variables {
		name, value, _ := strings.Cut(v, "=")
		words = append(words, name+"="+quote("linux", value))
	}
	for _, w := range append([]string{j.Program}, j.Arguments...) {
		words = append(words, quote("linux", w))
	}
	return "@reboot " + strings.ReplaceAll(strings.Join(words, " "), "%", `\%`) + " >/dev/null 2>&1"
}
