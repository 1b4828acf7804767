package daemon

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf16"
)

// task is a Job as a task of Windows' Task Scheduler: one of this user's own,
// who may make it without being an administrator.
type task struct{ Job }

// text is the task (Task Scheduler Schema 1.2). Without a word about them a
// laptop's battery and three days end it.
func (t task) text() string {
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>%[1]s. %[2]s.</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
      <UserId>%[3]s</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>%[3]s</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <AllowHardTerminate>true</AllowHardTerminate>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>999</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>%[4]s</Command>
      <Arguments>%[5]s</Arguments>
    </Exec>
  </Actions>
</Task>
`, escape(t.Description), escape(mark), escape(t.User), escape(`"`+t.Program+`"`), escape(t.line()))
}

// line is the arguments in one line. A task has no variables: the program sets
// them by itself.
func (t task) line() string {
	var words []string
	for _, a := range t.Arguments {
		words = append(words, quoteWindows(a))
	}
	for _, v := range t.Variables {
		words = append(words, "--set", quoteWindows(v))
	}
	return strings.Join(words, " ")
}

// quoteWindows writes a word as programs take their command line apart
// (CommandLineToArgvW).
func quoteWindows(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\"") {
		return word
	}
	var b strings.Builder
	b.WriteByte('"')
	slashes := 0
	for _, r := range word {
		switch r {
		case '\\':
			slashes++
		case '"':
			b.WriteString(strings.Repeat(`\`, slashes+1))
			slashes = 0
		default:
			slashes = 0
		}
		b.WriteRune(r)
	}
	b.WriteString(strings.Repeat(`\`, slashes) + `"`)
	return b.String()
}

// check refuses what the scheduler would put something else for: variables in
// percent signs, and $(Arg0).
func (t task) check() error {
	for _, word := range append(append([]string{t.Program}, t.Arguments...), t.Variables...) {
		if strings.Count(word, "%") > 1 || strings.Contains(word, "$(") {
			return fmt.Errorf("%q cannot stand in a task; use a name without %% and $(", word)
		}
	}
	return nil
}

func (t task) install(ctx context.Context) error {
	if err := t.check(); err != nil {
		return err
	}
	found, err := t.found(ctx)
	if err != nil {
		return err
	}
	if found != "" && !strings.Contains(found, escape(mark)) && !strings.Contains(found, mark) {
		return &OtherError{t.Title}
	}
	dir, err := os.MkdirTemp("", "lamplighter-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "task.xml")
	if err := os.WriteFile(file, utf16Text(t.text()), 0o600); err != nil {
		return err
	}
	if found != "" {
		ask(ctx, nil, "schtasks", "/End", "/TN", t.Title) // an error means that it does not run
	}
	if _, err := ask(ctx, nil, "schtasks", "/Create", "/TN", t.Title, "/XML", file, "/F"); err != nil {
		return err
	}
	_, err = ask(ctx, nil, "schtasks", "/Run", "/TN", t.Title)
	return err
}

// utf16Text is how schtasks takes a file that says so.
func utf16Text(text string) []byte {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(strings.ReplaceAll(text, "\n", "\r\n"))) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// found is the task as it is registered; empty where there is none.
func (t task) found(ctx context.Context) (string, error) {
	out, err := ask(ctx, nil, "schtasks", "/Query", "/TN", t.Title, "/XML")
	var failed *askError
	if errors.As(err, &failed) && failed.exited() {
		return "", nil
	}
	return out, err
}

func (t task) uninstall(ctx context.Context) (found bool, err error) {
	text, err := t.found(ctx)
	if err != nil || text == "" {
		return false, err
	}
	ask(ctx, nil, "schtasks", "/End", "/TN", t.Title) // an error means that it does not run
	_, err = ask(ctx, nil, "schtasks", "/Delete", "/TN", t.Title, "/F")
	return true, err
}

// status asks PowerShell for the task's state, which schtasks says in the
// user's language only: 4 is running.
func (t task) status(ctx context.Context) (Status, error) {
	text, err := t.found(ctx)
	if err != nil || text == "" {
		return Status{}, err
	}
	s := Status{Installed: true}
	out, err := ask(ctx, nil, "powershell", "-NoProfile", "-NonInteractive", "-Command",
		"[int](Get-ScheduledTask -TaskName '"+strings.ReplaceAll(t.Title, "'", "''")+"').State")
	if err != nil {
		return s, err
	}
	states := map[int]string{0: "unknown", 1: "disabled", 2: "queued", 3: "ready", 4: "running"}
	n, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil {
		return s, fmt.Errorf("PowerShell does not say how the task is: %w", err)
	}
	if s.Running = n == 4; !s.Running {
		s.Why = states[n]
	}
	return s, nil
}
