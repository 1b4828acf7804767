package settings

import (
	"slices"
	"strings"

	"lamplighter/deliver"
)

// A Delivery is where the access token of an own credential goes each time that
// it is another one: to a file, an item of the keyring, or a secret of Vault.
type Delivery struct {
	ID string // own/NAME

	File string // absolute, or below ~/
	Form string // for deliver.ParseForm

	KeyringService, KeyringAccount string

	VaultAddress, VaultMount, VaultPath, VaultNamespace, VaultCAFile string
	VaultField, VaultExpiryField                                     string
	// Where Vault's own token is: one of these.
	VaultTokenFile, VaultTokenEnv string
	VaultTokenCommand             []string
}

var deliverKeys = []key{
	{KeyDoc{"deliver.id", "ID", "", "`[[deliver]]` puts the access token of an own credential, such as `own/graph`, where others read it: into a file, an item of the keyring, or a secret of HashiCorp Vault or OpenBao; required"},
		func(d *draft, v any) string { return ownID(d, v) }},
	{KeyDoc{"deliver.file", "path", "", "a file, of mode 0600, in a folder that is there; absolute or below `~/`"},
		func(d *draft, v any) string { return folder(&d.delivery.File, v) }},
	{KeyDoc{"deliver.form", "`raw`, `json`, `env`, `header` or template", "", "what stands in it: a template of Go's text/template has `{{.AccessToken}}`, `{{.Expiry}}`, `{{.Scope}}` and `{{.ID}}`; without it `raw`"},
		func(d *draft, v any) string { return form(&d.delivery.Form, v) }},
	{KeyDoc{"deliver.keyring_service", "text", "", "an item of the keyring, by its service; only the access token stands in it"},
		func(d *draft, v any) string { return text(&d.delivery.KeyringService, v) }},
	{KeyDoc{"deliver.keyring_account", "text", "", "and its account, which the Secret Service calls `username`"},
		func(d *draft, v any) string { return text(&d.delivery.KeyringAccount, v) }},
	{KeyDoc{"deliver.vault_address", "URL", "", "a Vault or OpenBao, whose KV engine is of version 2"},
		func(d *draft, v any) string { return address(&d.delivery.VaultAddress, v) }},
	{KeyDoc{"deliver.vault_mount", "text", "", "where that is mounted; without it `secret`"},
		func(d *draft, v any) string { return segments(&d.delivery.VaultMount, v) }},
	{KeyDoc{"deliver.vault_path", "text", "", "the secret's path in it, such as `team/graph`; required beside `vault_address`"},
		func(d *draft, v any) string { return segments(&d.delivery.VaultPath, v) }},
	{KeyDoc{"deliver.vault_field", "text", "", "its field for the token; without it `access_token`; other fields stay"},
		func(d *draft, v any) string { return text(&d.delivery.VaultField, v) }},
	{KeyDoc{"deliver.vault_expiry_field", "text", "", "its field for the end; without it `expires_at`"},
		func(d *draft, v any) string { return text(&d.delivery.VaultExpiryField, v) }},
	{KeyDoc{"deliver.vault_namespace", "text", "", "its namespace"},
		func(d *draft, v any) string { return segments(&d.delivery.VaultNamespace, v) }},
	{KeyDoc{"deliver.vault_ca_file", "path", "", "the PEM file with the certificates to trust, in place of the system's"},
		func(d *draft, v any) string { return folder(&d.delivery.VaultCAFile, v) }},
	{KeyDoc{"deliver.vault_token_file", "path", "", "the file that holds Vault's own token, as an agent's sink writes it; it or one of the next two is required beside `vault_address`"},
		func(d *draft, v any) string { return folder(&d.delivery.VaultTokenFile, v) }},
	{KeyDoc{"deliver.vault_token_env", "text", "", "the environment variable that holds it"},
		func(d *draft, v any) string { return text(&d.delivery.VaultTokenEnv, v) }},
	{KeyDoc{"deliver.vault_token_command", "list of texts", "", "the command that prints it"},
		func(d *draft, v any) string { return command(&d.delivery.VaultTokenCommand, v) }},
}

