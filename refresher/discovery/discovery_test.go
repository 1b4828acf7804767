package discovery

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lamplighter/credfiles"
)

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(data)
	}
	return all
}

// working is a network on which bound is found in three requests.
func working(t *testing.T) *web {
	return withServer(t, map[string]answer{probeGet: unauthorized(`Bearer`), prmPath: resource(serverURL)})
}

func mustFind(t *testing.T, f *Finder, g credfiles.Grant) Endpoints {
	t.Helper()
	e, err := f.Find(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func wantRequests(t *testing.T, w *web, n int) {
	t.Helper()
	if log := w.asked(); len(log) != n {
		t.Errorf("%d requests, want %d: %v", len(log), n, log)
	}
}

func TestWhatWasFoundIsKeptForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := working(t)
		f := &Finder{Transport: w, Dir: filepath.Join(t.TempDir(), "made", "here")}
		e := mustFind(t, f, bound)
		wantRequests(t, w, 3)

		time.Sleep(maxAge - time.Second)
		if again := mustFind(t, f, bound); !reflect.DeepEqual(again, e) {
			t.Errorf("from the cache %+v, from the network %+v", again, e)
		}
		mustFind(t, &Finder{Transport: w, Dir: f.Dir}, bound)
		wantRequests(t, w, 0)

		time.Sleep(time.Second)
		if again := mustFind(t, f, bound); !again.Found.After(e.Found) {
			t.Errorf("Found = %v, was %v", again.Found, e.Found)
		}
		wantRequests(t, w, 3)
		mustFind(t, f, bound)
		wantRequests(t, w, 0)
	})
}

func TestACopyFromTheFutureIsNotFresh(t *testing.T) {
	w := working(t)
	f := &Finder{Transport: w, Dir: t.TempDir()}
	if err := f.save(bound, cached{Endpoints: Endpoints{
		Metadata: Metadata{Issuer: bound.Issuer, TokenURL: "https://as.example/old"}, Found: time.Now().Add(time.Hour),
	}}); err != nil {
		t.Fatal(err)
	}
	if e := mustFind(t, f, bound); e.TokenURL != "https://as.example/token" {
		t.Errorf("got %+v", e)
	}
}

// A refresh must not fail because metadata is down.
func TestTheLastGoodCopyServesWhileTheNetworkIsInTrouble(t *testing.T) {
	for name, trouble := range map[string]answer{
		"no network": {err: errNoHost}, "a portal": htmlPage(), "a broken server": {status: 503}, "a broken line": {reader: broken{}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := working(t)
				f := &Finder{Transport: w, Dir: t.TempDir()}
				e := mustFind(t, f, bound)
				time.Sleep(1000 * time.Hour)
				for _, place := range []string{"https://as.example" + asm, "https://as.example" + oidc} {
					w.at[place] = trouble
				}
				if got := mustFind(t, f, bound); !reflect.DeepEqual(got, e) {
					t.Errorf("got %+v, want %+v", got, e)
				}
				w.asked()
				w.at["https://as.example"+asm] = metadata("https://as.example", "https://as.example/new")
				if got := mustFind(t, f, bound); got.TokenURL != "https://as.example/new" {
					t.Errorf("got %+v", got)
				}
				wantRequests(t, w, 3)
			})
		})
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// The last good copy is for trouble on the way, not for what the server says.
func TestTheLastGoodCopyDoesNotHideWhatTheServerSays(t *testing.T) {
	w := working(t)
	f := &Finder{Transport: w, Dir: t.TempDir()}
	mustFind(t, f, bound)
	if err := f.Forget(bound); err != nil {
		t.Fatal(err)
	}
	w.at["https://as.example"+asm] = metadata("https://new.example", "https://new.example/token")
	_, err := f.Find(t.Context(), bound)
	wantIssuer(t, err, "https://as.example", "https://new.example")
	delete(w.at, "https://as.example"+asm)
	_, err = f.Find(t.Context(), bound)
	wantMisconfigured(t, err, "no authorization server metadata")
}

func TestForgetAsksAgainAndKeepsTheCopy(t *testing.T) {
	w := working(t)
	f := &Finder{Transport: w, Dir: t.TempDir()}
	if err := f.Forget(bound); err != nil {
		t.Fatal(err)
	}
	mustFind(t, f, bound)
	w.asked()
	other := &Finder{Transport: w, Dir: f.Dir}
	if err := other.Forget(bound); err != nil {
		t.Fatal(err)
	}
	w.down = errNoHost
	mustFind(t, f, bound)
	wantRequests(t, w, 1)
	w.down = nil
	mustFind(t, f, bound)
	wantRequests(t, w, 3)
	mustFind(t, f, bound)
	wantRequests(t, w, 0)
}

func TestEveryBindingHasItsOwnCopy(t *testing.T) {
	f := &Finder{Dir: "d"}
	seen := map[string]credfiles.Grant{}
	for _, g := range []credfiles.Grant{
		{}, {Issuer: "a"}, {ServerURL: "a"}, {MetadataURL: "a"}, {ResourceMetadataURL: "a"}, {TokenURL: "a"}, {Resource: "a"},
		{Issuer: "a", ServerURL: "b"}, {Issuer: `a" "b`}, {Issuer: "a b"}, {Issuer: "b", ServerURL: "a"},
	} {
		name := f.file(g)
		if other, ok := seen[name]; ok {
			t.Errorf("%+v and %+v share a copy", g, other)
		}
		seen[name] = g
	}
	if f.file(credfiles.Grant{Issuer: "a", ClientID: "1"}) != f.file(credfiles.Grant{Issuer: "a", ClientID: "2"}) {
		t.Error("the client does not matter here")
	}
}

