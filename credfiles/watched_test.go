package credfiles

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// Nothing here is ever written, so a literal says no more than where to look.
func TestAClientThatIsOnlyWatchedSaysWhereToLookAndNoMore(t *testing.T) {
	names := ClientNames()
	for _, c := range watched {
		check := func(ok bool, what string) {
			t.Helper()
			if !ok {
				t.Errorf("%s: %s", c.name, what)
			}
		}
		count := 0
		for _, name := range names {
			if name == c.name {
				count++
			}
		}
		check(count == 1 && Title(c.name) == c.title && c.title != "", "its name is not its own, or it has no title")
		check(c.seen != "", "nobody says where the facts are from")
		check(c.grantLock == nil && c.storeLock.path == "" && c.programs == nil && c.ring == nil, "what only a writer needs")
		for _, dir := range append([]string{c.dir}, c.dirOn["windows"]) {
			check(dir == "" || inside(filepath.FromSlash(dir)), "its home is not below the user's: "+dir)
		}
		for _, name := range c.beside {
			check(inside(name), "watched outside its home: "+name)
		}
		for _, f := range c.files {
			check(inside(f.name) && f.many == strings.Contains(f.name, "*"), "a store outside its home, or many in one: "+f.name)
			for _, k := range f.kinds {
				check(k.name == "login" && k.watchOnly == VendorLogin && (k.single || k.keyed), "more than logins to watch")
			}
		}
		if command := c.signIn(Credential{Kind: "login", Name: "a name"}); command != nil {
			check(len(command) > 1 && !slices.Contains(command, ""), "a command that is none")
		}
	}
}

func TestALoginIsFoundByItsKey(t *testing.T) {
	for _, name := range []string{"aws-login", "azure-login", "gcloud-login", "kiro-login", "kimi-login", "gemini-login", "qwen-login", "opencode-login"} {
		archive, err := txtar.ParseFile(filepath.Join("testdata", "scan", name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, s := range fixtureLab(t, archive).stores() {
			all, _ := s.Scan(t.Context())
			for _, c := range all {
				found++
				if got, ok := s.Find(t.Context(), c.Key); !ok || got.Key != c.Key || got.Name != c.Name || !got.Access.Equal(c.Access) || !got.Expiry.Equal(c.Expiry) {
					t.Errorf("%s: %s is found as %+v", name, c.Key.Entry, got.Key)
				}
			}
			if _, ok := s.Find(t.Context(), Key{Store: s.Real(), Entry: "uid1.t1-login.microsoftonline.com-t2"}); ok {
				t.Errorf("%s: an account's second tenant is another login", name)
			}
		}
		if found == 0 {
			t.Errorf("%s holds nothing", name)
		}
	}
}

func TestAWSWritesATimeInTwoWays(t *testing.T) {
	want := time.Date(2026, 11, 21, 12, 30, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-11-21T12:30:00Z": want, "2026-11-21T12:30:00UTC": want, "": {}, "tomorrow": {},
	} {
		if got := awsTime(text); !got.Equal(want) {
			t.Errorf("%q: %v", text, got)
		}
	}
}
