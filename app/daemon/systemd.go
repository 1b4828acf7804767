package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// unit is a Job as a unit of the user's systemd.
type unit struct{ Job }

// text is the unit. It has no sandbox, on purpose: a user's systemd makes one of
// a user namespace, from within which the kernel tells nobody's environment and
// program any more, so that a running client would not be seen (tried with
// systemd 252); and a system call filter, or NoNewPrivileges, would keep a hook
// from sending mail by a program with rights of its own, as postdrop. A core file
// would hold tokens.
//
// WatchdogSec is more than two looks at all (8 min); stopping waits for a refresh
// under way, whose own end comes after 45 s and one repeat.
func (u unit) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# %s, which replaces it.
# What you want otherwise belongs beside it: systemctl --user edit %s
[Unit]
Description=%s
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=%s
`, mark, u.Name, strings.ReplaceAll(u.Description, "%", "%%"), u.line())
	for _, v := range u.Variables {
		fmt.Fprintf(&b, "Environment=%s\n", quoteUnit(v))
	}
	b.WriteString(`Restart=on-failure
RestartSec=10
WatchdogSec=20min
TimeoutStartSec=5min
TimeoutStopSec=3min
KillMode=mixed
LimitCORE=0

[Install]
WantedBy=default.target
`)
	return b.String()
}

// line is the command. A dollar sign is doubled in arguments; in the program's
// path systemd does not look for variables, and takes none with a quote or a
// backslash (systemd.service(5), "Command lines"; seen with 252).
func (u unit) line() string {
	words := []string{quoteUnit(u.Program)}
	arguments := u.Arguments
	if strings.ContainsAny(u.Program, "\"'\\") {
		words = []string{"/bin/sh"}
		arguments = append([]string{"-c", `exec "$0" "$@"`, u.Program}, arguments...)
	}
	for _, a := range arguments {
		words = append(words, quoteUnit(strings.ReplaceAll(a, "$", "$$")))
	}
	return strings.Join(words, " ")
}

// quoteUnit writes a word as systemd.syntax(7) has it, with the percent sign of
// systemd.unit(5), "Specifiers".
func quoteUnit(word string) string {
	word = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%").Replace(word)
	if word != "" && !strings.ContainsAny(word, " \t\\\"';") {
		return word
	}
	return `"` + word + `"`
}

// usual is the runtime directory that pam_systemd(8) makes at a login.
func (u unit) usual() string { return "/run/user/" + u.User }

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (u unit) name() string { return u.Name + ".service" }

// ctl asks the user's systemd, also from where nothing says where that is, as
// in cron or after su.
func (u unit) ctl(ctx context.Context, words ...string) (string, error) {
	var env []string
	if u.Runtime == "" && there(u.usual()) {
		env = []string{"XDG_RUNTIME_DIR=" + u.usual()}
	}
	out, err := ask(ctx, env, append([]string{"systemctl", "--user", "--no-pager"}, words...)...)
	if errors.Is(err, exec.ErrNotFound) {
		return "", ErrNone
	}
	return out, err
}

// show reads properties, of the manager where name is empty.
func (u unit) show(ctx context.Context, name string, properties ...string) (map[string]string, error) {
	words := []string{"show", "--property=" + strings.Join(properties, ",")}
	if name != "" {
		words = append(words, name)
	}
	out, err := u.ctl(ctx, words...)
	if err != nil {
		switch {
		case errors.Is(err, ErrNone):
		case !there("/run/systemd/system"): // sd_booted(3)
			err = fmt.Errorf("%w: %w", ErrNone, err)
		case u.Runtime == "" && !there(u.usual()):
			err = fmt.Errorf("%w: %w", ErrAsleep, err)
		}
		return nil, err
	}
	found := map[string]string{}
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimRight(line, "\n"), "=")
		found[name] = value
	}
	return found, nil
}

// file is where the unit belongs: where the user's systemd looks for it, whose
// XDG_CONFIG_HOME need not be ours.
func (u unit) file(unitPath string) string {
	config := u.ConfigHome
	if !filepath.IsAbs(config) || !strings.Contains(unitPath, filepath.Join(config, "systemd", "user")) {
		config = filepath.Join(u.Home, ".config")
	}
	return filepath.Join(config, "systemd", "user", u.name())
}

// place asks systemd where the unit belongs.
func (u unit) place(ctx context.Context) (string, error) {
	found, err := u.show(ctx, "", "UnitPath")
	return u.file(found["UnitPath"]), err
}

func (u unit) install(ctx context.Context) error {
	file, err := u.place(ctx)
	if err != nil {
		return err
	}
	before, err := ours(file)
	if err != nil {
		return err
	}
	if before != u.text() {
		if err := put(file, u.text()); err != nil {
			return err
		}
	}
	if _, err := u.ctl(ctx, "daemon-reload"); err != nil {
		return err
	}
	if _, err := u.ctl(ctx, "enable", u.name()); err != nil {
		return err
	}
	_, err = u.ctl(ctx, "restart", u.name()) // the program may be a newer one
	return err
}

func (u unit) uninstall(ctx context.Context) (found bool, err error) {
	file, gone := u.place(ctx)
	text, err := ours(file)
	if err != nil {
		return false, err
	}
	if gone == nil && text != "" {
		// It removes the links, and the folders that it made for them.
		if _, err := u.ctl(ctx, "disable", "--now", u.name()); err != nil {
			return true, err
		}
	}
	link := filepath.Join(filepath.Dir(file), "default.target.wants", u.name())
	if _, err := os.Lstat(link); err == nil && text != "" {
		if err := u.clear(link); err != nil {
			return true, err
		}
	}
	if text == "" {
		return false, nil
	}
	if err := u.clear(file); err != nil {
		return true, err
	}
	if gone != nil {
		if errors.Is(gone, ErrNone) {
			return true, nil
		}
		return true, gone
	}
	if _, err := u.ctl(ctx, "daemon-reload"); err != nil {
		return true, err
	}
	u.ctl(ctx, "reset-failed", u.name()) // an error means that it did not fail
	return true, nil
}

func (u unit) status(ctx context.Context) (Status, error) {
	found, err := u.show(ctx, u.name(), "LoadState", "ActiveState", "SubState", "Result", "MainPID", "StatusText", "FragmentPath", "UnitFileState")
	if err != nil {
		return Status{}, err
	}
	s := Status{Installed: found["LoadState"] != "not-found" && found["FragmentPath"] != "", File: found["FragmentPath"]}
	s.Running = found["ActiveState"] == "active"
	s.PID, _ = strconv.Atoi(found["MainPID"])
	s.Says = found["StatusText"]
	switch {
	case !s.Installed || s.Running:
	case found["ActiveState"] == "failed" || found["SubState"] == "auto-restart":
		s.Why = found["SubState"] + ", " + found["Result"]
	default:
		s.Why = found["ActiveState"]
	}
	if s.Installed && found["UnitFileState"] == "disabled" {
		s.Why = strings.TrimPrefix(s.Why+", disabled", ", ")
	}
	return s, nil
}

// Lingers reports whether the user's services run from boot on and after a
// logout: loginctl knows, and else the file that it writes.
func (j Job) Lingers(ctx context.Context, name string) bool {
	if out, err := ask(ctx, nil, "loginctl", "show-user", j.User, "--property=Linger"); err == nil {
		return strings.TrimSpace(out) == "Linger=yes"
	}
	_, err := os.Stat(filepath.Join("/var/lib/systemd/linger", name))
	return name != "" && err == nil
}