// checkDelivery checks what the single keys of a delivery cannot tell.
func (d *draft) checkDelivery(at string) {
	to := d.delivery
	file, item, vault := to.File != "", to.KeyringService+to.KeyringAccount != "", to.VaultAddress != ""
	more := to.VaultMount+to.VaultPath+to.VaultField+to.VaultExpiryField+to.VaultNamespace+to.VaultCAFile+to.VaultTokenFile+to.VaultTokenEnv != "" || to.VaultTokenCommand != nil
	places, tokens := 0, 0
	for _, is := range []bool{file, item, vault} {
		if is {
			places++
		}
	}
	for _, is := range []bool{to.VaultTokenFile != "", to.VaultTokenEnv != "", to.VaultTokenCommand != nil} {
		if is {
			tokens++
		}
	}
	set := func(to *string, standard string) {
		if vault && *to == "" {
			*to = standard
		}
	}
	set(&to.VaultMount, "secret")
	set(&to.VaultField, "access_token")
	set(&to.VaultExpiryField, "expires_at")
	same := func(other Delivery) bool { return other.place() == to.place() }
	switch {
	case more && !vault:
		d.fault(at, "vault_address is missing")
	case places != 1:
		d.fault(at, "needs one of file, keyring_service and vault_address")
	case to.Form != "" && !file:
		d.fault(join(at, "form"), "is the form of a file; elsewhere only the token stands")
	case item && (to.KeyringService == "" || to.KeyringAccount == ""):
		d.fault(at, "keyring_service and keyring_account go together")
	case vault && to.VaultPath == "":
		d.fault(at, "vault_path is missing")
	case vault && tokens != 1:
		d.fault(at, "needs one of vault_token_file, vault_token_env and vault_token_command")
	case vault && to.VaultField == to.VaultExpiryField:
		d.fault(join(at, "vault_expiry_field"), "is the field for the token")
	case slices.ContainsFunc(d.Deliveries, same):
		d.fault(at, "goes where another [[deliver]] goes")
	default:
		d.Deliveries = append(d.Deliveries, to)
	}
}

// RemoveDeliveries removes the [[deliver]] tables of an own credential from the
// config at path, by the rules of [RemoveHome].
func RemoveDeliveries(path, id string) error {
	for {
		found, err := removeTable(path, "deliver", func(t map[string]any) bool { return t["id"] == id }, change)
		if err != nil || !found {
			return err
		}
	}
}

// place is the same for two that write over each other.
func (to Delivery) place() [6]string {
	return [6]string{to.File, to.KeyringService, to.KeyringAccount, to.VaultAddress, to.VaultNamespace, to.VaultMount + "/" + to.VaultPath + "#" + to.VaultField}
}

// ownID takes the ID of one that stands in the same file.
func ownID(d *draft, v any) string {
	s, _ := v.(string)
	list, _ := d.doc.values["own"].([]any)
	for _, e := range list {
		members, _ := e.(map[string]any)
		if name, ok := members["name"].(string); ok && s == "own/"+name {
			d.delivery.ID = s
			return ""
		}
	}
	return `must be the ID of an [[own]] that stands here too, such as "own/graph"`
}

func form(to *string, v any) string {
	s, ok := v.(string)
	if !ok {
		return "must be a text in quotes"
	}
	if _, err := deliver.ParseForm(s); err != nil {
		return err.Error()
	}
	*to = s
	return ""
}

// segments takes a path of Vault's: plain words and slashes.
func segments(to *string, v any) string {
	s, ok := v.(string)
	s = strings.Trim(s, "/")
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
	for word := range strings.SplitSeq(s, "/") {
		ok = ok && word != "" && strings.Trim(word, plain) == "" && strings.Trim(word, ".") != ""
	}
	if !ok {
		return "must be words of letters, digits, -, _ and ., with a slash between two"
	}
	*to = s
	return ""
}
