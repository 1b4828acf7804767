package daemon

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

var odd = []string{
	"plain", "a b", `quo"te`, "apo'strophe", "do$llar", "${HOME}", "back`tick", `back\slash`, `end\`, "100%", "%h", "a;b", ";", "#", "é ü 灯", `\s`, "<&>", "-x=y", "@x", "",
}

// newJob is one of a throwaway home, whose service manager's command is script.
func newJob(t *testing.T, goos string, scripts map[string]string) (j Job, asked func() string) {
	t.Helper()
	dir := t.TempDir()
	bin, home, log := filepath.Join(dir, "bin"), filepath.Join(dir, "home"), filepath.Join(dir, "asked")
	for _, d := range []string{bin, home} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, script := range scripts {
		text := "#!/bin/sh\necho " + name + " \"$@\" >> '" + log + "'\n" + script
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	t.Setenv("DIR", dir)
	return Job{
			OS: goos, Home: home, User: "4711", Runtime: dir, Name: "lamplighter", ID: "app.lamplighter.keep", Title: "Lamplighter keeper",
			Description: "Keeps sign-ins fresh", Program: "/opt/lamplighter", Arguments: []string{"keep"},
		}, func() string {
			text, _ := os.ReadFile(log)
			os.Remove(log)
			return string(text)
		}
}

func unixOnly(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("the stand-ins are scripts")
	}
}

// nothing reports what is left in a home.
func nothing(t *testing.T, j Job) {
	t.Helper()
	filepath.WalkDir(j.Home, func(path string, _ os.DirEntry, err error) error {
		if path != j.Home {
			t.Errorf("%s is left", path)
		}
		return err
	})
}

func TestAUnitIsWhatSystemdTakes(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not there")
	}
	for _, name := range []string{"lamp lighter %h", `lamp "lighter" it's \`, "lamp$HOME;&é灯"} {
		program := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		j := Job{Name: "lamplighter", Description: "Keeps 100% fresh", Program: program, Arguments: odd}
		for _, word := range odd {
			j.Variables = append(j.Variables, "CODEX_HOME="+word)
		}
		file := filepath.Join(t.TempDir(), "lamplighter.service")
		if err := os.WriteFile(file, []byte(unit{j}.text()), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(analyze, "verify", "--user", "--man=no", file)
		cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+t.TempDir())
		if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "lamplighter.service") {
			t.Errorf("%v\n%s\n%s", err, out, unit{j}.text())
		}
	}
}

func TestAnAgentHoldsEveryWord(t *testing.T) {
	j := Job{Home: "/Users/ada", ID: "app.lamplighter.keep", Program: "/opt/a <b> & c/lamplighter", Arguments: odd, Variables: []string{"CODEX_HOME=/a <b> & c"}}
	text := agent{j}.text()
	var any struct{}
	if err := xml.Unmarshal([]byte(text), &any); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("nobody else reads it here:", err)
	}
	cmd := exec.Command(python, "-c", "import json,plistlib,sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var list struct {
		Label, StandardErrorPath string
		ProgramArguments         []string
		EnvironmentVariables     map[string]string
		RunAtLoad                bool
		KeepAlive                map[string]bool
		ExitTimeOut              int
	}
	if err := json.Unmarshal(out, &list); err != nil {
		t.Fatal(err)
	}
	again, ok := list.KeepAlive["SuccessfulExit"]
	if list.Label != j.ID || !slices.Equal(list.ProgramArguments, append([]string{j.Program}, odd...)) || list.EnvironmentVariables["CODEX_HOME"] != "/a <b> & c" ||
		!list.RunAtLoad || !ok || again || list.ExitTimeOut != 180 || list.StandardErrorPath != "/Users/ada/Library/Logs/app.lamplighter.keep.log" {
		t.Errorf("%+v", list)
	}
}

// launchctl, as far as it is asked.
const launchctl = `
case "$1" in
print) [ -e "$DIR/loaded" ] && case "$2" in gui/*) printf '\tstate = running\n\tpid = 4712\n' ;; *) exit 113 ;; esac || exit 113 ;;
bootstrap) case "$2" in gui/*) touch "$DIR/loaded" ;; *) exit 125 ;; esac ;;
bootout) rm "$DIR/loaded" ;;
esac
`

func TestAnAgentComesAndGoes(t *testing.T) {
	unixOnly(t)
	ctx := context.Background()
	j, asked := newJob(t, "darwin", map[string]string{"launchctl": launchctl})
	if s, err := j.Status(ctx); err != nil || s.Installed || s.Running {
		t.Errorf("%+v, %v", s, err)
	}
	for range 2 {
		asked()
		if err := j.Install(ctx); err != nil {
			t.Fatal(err)
		}
		if s, err := j.Status(ctx); err != nil || !s.Running || s.PID != 4712 {
			t.Errorf("%+v, %v", s, err)
		}
	}
	const at = "gui/4711/app.lamplighter.keep"
	file := filepath.Join(j.Home, "Library", "LaunchAgents", "app.lamplighter.keep.plist")
	want := "launchctl print " + at + "\nlaunchctl bootout " + at + "\nlaunchctl print " + at + "\nlaunchctl print user/4711/app.lamplighter.keep\n" +
		"launchctl enable " + at + "\nlaunchctl bootstrap gui/4711 " + file + "\nlaunchctl print " + at + "\n"
	if got := asked(); got != want {
		t.Errorf("asked\n%swant\n%s", got, want)
	}
	for _, found := range []bool{true, false} {
		if was, err := j.Uninstall(ctx); err != nil || was != found {
			t.Errorf("found %v, %v, want %v", was, err, found)
		}
	}
	nothing(t, j)
	if err := put(file, "<plist/>"); err != nil {
		t.Fatal(err)
	}
	var other *OtherError
	if err := j.Install(ctx); !errors.As(err, &other) {
		t.Errorf("what a person wrote: %v", err)
	}
	if _, err := j.Uninstall(ctx); !errors.As(err, &other) {
		t.Errorf("what a person wrote: %v", err)
	}
}

