package settings

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

const owned = "[[own]]\nname = \"graph\"\nclient_id = \"c\"\ntoken_endpoint = \"https://as.example/token\"\n"

func TestADeliveryIsRead(t *testing.T) {
	s, err := Load(config(t, owned+`[[deliver]]
id = "own/graph"
file = "~/run/graph.env"
form = "TOKEN={{.AccessToken}}\n"
[[deliver]]
id = "own/graph"
keyring_service = "graph"
keyring_account = "me"
[[deliver]]
id = "own/graph"
vault_address = "https://vault.example:8200"
vault_path = "/team/graph"
vault_token_file = "/run/vault-token"
`), clients)
	want := []Delivery{
		{ID: "own/graph", File: "~/run/graph.env", Form: "TOKEN={{.AccessToken}}\n"},
		{ID: "own/graph", KeyringService: "graph", KeyringAccount: "me"},
		{ID: "own/graph", VaultAddress: "https://vault.example:8200", VaultMount: "secret", VaultPath: "team/graph", VaultField: "access_token", VaultExpiryField: "expires_at", VaultTokenFile: "/run/vault-token"},
	}
	if err != nil || !reflect.DeepEqual(s.Deliveries, want) {
		t.Errorf("%+v, %v", s.Deliveries, err)
	}
}

// The lines are counted from the table's.
func TestAWrongDeliveryIsNamedByKeyAndLine(t *testing.T) {
	for text, want := range map[string]string{
		`file = "/t"`:                                    "5: deliver: id is missing",
		`id = "own/grph"` + "\n" + `file = "/t"`:         `6: deliver.id: must be the ID of an [[own]] that stands here too, such as "own/graph"`,
		`id = "own/graph"`:                               "5: deliver: needs one of file, keyring_service and vault_address",
		`id = "own/graph"` + "\nfile = \"t\"":            `7: deliver.file: must be an absolute path or one that begins with "~/"`,
		`id = "own/graph"` + "\nfile = \"/t\"\nform = 1": "8: deliver.form: must be a text in quotes",
		`id = "own/graph"` + "\nfile = \"/t\"\nform = \"{{.RefreshToken}} {{.AccessToken}}\"":                            "8: deliver.form: must be \"raw\"",
		`id = "own/graph"` + "\nkeyring_service = \"s\"":                                                                 "5: deliver: keyring_service and keyring_account go together",
		`id = "own/graph"` + "\nkeyring_service = \"s\"\nkeyring_account = \"a\"\nfile = \"/t\"":                         "5: deliver: needs one of",
		`id = "own/graph"` + "\nkeyring_service = \"s\"\nkeyring_account = \"a\"\nform = \"json\"":                       "9: deliver.form: is the form of a file",
		`id = "own/graph"` + "\nfile = \"/t\"\nvault_path = \"x\"":                                                       "5: deliver: vault_address is missing",
		`id = "own/graph"` + "\nvault_address = \"https://v.example\"\nvault_token_env = \"T\"":                          "5: deliver: vault_path is missing",
		`id = "own/graph"` + "\nvault_address = \"https://v.example\"\nvault_path = \"p\"":                               "5: deliver: needs one of vault_token_file",
		`id = "own/graph"` + "\nvault_address = \"http://v.example\"\nvault_path = \"p\"\nvault_token_env = \"T\"":       "7: deliver.vault_address: must be a URL with https",
		`id = "own/graph"` + "\nvault_address = \"https://v.example\"\nvault_path = \"../sys\"\nvault_token_env = \"T\"": "8: deliver.vault_path: must be words",
		`id = "own/graph"` + "\nfile = \"/t\"\n[[deliver]]\nid = \"own/graph\"\nfile = \"/t\"":                           "8: deliver: goes where another [[deliver]] goes",
		`id = "own/graph"` + "\nfile = \"/t\"\nvault_token = \"hvs.EXAMPLE\"":                                            "8: deliver.vault_token: unknown key",
	} {
		_, err := Load(config(t, owned+"[[deliver]]\n"+text), clients)
		if err == nil || !strings.Contains(err.Error(), "config.toml:"+want) || strings.Contains(err.Error(), "EXAMPLE") {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
}

// Without them the config would name a credential that is not there any more.
func TestDeliveriesGoWithTheirCredential(t *testing.T) {
	path := config(t, "# mine\n"+owned+"\n[[deliver]]\nid = \"own/graph\"\nfile = \"/a\"\n\n[[own]]\nname = \"other\"\nclient_id = \"c\"\nissuer = \"https://as.example\"\n\n[[deliver]]\nid = \"own/other\"\nfile = \"/b\" # theirs\n\n[[deliver]]\nid = \"own/graph\"\nfile = \"/c\"\n")
	for _, err := range []error{RemoveDeliveries(path, "own/graph"), RemoveDeliveries(path, "own/graph"), RemoveOwn(path, "graph")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	s, err := Load(path, clients)
	if err != nil || len(s.Own) != 1 || !reflect.DeepEqual(s.Deliveries, []Delivery{{ID: "own/other", File: "/b"}}) {
		t.Errorf("%+v, %v", s.Deliveries, err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "# mine") || !strings.Contains(string(text), "# theirs") {
		t.Errorf("%s, %v", text, err)
	}
}
