package daemon

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// agent is a Job as an agent of launchd.
type agent struct{ Job }

// text is the property list (launchd.plist(5)). It is started anew unless it
// ended well, at most every ten seconds, which is launchd's own measure; to end
// it has what a refresh under way takes.
func (a agent) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- %s, which replaces it. -->
<plist version="1.0">
<dict>
	<key>Label</key>
	%s
	<key>ProgramArguments</key>
	<array>
`, mark, element(a.ID))
	for _, word := range append([]string{a.Program}, a.Arguments...) {
		fmt.Fprintf(&b, "\t\t%s\n", element(word))
	}
	b.WriteString("\t</array>\n")
	if len(a.Variables) > 0 {
		b.WriteString("\t<key>EnvironmentVariables</key>\n\t<dict>\n")
		for _, v := range a.Variables {
			name, value, _ := strings.Cut(v, "=")
			fmt.Fprintf(&b, "\t\t<key>%s</key>\n\t\t%s\n", escape(name), element(value))
		}
		b.WriteString("\t</dict>\n")
	}
	fmt.Fprintf(&b, `	<key>RunAtLoad</key>
	<true/>
	<key>KeepAlive</key>
	<dict>
		<key>SuccessfulExit</key>
		<false/>
	</dict>
	<key>ExitTimeOut</key>
	<integer>180</integer>
	<key>HardResourceLimits</key>
	<dict>
		<key>Core</key>
		<integer>0</integer>
	</dict>
	<key>StandardErrorPath</key>
	%s
</dict>
</plist>
`, element(a.log()))
	return b.String()
}

func escape(text string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(text)) // a Builder takes everything
	return b.String()
}

func element(text string) string { return "<string>" + escape(text) + "</string>" }

func (a agent) file() string {
	return filepath.Join(a.Home, "Library", "LaunchAgents", a.ID+".plist")
}

// log is where launchd puts what the program says.
func (a agent) log() string { return filepath.Join(a.Home, "Library", "Logs", a.ID+".log") }

// domains are where an agent may run: in the user's desktop session, else, as
// over ssh, beside it.
func (a agent) domains() []string { return []string{"gui/" + a.User, "user/" + a.User} }

// at finds the agent among launchd's.
func (a agent) at(ctx context.Context) (domain, found string) {
	for _, d := range a.domains() {
		if out, err := ask(ctx, nil, "launchctl", "print", d+"/"+a.ID); err == nil {
			return d, out
		}
	}
	return "", ""
}

// stop takes the agent out of launchd, and waits until it has ended: before, no
// other may take its place.
func (a agent) stop(ctx context.Context) (ran bool, err error) {
	domain, _ := a.at(ctx)
	if domain == "" {
		return false, nil
	}
	if _, err := ask(ctx, nil, "launchctl", "bootout", domain+"/"+a.ID); err != nil {
		return true, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for domain != "" && ctx.Err() == nil {
		if domain, _ = a.at(ctx); domain != "" {
			time.Sleep(200 * time.Millisecond)
		}
	}
	return true, ctx.Err()
}

func (a agent) install(ctx context.Context) error {
	if _, err := ours(a.file()); err != nil {
		return err
	}
	if _, err := a.stop(ctx); err != nil {
		return err
	}
	var err error
	if err := put(a.file(), a.text()); err != nil {
		return err
	}
	for _, d := range a.domains() {
		// One that was disabled once stays so, whatever its file says.
		ask(ctx, nil, "launchctl", "enable", d+"/"+a.ID)
		if _, err = ask(ctx, nil, "launchctl", "bootstrap", d, a.file()); err == nil {
			return nil
		}
	}
	return err
}

func (a agent) uninstall(ctx context.Context) (found bool, err error) {
	text, err := ours(a.file())
	if err != nil {
		return false, err
	}
	ran, err := a.stop(ctx)
	if err != nil {
		return true, err
	}
	if text == "" && !ran {
		return false, nil
	}
	return true, errors.Join(a.clear(a.file()), a.clear(a.log()))
}

// launchctl(1) says that what it prints is for people and may change; these
// lines are there since macOS 10.10.
var (
	printedState = regexp.MustCompile(`(?m)^\tstate = (.+)$`)
	printedPID   = regexp.MustCompile(`(?m)^\tpid = (\d+)$`)
	printedExit  = regexp.MustCompile(`(?m)^\tlast exit code = (.+)$`)
)

func (a agent) status(ctx context.Context) (Status, error) {
	s := Status{File: a.file()}
	_, err := os.Stat(a.file())
	domain, text := a.at(ctx)
	s.Installed = err == nil || domain != ""
	first := func(re *regexp.Regexp) string {
		if m := re.FindStringSubmatch(text); m != nil {
			return m[1]
		}
		return ""
	}
	s.PID, _ = strconv.Atoi(first(printedPID))
	s.Running = first(printedState) == "running" && s.PID != 0
	switch exit := first(printedExit); {
	case !s.Installed || s.Running:
	case domain == "":
		s.Why = "not loaded"
	case exit != "":
		s.Why = first(printedState) + ", last exit code " + exit
	default:
		s.Why = first(printedState)
	}
	return s, nil
}
