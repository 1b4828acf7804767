package processes

import (
	"os"
	"strings"
	"testing"
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
