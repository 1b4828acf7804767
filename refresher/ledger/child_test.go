package ledger_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"lamplighter/credfiles"
	"lamplighter/refresher/ledger"
)

// The test binary plays another process when this variable names a part.
const partVar = "LEDGER_TEST_PART"

func TestMain(m *testing.M) {
	if part := os.Getenv(partVar); part != "" {
		if err := play(part, os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func play(part, dir, name string) error {
	l, err := ledger.Open(dir)
	if err != nil {
		return err
	}
	switch part {
	case "open":
		fmt.Println(l.Fingerprint(credfiles.NewSecret("rt-EXAMPLE")))
	case "mark":
		lk, err := l.Lock(ctx, key(name))
		if err != nil {
			return err
		}
		defer lk.Unlock()
		for n := range 50 {
			if err := lk.MarkSpent(l.Fingerprint(token(name, n)), n); err != nil {
				return err
			}
		}
	case "log":
		for range 40 {
			if err := l.Log(ledger.Event{ID: name, What: "sent"}, 150, 300); err != nil {
				return err
			}
		}
	}
	return nil
}

// others runs one process for each name at the same time and returns what
// they printed.
func others(t *testing.T, part, dir string, names []string) []string {
	t.Helper()
	cmds := make([]*exec.Cmd, len(names))
	outs := make([]strings.Builder, len(names))
	for i, name := range names {
		cmds[i] = exec.Command(os.Args[0], dir, name)
		cmds[i].Env = append(os.Environ(), partVar+"="+part)
		cmds[i].Stdout, cmds[i].Stderr = &outs[i], &outs[i]
		if err := cmds[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	var said []string
	for i, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v: %s", names[i], err, &outs[i])
		}
		said = append(said, strings.TrimSpace(outs[i].String()))
	}
	return said
}
