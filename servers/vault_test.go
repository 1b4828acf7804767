//go:build servers && linux

package servers

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/deliver"
	"lamplighter/lab"
)

const vaultToken = "hvs.EXAMPLE"

// engine runs HashiCorp's KV engine and returns its address.
func engine(t *testing.T) string {
	t.Helper()
	dir, err := cache()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "vault")
	build := exec.Command("go", "build", "-C", "vault", "-o", name, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the KV engine: %v\n%s", err, out)
	}
	cmd := exec.Command(name)
	cmd.Env = append(os.Environ(), "TOKEN="+vaultToken)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(address)
}

// asked is one request to it.
func asked(t *testing.T, method, url, body string) (version int, fields map[string]any) {
	t.Helper()
	req, err := http.NewRequest(method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Vault-Token", vaultToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Data struct {
			Data     map[string]any
			Metadata struct{ Version int }
		}
	}
	json.NewDecoder(resp.Body).Decode(&answer) // a deletion says nothing
	return answer.Data.Metadata.Version, answer.Data.Data
}

// Delivering to the real KV engine: what package deliver's stand-in answers is
// what it answers, others' fields stay, a secret that was deleted comes back, and
// of many writers at once the token that ends last is there in the end.
func TestDeliveringToARealEngine(t *testing.T) {
	t.Run("vault", func(t *testing.T) {
		address := engine(t)
		url := address + "/v1/secret/data/team/graph"
		kv := deliver.KV{
			Address: address, Mount: "secret", Path: "team/graph", TokenField: "access_token", ExpiryField: "expires_at",
			Auth: func(context.Context) (credfiles.Secret, error) { return credfiles.NewSecret(vaultToken), nil },
		}
		token := func(i int) deliver.Token {
			return deliver.Token{ID: "own/graph", Access: credfiles.NewSecret(fmt.Sprintf("at-EXAMPLE-%d", i)), Expiry: time.Now().Add(time.Duration(i) * time.Hour)}
		}
		nobodys := func(credfiles.Secret) bool { return false }
		put := func(i int) {
			t.Helper()
			if err := kv.Put(t.Context(), token(i), nobodys); err != nil {
				t.Fatal(err)
			}
		}
		want := func(version, i int) {
			t.Helper()
			v, fields := asked(t, "GET", url, "")
			if v != version || fields["access_token"] != token(i).Access.Reveal() {
				t.Errorf("version %d: %v, want version %d with token %d", v, fields, version, i)
			}
		}
		put(1)
		want(1, 1)
		put(1)
		want(1, 1) // it was there
		put(2)
		want(2, 2)
		put(1) // ends earlier
		want(2, 2)
		asked(t, "DELETE", url, "")
		put(3)
		want(3, 3)
		asked(t, "POST", url, `{"data":{"owner":"team","access_token":"at-EXAMPLE-0","expires_at":"2020-01-01T00:00:00Z"}}`)
		put(4)
		want(5, 4)
		if _, fields := asked(t, "GET", url, ""); fields["owner"] != "team" {
			t.Errorf("another's field is gone: %v", fields)
		}
		var writers sync.WaitGroup
		for i := range 4 {
			writers.Go(func() {
				if err := kv.Put(t.Context(), token(10+i), nobodys); err != nil {
					t.Error(err)
				}
			})
		}
		writers.Wait()
		if _, fields := asked(t, "GET", url, ""); fields["access_token"] != token(13).Access.Reveal() {
			t.Errorf("of four writers stays %v", fields["access_token"])
		}

		// The real program, whose token for it comes from a command.
		as := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"access_token":"at-program-EXAMPLE","token_type":"Bearer","expires_in":3600}`)
		}))
		defer as.Close()
		l := lab.New(t)
		for name, text := range map[string]string{"secret": "cs-EXAMPLE", "vault": vaultToken, ".config/lamplighter/config.toml": fmt.Sprintf(`[[own]]
name = "graph"
client_id = "c"
token_endpoint = "%s"
secret_file = "~/secret"
[[deliver]]
id = "own/graph"
vault_address = "%s"
vault_path = "team/program"
vault_token_command = ["cat", "%s"]
`, as.URL, address, l.Path("vault"))} {
			if err := os.MkdirAll(filepath.Dir(l.Path(name)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(l.Path(name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if r := l.Run("refresh", "own/graph"); r.Code != 0 || strings.Contains(r.Output, "EXAMPLE") {
			t.Errorf("%d\n%s", r.Code, r.Output)
		}
		if v, fields := asked(t, "GET", address+"/v1/secret/data/team/program", ""); v != 1 || fields["access_token"] != "at-program-EXAMPLE" {
			t.Errorf("version %d: %v", v, fields)
		}
		r := l.Run("remove", "graph")
		if r.Code != 0 || !strings.Contains(r.Output, "secret/team/program") || !strings.Contains(r.Output, "stays until it ends") {
			t.Errorf("%d\n%s", r.Code, r.Output)
		}
	})
}
