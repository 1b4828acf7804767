package deliver

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lamplighter/credfiles"
)

// An engine is a stand-in for a KV engine of version 2 at secret/, made from the
// documentation of OpenBao and Vault and from the source of OpenBao
// (builtin/logical/kv/path_data.go). servers/vault holds the real one to the
// same tests.
type engine struct {
	mu       sync.Mutex
	versions map[string][]map[string]any // nil: deleted
	before   func(path string)           // a write, as another writer has it
	calls    []string
}

const authExample = "vault EXAMPLE"

func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = append(e.calls, r.Method+" "+r.URL.Path+" "+r.Header.Get("X-Vault-Namespace"))
	answer := func(status int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(body)
	}
	fail := func(status int, words ...string) {
		answer(status, map[string][]string{"errors": append([]string{}, words...)})
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/v1/secret/data/")
	switch {
	case r.Header.Get("X-Vault-Token") != authExample:
		fail(http.StatusForbidden, "permission denied")
		return
	case !ok:
		fail(http.StatusNotFound, "no handler for route "+r.URL.Path)
		return
	}
	all := e.versions[path]
	meta := map[string]any{"version": len(all), "created_time": "2026-11-21T18:00:00Z", "deletion_time": "", "destroyed": false}
	if r.Method == http.MethodGet {
		switch {
		case len(all) == 0:
			fail(http.StatusNotFound)
		case all[len(all)-1] == nil:
			meta["deletion_time"] = "2026-11-21T18:01:00Z"
			answer(http.StatusNotFound, map[string]any{"data": map[string]any{"data": nil, "metadata": meta}})
		default:
			answer(http.StatusOK, map[string]any{"data": map[string]any{"data": all[len(all)-1], "metadata": meta}})
		}
		return
	}
	var in struct {
		Options struct{ CAS *int }
		Data    map[string]any
	}
	body := json.NewDecoder(r.Body)
	body.UseNumber()
	if err := body.Decode(&in); err != nil {
		fail(http.StatusBadRequest, "error parsing JSON")
		return
	}
	if before := e.before; before != nil {
		e.before = nil
		before(path)
	}
	switch {
	case in.Options.CAS == nil:
		fail(http.StatusBadRequest, "check-and-set parameter required for this call")
	case *in.Options.CAS != len(e.versions[path]):
		fail(http.StatusBadRequest, "check-and-set parameter did not match the current version")
	default:
		e.versions[path] = append(e.versions[path], in.Data)
		meta["version"] = len(e.versions[path])
		answer(http.StatusOK, map[string]any{"data": meta})
	}
}

// put is another writer, within a call.
func (e *engine) put(path string, fields map[string]any) {
	e.versions[path] = append(e.versions[path], fields)
}

func newEngine(t *testing.T) (*engine, KV) {
	e := &engine{versions: map[string][]map[string]any{}}
	s := httptest.NewServer(e)
	t.Cleanup(s.Close)
	return e, KV{Address: s.URL, Mount: "secret", Path: "team/graph", TokenField: "access_token", ExpiryField: "expires_at", Auth: auth}
}

func auth(context.Context) (credfiles.Secret, error) { return credfiles.NewSecret(authExample), nil }

func fieldsOf(t Token) map[string]any {
	return map[string]any{"access_token": t.Access.Reveal(), "expires_at": t.Expiry.UTC().Format(time.RFC3339)}
}

func (e *engine) now(path string) map[string]any { return e.versions[path][len(e.versions[path])-1] }

func TestASecretIsMadeAndGetsVersions(t *testing.T) {
	e, k := newEngine(t)
	for i := range 3 {
		tok := token(fmt.Sprint("EXAMPLE", i), time.Hour)
		put(t, k, tok)
		put(t, k, tok) // which it holds already
		if all := e.versions[k.Path]; len(all) != i+1 || e.now(k.Path)["access_token"] != tok.Access.Reveal() || e.now(k.Path)["expires_at"] != fieldsOf(tok)["expires_at"] {
			t.Fatalf("%v", all)
		}
	}
}

func TestOtherFieldsOfASecretStay(t *testing.T) {
	e, k := newEngine(t)
	e.put(k.Path, map[string]any{"owner": "team", "n": json.Number("12345678901234567"), "access_token": "old EXAMPLE"})
	put(t, k, token("EXAMPLE", time.Hour))
	if now := fmt.Sprint(e.now(k.Path)["owner"], " ", e.now(k.Path)["n"]); now != "team 12345678901234567" {
		t.Error(now)
	}
}

