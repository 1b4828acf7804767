package credfiles

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lamplighter/credfiles/jsonedit"
)

// seed gives a fuzz target the stores that we know.
func seed(f *testing.F) {
	for i, dir := range []string{"codex-0.169.0", "claude-2.1.329"} {
		names, err := filepath.Glob(filepath.Join("testdata", "real", dir, "*.credentials.json"))
		if err != nil || len(names) == 0 {
			f.Fatal("no stores", err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(byte(i), text, "rt_EXAMPLE")
			for _, s := range styles {
				f.Add(byte(i), []byte(s.make(clients[i], string(text))), "rt_EXAMPLE")
			}
		}
	}
	names, err := filepath.Glob(filepath.Join("testdata", "real", "mcp-remote-*", "mcp-remote-*", "*_tokens.json"))
	if err != nil || len(names) == 0 {
		f.Fatal("no stores", err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(2), text, "rt_EXAMPLE")
	}
	for _, text := range []string{``, `{}`, `[]`, `null`, `{"mcpOAuth":{"a|b":null}}`, `{"a|b":{"server_name":"a","server_name":"b"}}`, `{"claudeAiOauth":{"accessToken":""}}`} {
		f.Add(byte(0), []byte(text), "")
		f.Add(byte(1), []byte(text), "")
	}
}

// Scan does not crash, whatever a store holds, and what it says of an entry
// can be found again under its key.
func FuzzScan(f *testing.F) {
	seed(f)
	l := newLab(f, &codex)
	f.Fuzz(func(t *testing.T, which byte, text []byte, _ string) {
		c := clients[int(which)%len(clients)]
		for i := range c.files {
			if c.files[i].sealed != nil {
				continue
			}
			s := &Store{client: c, file: &c.files[i], host: l.host, home: l.dir, path: filepath.Join(l.dir, "store")}
			if err := os.WriteFile(s.path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			cancel() // nobody waits for a torn one
			all, problems := s.Scan(ctx)
			NameAll(all)
			for _, p := range problems {
				_ = p.Error()
			}
			doc, err := s.parse(text)
			if err != nil {
				if len(all) > 0 || len(problems) == 0 {
					t.Errorf("%d credentials of what is not JSON", len(all))
				}
				continue
			}
			for _, cred := range all {
				found, err := s.find(doc.root, cred.Key, joined{})
				if cred.WatchOnly == OddFormat {
					continue
				}
				if err != nil || !found.Access.Equal(cred.Access) || !found.Refresh.Equal(cred.Refresh) || found.Kind != cred.Kind {
					t.Errorf("%s: found %v, %v", cred.ID, found, err)
				}
			}
		}
	})
}

// The token that is there already changes no byte, and another one changes
// nothing but itself: putting the first back gives the same bytes again.
func FuzzSplice(f *testing.F) {
	seed(f)
	l := newLab(f, &codex)
	f.Fuzz(func(t *testing.T, which byte, text []byte, refresh string) {
		c := clients[int(which)%len(clients)]
		s := &Store{client: c, file: &c.files[0], host: l.host, home: l.dir, path: filepath.Join(l.dir, "store")}
		doc, err := s.parse(text)
		if err != nil {
			return
		}
		all, _ := s.entries(doc.root, joined{})
		for _, cred := range all {
			if cred.WatchOnly == OddFormat {
				continue
			}
			k, place := s.place(doc.root, cred.Key)
			e, ok := doc.root.Get(place...)
			if !ok {
				t.Fatalf("%s is not in its place", cred.ID)
			}
			same := cred.Token
			if len(k.fields.lifetime) > 0 {
				life, _ := e.Get(k.fields.lifetime...)
				n, ok := life.Float()
				if !ok || fraction(life) || n < 0 || n > 1e9 {
					continue // nor is a lifetime of another kind
				}
				same.written = same.Expiry.Add(-time.Duration(n) * time.Second)
			}
			if v, _ := e.Get(k.fields.expiry...); v.Kind() != jsonedit.Number || fraction(v) {
				continue // how an unknown end is written, and parts of a millisecond, are not kept
			}
			if access, ok := e.Get(k.fields.access...); !ok || access.Kind() != jsonedit.String {
				continue // an absent one comes back as ""
			}
			again, err := s.spliced(doc, cred.Key, same)
			if err != nil || string(again.text) != string(text) {
				t.Errorf("the same token:\n got %q, %v\nwant %q", again.text, err, text)
			}
			if same.Refresh.IsZero() {
				continue
			}
			other := same
			other.Refresh = NewSecret(refresh)
			if other.Refresh.IsZero() {
				continue
			}
			changed, err := s.spliced(doc, cred.Key, other)
			if err != nil {
				continue // no store can hold it
			}
			if v, _ := e.Get(k.fields.refresh...); string(v.Bytes()) != string(jsonedit.Quote(same.Refresh.Reveal())) {
				continue // written with escapes of its own, which do not come back
			}
			back, err := s.spliced(changed, cred.Key, same)
			if err != nil || string(back.text) != string(text) {
				t.Errorf("there and back:\n got %q, %v\nwant %q", back.text, err, text)
			}
		}
	})
}

func fraction(v jsonedit.Value) bool {
	n, _ := v.Float()
	return n != math.Trunc(n)
}
