package app

import (
	"os/exec"
	"strings"
	"testing"

	"lamplighter/credfiles"
	"lamplighter/refresher"
)

var oddNames = []string{
	"linear", "odd name/with@signs", "слово", "it's", `a"b`, "$HOME", "`id`", "a\\b", "%PATH%", "a;b&c|d", "-x", "", "*", "~", "a b  c", "!x", "#x", "{a,b}",
}

// What is offered to be copied must reach the program as it was meant.
func TestAShellReadsWhatWasQuoted(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no POSIX shell here")
	}
	for _, name := range oddNames {
		line := command("linux", "CODEX_HOME="+name, "printf", `[%s]`, name) + `; printf "[$CODEX_HOME]"`
		out, err := exec.Command(sh, "-c", "unset CODEX_HOME; f() { "+line+"; }; f").CombinedOutput()
		if want := "[" + name + "][]"; err != nil || string(out) != want {
			t.Errorf("%s: %s %v, want %s", line, out, err, want)
		}
	}
}

func TestQuotingForWindows(t *testing.T) {
	for name, want := range map[string]string{
		"linear": "linear", "odd name/with@signs": `"odd name/with@signs"`, "it's": `"it's"`,
		`a"b`: `'a"b'`, "$HOME": "'$HOME'", "`id`": "'`id`'", `C:\Users\ada`: `C:\Users\ada`,
		`C:\a b\`: `'C:\a b\'`, "%PATH%": "'%PATH%'", "it's $1": "'it''s $1'", "": `""`, "@x": `"@x"`,
	} {
		if got := quote("windows", name); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
	row := refresher.Row{}
	row.SignIn, row.SignInEnv = []string{"codex", "mcp", "login", "odd name"}, `CODEX_HOME=C:\Users\ada\other home`
	if got, want := (view{os: "windows"}).signIn(row), `$env:CODEX_HOME="C:\Users\ada\other home"; codex mcp login "odd name"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := (view{os: "linux"}).signIn(row), `CODEX_HOME='C:\Users\ada\other home' codex mcp login 'odd name'`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestNoAdviceOfAnotherSystem(t *testing.T) {
	for _, p := range everything().Problems {
		if text := (view{os: "windows"}).problem(p); strings.Contains(text, "chmod") {
			t.Error(text)
		}
	}
	p := credfiles.Problem{Store: "/x", Client: "codex", Kind: credfiles.Denied}
	if text := (view{os: "linux"}).problem(p); !strings.Contains(text, "chmod") {
		t.Error(text)
	}
}