func TestATaskHoldsEveryWord(t *testing.T) {
	j := Job{User: `PC\ada`, Title: "Lamplighter keeper", Description: "Keeps <all> fresh", Program: `C:\a & b\lamplighter.exe`, Arguments: []string{"keep", "--config", `C:\my "x"\`}, Variables: []string{`CODEX_HOME=C:\a b\`}}
	b := utf16Text(task{j}.text())
	if string(b[:2]) != "\xff\xfe" {
		t.Errorf("it begins with %x", b[:2])
	}
	var units []uint16
	for i := 2; i < len(b); i += 2 {
		units = append(units, uint16(b[i])|uint16(b[i+1])<<8)
	}
	d := xml.NewDecoder(strings.NewReader(strings.Replace(string(utf16.Decode(units)), "UTF-16", "UTF-8", 1)))
	var list struct {
		Trigger string `xml:"Triggers>LogonTrigger>UserId"`
		User    string `xml:"Principals>Principal>UserId"`
		Limit   string `xml:"Settings>ExecutionTimeLimit"`
		Command string `xml:"Actions>Exec>Command"`
		Line    string `xml:"Actions>Exec>Arguments"`
	}
	if err := d.Decode(&list); err != nil {
		t.Fatal(err)
	}
	if list.Trigger != j.User || list.User != j.User || list.Limit != "PT0S" || list.Command != `"C:\a & b\lamplighter.exe"` ||
		list.Line != `keep --config "C:\my \"x\"\\" --set "CODEX_HOME=C:\a b\\"` {
		t.Errorf("%+v", list)
	}
	j.Program = `C:\%USERNAME%\lamplighter.exe`
	if err := (task{j}).check(); err == nil {
		t.Error("a variable in a path is believed to stay as it is")
	}
}

// schtasks and PowerShell, as far as they are asked.
const schtasks = `
case "$1" in
/Query) [ -e "$DIR/task" ] || { echo 'ERROR: The system cannot find the file specified.' >&2; exit 1; }; tr -d '\000\377\376' < "$DIR/task" ;;
/Create) cp "$5" "$DIR/task" ;;
/Delete) rm "$DIR/task" ;;
esac
`

func TestATaskComesAndGoes(t *testing.T) {
	unixOnly(t)
	ctx := context.Background()
	j, asked := newJob(t, "windows", map[string]string{"schtasks": schtasks, "powershell": "echo 4\n"})
	j.User = `PC\ada`
	if s, err := j.Status(ctx); err != nil || s.Installed {
		t.Errorf("%+v, %v", s, err)
	}
	for range 2 {
		asked()
		if err := j.Install(ctx); err != nil {
			t.Fatal(err)
		}
	}
	got := asked()
	for _, want := range []string{"/Query /TN Lamplighter keeper /XML\n", "/End /TN Lamplighter keeper\n", "/Create /TN Lamplighter keeper /XML ", " /F\n", "/Run /TN Lamplighter keeper\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("asked\n%swant %s", got, want)
		}
	}
	if s, err := j.Status(ctx); err != nil || !s.Running {
		t.Errorf("%+v, %v", s, err)
	}
	for _, found := range []bool{true, false} {
		if was, err := j.Uninstall(ctx); err != nil || was != found {
			t.Errorf("found %v, %v, want %v", was, err, found)
		}
	}
}

func TestWhatCannotBeWrittenDownIsRefused(t *testing.T) {
	for _, goos := range []string{"linux", "darwin", "windows"} {
		for _, j := range []Job{
			{Program: "lamplighter"},
			{Program: "/opt/line\nbreak"},
			{Program: "/opt/x", Arguments: []string{"\xff"}},
			{Program: "/opt/x", Variables: []string{"A=\x1b"}},
		} {
			j.OS, j.Home = goos, t.TempDir()
			if err := j.Install(context.Background()); err == nil {
				t.Errorf("%s: %+v is installed", goos, j)
			}
			nothing(t, j)
		}
	}
}

func TestASystemWithoutAServiceManagerSaysSo(t *testing.T) {
	j := Job{OS: "freebsd", Program: "/opt/x"}
	_, uerr := j.Uninstall(context.Background())
	_, serr := j.Status(context.Background())
	for _, err := range []error{j.Install(context.Background()), uerr, serr} {
		if !errors.Is(err, ErrNone) {
			t.Error(err)
		}
	}
}

// The README shows the unit between two marks.
func TestTheREADMEHasTheUnit(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(readme), "<!-- unit -->\n")
	got, _, end := strings.Cut(rest, "<!-- /unit -->")
	if !ok || !end {
		t.Fatal("the README has no marks for the unit")
	}
	want := ""
	for line := range strings.Lines(unit{Job{
		Name: "lamplighter", Description: "Keeps the tokens of AI clients fresh", Program: "/usr/local/bin/lamplighter", Arguments: []string{"keep"},
		Variables: []string{"CODEX_HOME=/srv/codex"},
	}}.text()) {
		want += strings.TrimRight("    "+line, " ")
	}
	if strings.TrimSpace(got) != strings.TrimSpace(strings.ReplaceAll(want, "    \n", "\n")) {
		t.Errorf("between the marks should stand:\n\n%s", want)
	}
}