func TestADeletedSecretComesBack(t *testing.T) {
	e, k := newEngine(t)
	put(t, k, token("one EXAMPLE", time.Hour))
	e.put(k.Path, nil)
	put(t, k, token("two EXAMPLE", time.Hour))
	if len(e.versions[k.Path]) != 3 || e.now(k.Path)["access_token"] != "two EXAMPLE" {
		t.Errorf("%v", e.versions[k.Path])
	}
}

// Two machines with one client deliver to one secret: what lives longer stays,
// whoever comes first, and nobody's write is lost unseen.
func TestOfTwoWritersTheLaterEndStays(t *testing.T) {
	for name, left := range map[string]time.Duration{"theirs ends later": 2 * time.Hour, "ours ends later": time.Minute} {
		for _, racing := range []bool{false, true} {
			t.Run(fmt.Sprint(name, racing), func(t *testing.T) {
				e, k := newEngine(t)
				theirs, ours := token("theirs EXAMPLE", left), token("ours EXAMPLE", time.Hour)
				if racing {
					e.before = func(path string) { e.put(path, fieldsOf(theirs)) }
				} else {
					e.put(k.Path, fieldsOf(theirs))
				}
				if err := k.Put(t.Context(), ours, nothing); err != nil {
					t.Fatal(err)
				}
				want := theirs
				if left < time.Hour {
					want = ours
				}
				if got := e.now(k.Path)["access_token"]; got != want.Access.Reveal() {
					t.Errorf("it holds %v", got)
				}
			})
		}
	}
}

// Ours goes over ours: a new one may end earlier, as where the server was told
// to give shorter ones.
func TestATokenOfOursIsReplacedWheneverItEnds(t *testing.T) {
	e, k := newEngine(t)
	e.put(k.Path, fieldsOf(token("old EXAMPLE", 24*time.Hour)))
	put(t, k, token("new EXAMPLE", time.Hour))
	if e.now(k.Path)["access_token"] != "new EXAMPLE" {
		t.Error("the old one stays")
	}
}

// Whatever comes for an answer, the error has no token in it, and no other host
// gets one.
func TestAnAnswerThatIsNoKVEnginesIsAnError(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s went elsewhere with %q", r.Method, r.Header.Get("X-Vault-Token"))
	}))
	defer elsewhere.Close()
	for name, handler := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		},
		"a page":    func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>") },
		"sealed":    func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"version 1": func(w http.ResponseWriter, r *http.Request) { versionOne(w, r) },
		"echo": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"errors":[%q]}`, r.Header.Get("X-Vault-Token"))
		},
	} {
		s := httptest.NewServer(handler)
		k := KV{Address: s.URL, Mount: "secret", Path: "graph", TokenField: "access_token", ExpiryField: "expires_at", Auth: auth}
		err := k.Put(t.Context(), token("at-EXAMPLE", time.Hour), nothing)
		if err == nil || strings.Contains(err.Error(), "EXAMPLE") {
			t.Errorf("%s: %v", name, err)
		}
		s.Close()
	}
}

// versionOne takes everything and says nothing.
func versionOne(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"errors":[]}`)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func TestAWrongTokenIsToldApart(t *testing.T) {
	_, k := newEngine(t)
	k.Auth = func(context.Context) (credfiles.Secret, error) { return credfiles.NewSecret("wrong EXAMPLE"), nil }
	if err := k.Put(t.Context(), token("at-EXAMPLE", time.Hour), nothing); err == nil || !strings.Contains(err.Error(), "does not take the token") {
		t.Error(err)
	}
	gone := errors.New("its file is not there")
	k.Auth = func(context.Context) (credfiles.Secret, error) { return credfiles.Secret{}, gone }
	if err := k.Put(t.Context(), token("at-EXAMPLE", time.Hour), nothing); !errors.Is(err, gone) {
		t.Error(err)
	}
}

func TestACertificateIsTrustedByItsFile(t *testing.T) {
	e := &engine{versions: map[string][]map[string]any{}}
	s := httptest.NewTLSServer(e)
	defer s.Close()
	k := KV{Address: s.URL, Mount: "secret", Path: "graph", Namespace: "team", TokenField: "access_token", ExpiryField: "expires_at", Auth: auth}
	if err := k.Put(t.Context(), token("at-EXAMPLE", time.Hour), nothing); err == nil || len(e.calls) > 0 {
		t.Errorf("a certificate of nobody's: %v", err)
	}
	k.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(k.CAFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
	put(t, k, token("at-EXAMPLE", time.Hour))
	if want := "POST /v1/secret/data/graph team"; e.calls[len(e.calls)-1] != want {
		t.Errorf("%v, want %s", e.calls, want)
	}
}
