package settings

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
)

const graphTable = `[[own]]
name = "graph"
token_endpoint = "https://as.example/token"
client_id = "app"
secret_file = "~/graph.secret"
scope = "api://x/.default"
secret_expires = 2027-01-31
parameters = { "a b" = "c", tenant = "acme" }
`

func graph() credfiles.Own {
	return credfiles.Own{
		Name: "graph", TokenURL: "https://as.example/token", ClientID: "app", SecretFile: "~/graph.secret",
		SecretExpires: time.Date(2027, 1, 31, 0, 0, 0, 0, time.Local), Scope: "api://x/.default",
		Parameters: map[string]string{"tenant": "acme", "a b": "c"},
	}
}

func TestAddOwnAppendsATableThatLoadReads(t *testing.T) {
	for _, before := range []string{
		"", "# mine\nmode = 'keep' # so\n", "[[own]] # one\nname = 'other'\nclient_id = 'x'\ntoken_endpoint = 'https://y.example/t'\n",
		"mode = 'keep'\r\n", "moed = 1\n",
	} {
		path := config(t, before)
		if err := CheckOwn(path, graph(), clients); err != nil {
			t.Fatal(err)
		}
		if text, _ := os.ReadFile(path); string(text) != before {
			t.Fatalf("CheckOwn wrote %q", text)
		}
		if err := AddOwn(path, graph(), clients); err != nil {
			t.Fatalf("%q: %v", before, err)
		}
		text, err := os.ReadFile(path)
		table := graphTable
		if strings.Contains(before, "\r\n") {
			table = strings.ReplaceAll(table, "\n", "\r\n")
		}
		if err != nil || !strings.HasPrefix(string(text), before) || !strings.HasSuffix(string(text), table) {
			t.Fatalf("%q became %q, %v", before, text, err)
		}
		if before == "moed = 1\n" {
			continue
		}
		s, err := Load(path, clients)
		if err != nil {
			t.Fatal(err)
		}
		want := graph()
		want.Grant = "client_credentials"
		if got := s.Own[len(s.Own)-1]; !reflect.DeepEqual(got, want) {
			t.Errorf("read as %+v, want %+v", got, want)
		}
		if err := RemoveOwn(path, "graph"); err != nil {
			t.Fatal(err)
		}
		if text, _ := os.ReadFile(path); string(text) != before {
			t.Errorf("%q came back as %q", before, text)
		}
	}
}

func TestRemoveOwnLeavesAllElse(t *testing.T) {
	before := "# first\n\n" + graphTable + "\n# of the second\n[[own]]\nname = 'b' # b\nclient_id = 'x'\ntoken_endpoint = 'https://y.example/t'\n\n[lead]\nleast = '5m'\n"
	path := config(t, before)
	if err := RemoveOwn(path, "b"); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(path); string(text) != "# first\n\n"+graphTable+"\n[lead]\nleast = '5m'\n" {
		t.Errorf("it became %q", text)
	}
	if err := RemoveOwn(path, "nobody"); err != nil {
		t.Error(err)
	}
}

func TestOwnTablesThatAreNotPlainAreLeftToTheirOwner(t *testing.T) {
	before := "own = [{ name = 'a', client_id = 'x', token_endpoint = 'https://y.example/t' }]\n"
	path := config(t, before)
	for _, err := range []error{AddOwn(path, graph(), clients), RemoveOwn(path, "a")} {
		if err == nil || !strings.Contains(err.Error(), "edit it by hand") {
			t.Errorf("%v", err)
		}
	}
	if text, _ := os.ReadFile(path); string(text) != before {
		t.Errorf("it became %q", text)
	}
}

func TestWhatIsWrongWithAnOwnCredentialIsSaid(t *testing.T) {
	for _, c := range []struct{ lines, want string }{
		{"name = 'A'", "own.name: must be a word of small letters, digits and -"},
		{"name = '" + strings.Repeat("a", 65) + "'", "own.name: must not have more than 64 letters"},
		{"", "one of issuer and token_endpoint is missing"},
		{"issuer = 'http://as.example'", "own.issuer: must be a URL with https, or with http on this computer"},
		{"issuer = 'https://as.example'\ngrant = 'password'", "own.grant: must be "},
		{"issuer = 'https://as.example'\nsecret_file = '~/s'\nsecret_env = 'S'", "only one of them has a meaning"},
		{"issuer = 'https://as.example'\nauth_method = 'private_key_jwt'", "private_key_jwt needs key_file"},
		{"issuer = 'https://as.example'\nauth_method = 'client_secret_post'\nkey_file = '~/k'", "is for auth_method private_key_jwt"},
		{"issuer = 'https://as.example'\nkey_id = 'k'", "key_id and key_audience need key_file"},
		{"issuer = 'https://as.example'\nauth_method = 'none'", `"none" gives nobody a token by client_credentials`},
		{"token_endpoint = 'https://as.example/t'\ngrant = 'authorization_code'", "one of issuer and authorization_endpoint is missing"},
		{"token_endpoint = 'https://as.example/t'\ngrant = 'device_code'", "one of issuer and device_endpoint is missing"},
		{"issuer = 'https://as.example'\nredirect_uri = 'http://127.0.0.1/x'", "needs no redirect_uri"},
		{"issuer = 'https://as.example'\nsecret_expires = 'soon'", "own.secret_expires: must be a date, such as 2027-01-31"},
		{"issuer = 'https://as.example'\nparameters = { client_secret = 'EXAMPLE' }", "own.parameters: must not hold client_secret"},
		{"issuer = 'https://as.example'\nparameters = { a = 1 }", "own.parameters: must be a table of texts"},
		{"issuer = 'https://as.example'\nsecret = 'EXAMPLE'", "own.secret: unknown key"},
		{"issuer = 'https://as.example'\nsecret_command = 'pass show x'", "own.secret_command: must be a list of texts"},
	} {
		name := "name = 'x'\n"
		if strings.HasPrefix(c.lines, "name") {
			name = ""
		}
		_, err := Load(config(t, "[[own]]\n"+name+"client_id = 'app'\n"+c.lines+"\n"), clients)
		var wrong *Error
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "EXAMPLE") {
			t.Errorf("%q: %v, want %q", c.lines, err, c.want)
		}
	}
	twice := strings.Repeat("[[own]]\nname = 'x'\nclient_id = 'app'\nissuer = 'https://as.example'\n", 2)
	if _, err := Load(config(t, twice), clients); err == nil || !strings.Contains(err.Error(), "own.name: has an [[own]] already") {
		t.Errorf("twice: %v", err)
	}
	if _, err := Load(config(t, "[[client]]\nname = 'own'\nfolder = 'a'\nfile = 'b'\naccess = 'c'\nrefresh = 'd'\nclient_id = 'e'\nissuer = 'f'\n"), clients); err == nil {
		t.Error("a client may be called own")
	}
}
