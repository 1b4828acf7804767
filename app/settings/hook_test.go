package settings

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestHooksAreTakenOrNamedWithTheirLine(t *testing.T) {
	tell, err := filepath.Abs("tell")
	if err != nil {
		t.Fatal(err)
	}
	quoted := "'" + tell + "'"
	s, err := Load(config(t, `
[[hook]]
on = ["sign-in-needed", "recovered", "recovered"]
command = [`+quoted+`, "a b", "--x"]
[[hook]]
on = ["refreshed"]
command = [`+quoted+`]
timeout = "2m"
`), clients)
	want := []Hook{
		{On: []string{"sign-in-needed", "recovered"}, Command: []string{tell, "a b", "--x"}, Timeout: 30 * time.Second},
		{On: []string{"refreshed"}, Command: []string{tell}, Timeout: 2 * time.Minute},
	}
	if err != nil || !reflect.DeepEqual(s.Hooks, want) {
		t.Errorf("%+v, %v", s.Hooks, err)
	}
	for text, fault := range map[string]string{
		"on = [\"refreshed\"]":                                                    ":1: hook: command is missing",
		"command = [" + quoted + "]":                                              ":1: hook: on is missing",
		"on = [\"refreshed\"]\ncommand = [\"tell\"]":                              ":3: hook.command: must begin with an absolute path; no shell runs it",
		"on = [\"refreshed\"]\ncommand = [\"~/tell\"]":                            ":3: hook.command: must begin with an absolute path",
		"on = [\"refreshed\"]\ncommand = " + quoted:                               ":3: hook.command: must be a list of texts",
		"on = [\"refreshed\"]\ncommand = []":                                      ":3: hook.command: must be a list of texts",
		"on = [\"refreshd\"]\ncommand = [" + quoted + "]":                         `:2: hook.on: holds something else: each must be "sign-in-needed", "recovered" or "refreshed"; did you mean "refreshed"?`,
		"on = []\ncommand = [" + quoted + "]":                                     `:2: hook.on: must be a list of "sign-in-needed"`,
		"on = \"refreshed\"\ncommand = [" + quoted + "]":                          ":2: hook.on: must be a list of",
		"on = [\"refreshed\"]\ncommand = [" + quoted + "]\ntimeout = \"11m\"":     ":4: hook.timeout: must be at most 10m",
		"on = [\"refreshed\"]\ncommand = [" + quoted + "]\ntimeout = 30":          ":4: hook.timeout: must be a duration in quotes",
		"on = [\"refreshed\"]\ncommand = [" + quoted + "]\nshell = \"/bin/bash\"": ":4: hook.shell: unknown key",
	} {
		_, err := Load(config(t, "[[hook]]\n"+text+"\n"), clients)
		if err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%s\nis  %v\nwant %s", text, err, fault)
		}
	}
}
