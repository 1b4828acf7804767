package doctor

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lamplighter/refresher/authtest"
)

// byHand is above the commands.
const byHand = "The requests, to make them by hand:"

var update = flag.Bool("update", false, "write the golden files anew")

// What the owner of an endpoint reads, in 80 columns.
func TestReportsOfAnEndpointReadAsTheyDid(t *testing.T) {
	for name, c := range map[string]struct {
		o      authtest.Options
		change []func(*bench)
	}{
		"ok":     {authtest.Options{Policy: authtest.Policy{JWT: true}}, nil},
		"entra":  {authtest.Options{Policy: authtest.Policy{Dialect: authtest.Entra, RequireScope: true, JWT: true}}, nil},
		"handed": {authtest.Options{}, []func(*bench){handed, as("power-platform", "with-scope")}},
		"apim-cache": {authtest.Options{Registration: authtest.Registration{ClientLifetime: time.Hour, RegistrationSecret: true}},
			[]func(*bench){registered, as("power-platform", "with-scope"), func(b *bench) { b.e.Wait = 65 * time.Minute }}},
		"salesforce": {authtest.Options{Policy: authtest.Policy{ClientAuth: authtest.PostOnly}}, []func(*bench){as("power-platform", "no-template", "codex")}},
		"offline":    {authtest.Options{}, []func(*bench){as("all"), func(b *bench) { b.e.Show = nil }}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := benched(t, c.o, c.change...)
				if b.e.Show == nil {
					b.x.Via = nil
				}
				rep := b.examine(t)
				// How a request is written as a command has tests of its own.
				text := strings.ReplaceAll(rep.Text(80, nil), b.e.Client.ID, "connector")
				if from, to := strings.Index(text, byHand), strings.LastIndex(text, "  curl -i"); from >= 0 && to > from {
					_, rest, _ := strings.Cut(text[to:], "\n\n")
					text = text[:from] + rest
				}
				golden(t, "endpoint-"+name+".txt", text)
			})
		})
	}
}

// golden compares with a file in testdata. -update writes it anew.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is now:\n%s", name, got)
	}
}