func TestATornCopyIsIgnoredAndWrittenAgain(t *testing.T) {
	w := working(t)
	f := &Finder{Transport: w, Dir: t.TempDir()}
	mustFind(t, f, bound)
	name := f.file(bound)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	w.asked()
	damage := [][]byte{[]byte("null"), []byte("{}"), []byte("[]"), make([]byte, len(whole)), append(whole[:len(whole):len(whole)], whole...),
		[]byte(strings.Replace(string(whole), `"https://as.example/token"`, `"http://as.example/token"`, 1)),
		[]byte(strings.Replace(string(whole), `"https://as.example"`, `"https://evil.example"`, 1)),
	}
	for n := range whole {
		damage = append(damage, whole[:n])
	}
	for _, data := range damage {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if e := mustFind(t, f, bound); e.TokenURL != "https://as.example/token" || e.Issuer != "https://as.example" {
			t.Fatalf("%q: got %+v", data, e)
		}
		wantRequests(t, w, 3)
		mustFind(t, f, bound)
		wantRequests(t, w, 0)
	}
	if n := len(files(t, f.Dir)); n != 1 {
		t.Errorf("%d files in the folder, want 1", n)
	}
}

func TestACacheThatCannotBeWrittenCostsOnlyRequests(t *testing.T) {
	w := working(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", file} {
		f := &Finder{Transport: w, Dir: dir}
		mustFind(t, f, bound)
		mustFind(t, f, bound)
		wantRequests(t, w, 6)
	}
}

func TestTheCacheIsTheUsersOwn(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes")
	}
	f := &Finder{Transport: working(t), Dir: filepath.Join(t.TempDir(), "cache")}
	mustFind(t, f, bound)
	for name, want := range map[string]fs.FileMode{f.Dir: 0o700, f.file(bound): 0o600} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want mode %v", name, info.Mode().Perm(), err, want)
		}
	}
}

func TestAServerThatDoesNotAnswerIsGivenUpAfter30Seconds(t *testing.T) {
	silent := roundTripper(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	// It answers each request in time, but a place after the other.
	slow := roundTripper(func(r *http.Request) (*http.Response, error) {
		select {
		case <-r.Context().Done():
			return nil, r.Context().Err()
		case <-time.After(11 * time.Second):
			return &http.Response{StatusCode: 404, Body: http.NoBody, Header: http.Header{}}, nil
		}
	})
	drip := roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: io.NopCloser(dripping{r.Context()}), Header: http.Header{}}, nil
	})
	for name, via := range map[string]http.RoundTripper{"silent": silent, "slow": slow, "dripping": drip} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				_, err := (&Finder{Transport: via}).Find(t.Context(), unbound)
				wantTemporary(t, err)
				if took := time.Since(start); took != total {
					t.Errorf("took %v, want %v", took, total)
				}
				if !strings.HasSuffix(err.Error(), ": no answer in time") {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

// dripping sends a byte a second.
type dripping struct{ ctx context.Context }

func (d dripping) Read(p []byte) (int, error) {
	select {
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	case <-time.After(time.Second):
		p[0] = ' '
		return 1, nil
	}
}

func TestACallerWhoLeavesGetsNoOldCopy(t *testing.T) {
	w := working(t)
	f := &Finder{Transport: w, Dir: t.TempDir()}
	mustFind(t, f, bound)
	if err := f.Forget(bound); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.down = context.Canceled
	_, err := f.Find(ctx, bound)
	wantTemporary(t, err)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestManyMayAskAtOnce(t *testing.T) {
	w := working(t)
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			f := &Finder{Transport: w, Dir: dir}
			for range 20 {
				if e, err := f.Find(t.Context(), bound); err != nil || e.TokenURL != "https://as.example/token" {
					t.Errorf("got %+v, %v", e, err)
				}
				if err := f.Forget(bound); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	f := &Finder{Dir: dir}
	if _, ok := f.load(bound); !ok || len(files(t, dir)) != 1 {
		t.Errorf("the copy is damaged, or not alone: %v", files(t, dir))
	}
}

func TestWhatIsErasedIsNotFoundAgainWithoutAsking(t *testing.T) {
	w := working(t)
	f := &Finder{Transport: w, Dir: t.TempDir()}
	if err := f.Erase(""); err != nil {
		t.Fatal(err)
	}
	e := mustFind(t, f, bound)
	other := bound
	other.ServerURL = "https://elsewhere.example/mcp"
	if err := f.Erase("", other); err != nil || len(files(t, f.Dir)) != 1 {
		t.Error("another's is erased", err)
	}
	for _, erase := range []func() error{
		func() error { return f.Erase("", bound) },
		func() error { return f.Erase(e.TokenURL, other) }, // of one that is gone only that is known
		func() error { return f.Erase("") },
	} {
		mustFind(t, f, bound)
		if err := erase(); err != nil || len(files(t, f.Dir)) != 0 {
			t.Errorf("%d files are left, %v", len(files(t, f.Dir)), err)
		}
		if _, known := f.Known(bound); known {
			t.Error("it is known still")
		}
	}
}
