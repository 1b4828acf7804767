package processes

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestALongNameIsNotCut(t *testing.T) {
	const name = "lamptest-with-a-long-name"
	cmd := start(t, name, "stay", nil)
	one(t, list(t, name), cmd)
}

func TestAProgramNamedAfterItsMainThreadHasItsFilesName(t *testing.T) {
	cmd := start(t, "lamptest-node", "MainThread", nil, "/opt/x/bin/codex.js")
	p := one(t, list(t, "lamptest-node"), cmd)
	if p.Name != "lamptest-node" || p.Args[1] != "/opt/x/bin/codex.js" {
		t.Errorf("got %v", p)
	}
}

func TestAReplacedProgramFileHasNoVersion(t *testing.T) {
	cmd := start(t, "lamptest-new", "stay", nil)
	if err := os.Remove(cmd.Path); err != nil {
		t.Fatal(err)
	}
	p := one(t, list(t, "lamptest-new"), cmd)
	if !strings.HasSuffix(p.Exe, " (deleted)") {
		t.Errorf("Exe is %q", p.Exe)
	}
	if v := PackageVersion(p.Exe, "@openai/codex"); v != "" {
		t.Errorf("its version is %q", v)
	}
}

func TestAProgramThatEndsMeanwhileIsNoneOfWhichNothingIsKnown(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 400 {
			cmd := exec.Command(sleep, "60")
			cmd.Args[0], cmd.Env = "ends-meanwhile", []string{"WHO=EXAMPLE"}
			if cmd.Start() != nil {
				return
			}
			for started := false; !started; { // one that is starting has none yet
				text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", cmd.Process.Pid))
				started = err != nil || strings.Contains(string(text), "WHO=")
			}
			time.Sleep(time.Millisecond)
			cmd.Process.Kill()
			cmd.Wait()
		}
	}()
	for seen := 0; ; {
		all, err := List(t.Context(), func(name string) bool { return name == "sleep" })
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range all {
			if len(p.Args) == 0 || p.Args[0] != "ends-meanwhile" {
				continue
			}
			seen++
			if who, known := p.Env("WHO"); !known || who != "EXAMPLE" {
				t.Fatalf("one of %d has an environment that is not known", seen)
			}
		}
		select {
		case <-done:
			if seen == 0 {
				t.Error("none was seen")
			}
			return
		default:
		}
	}
}
