package credfiles

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// Each file in testdata/scan is a home and what Scan makes of it. The comment
// names the client, and may name a folder of testdata/real to start from. A
// file called expect is not part of the home. UPDATE=1 writes it anew.
func TestScanGivesWhatTheClientWrote(t *testing.T) {
	names, err := filepath.Glob("testdata/scan/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no fixtures", err)
	}
	covered := map[string]bool{}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			l := fixtureLab(t, archive)
			all, problems := l.look()
			for _, c := range all {
				covered[c.Client+"/"+c.Kind] = true
			}
			got := l.describe(all, problems)
			for i, f := range archive.Files {
				if f.Name != "expect" {
					continue
				}
				if os.Getenv("UPDATE") != "" {
					archive.Files[i].Data = []byte(got)
					if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
						t.Fatal(err)
					}
				} else if got != string(f.Data) {
					t.Errorf("got\n%swant\n%s", got, f.Data)
				}
			}
		})
	}
	for _, c := range table() {
		for _, f := range c.files {
			for _, k := range f.kinds {
				if !covered[c.name+"/"+k.name] {
					t.Errorf("no fixture has a %s/%s", c.name, k.name)
				}
			}
		}
	}
}

// fixtureLab makes the home that an archive describes.
func fixtureLab(t testing.TB, archive *txtar.Archive) *lab {
	t.Helper()
	words := strings.Fields(string(archive.Comment))
	value := func(key string) string {
		if i := slices.Index(words, key); i >= 0 {
			return words[i+1]
		}
		return ""
	}
	i := slices.Index(ClientNames(), value("client:"))
	if i < 0 {
		t.Fatal("the comment names no client")
	}
	l := newLab(t, table()[i])
	if dir := value("from:"); dir != "" {
		l.copy(dir)
	}
	for _, f := range archive.Files {
		if f.Name != "expect" {
			l.put(f.Name, strings.ReplaceAll(string(f.Data), "$HOME", l.host.Home))
			l.must(os.Chtimes(l.path(f.Name), written, written))
		}
	}
	return l
}

// requestBefore is what older versions send, where a store tells them apart,
// or what settings add.
var requestBefore = map[*client]Request{&mcpRemote: {RawBasic: true}, &gemini: {Scope: true}}

// describe writes credentials down, with their made-up secrets.
func (l *lab) describe(all []Credential, problems []Problem) string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "  %s %s\n", name, strings.ReplaceAll(value, l.host.Home, "$HOME"))
		}
	}
	at := func(name string, at time.Time) {
		if !at.IsZero() {
			line(name, at.UTC().Format("2006-01-02T15:04:05.000Z"))
		}
	}
	for _, c := range all {
		fmt.Fprintln(&b, c.ID)
		line("name", c.Name)
		line("key", strings.Trim(strconv.Quote(c.Key.Entry), `"`))
		line("store", c.Path)
		line("access", c.Access.Reveal())
		line("refresh", c.Refresh.Reveal())
		at("expiry", c.Expiry)
		at("refresh-expiry", c.RefreshExpiry)
		line("scope", c.Scope)
		line("server", c.ServerURL)
		line("issuer", c.Issuer)
		line("metadata", c.MetadataURL)
		line("resource-metadata", c.ResourceMetadataURL)
		line("client", c.ClientID)
		line("secret", c.ClientSecret.Reveal())
		line("auth", c.AuthMethod)
		line("endpoint", c.Endpoint)
		line("resource", c.Resource)
		line("watch-only", string(c.WatchOnly))
		is := map[bool]string{true: "yes"}
		line("blanked", is[c.Blanked])
		line("missing", is[c.Missing])
		line("unused", is[c.Unused])
		line("needs-auth", is[c.NeedsAuth])
		line("sign-in", strings.Join(c.SignIn, " "))
		if c.Client != l.client.name || c.Request != l.client.request && c.Request != requestBefore[l.client] || c.Key.Store != resolved(c.Path) || c.Holders != nil || c.TokenURL != "" {
			l.t.Errorf("%s: %+v", c.ID, c)
		}
	}
	for _, p := range problems {
		fmt.Fprintln(&b, "problem", strings.ReplaceAll(p.Error(), l.host.Home, "$HOME"), p.Line)
		if p.Client != l.client.name {
			l.t.Errorf("%v is a Problem of %s", &p, p.Client)
		}
	}
	return b.String()
}
