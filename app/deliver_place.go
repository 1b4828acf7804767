package app

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"lamplighter/app/settings"
	"lamplighter/credfiles"
	"lamplighter/deliver"
	"lamplighter/refresher/ledger"
)

// deliveries are those of the config. Of two to one place by different names the
// first counts: each would write over the other.
func (x *parts) deliveries() (all []settings.Delivery) {
	seen := map[ledger.Place]bool{}
	for _, d := range x.current().Deliveries {
		if place := x.place(d); !seen[place] {
			seen[place] = true
			all = append(all, d)
		}
	}
	return all
}

func tokenOf(c credfiles.Credential) deliver.Token {
	return deliver.Token{ID: c.ID, Access: c.Access, Expiry: c.Expiry, Scope: strings.Join(c.Scopes, " ")}
}

// ownNow is an own credential as it stands in its store at this moment.
func (x *parts) ownNow(ctx context.Context, id string) (found credfiles.Credential, ok bool) {
	for _, s := range x.currentStores() {
		if s.Client() != credfiles.OwnClient {
			continue
		}
		all, _ := s.Scan(ctx) // why not is for the rules to say
		credfiles.NameAll(all)
		for _, c := range all {
			if c.ID == id {
				return c, true
			}
		}
	}
	return found, false
}

// place is how the ledger calls the place of a delivery.
func (x *parts) place(d settings.Delivery) ledger.Place {
	switch {
	case d.File != "":
		return ledger.Place{File: x.expand(d.File)}
	case d.VaultAddress != "":
		return ledger.Place{Vault: strings.TrimSpace(vaultOf(d).String() + ", " + d.VaultField + " " + d.VaultNamespace)}
	}
	return ledger.Place{Service: d.KeyringService, Account: d.KeyringAccount}
}

// target is where a delivery goes.
func (x *parts) target(d settings.Delivery) (deliver.Target, error) {
	switch {
	case d.File != "":
		form, err := deliver.ParseForm(cmp.Or(d.Form, "raw"))
		return deliver.File{Path: x.expand(d.File), Form: form}, err
	case d.VaultAddress != "":
		k := vaultOf(d)
		k.Auth = func(ctx context.Context) (credfiles.Secret, error) { return x.vaultToken(ctx, d) }
		if d.VaultCAFile != "" {
			k.CAFile = x.expand(d.VaultCAFile)
		}
		return k, nil
	}
	return deliver.Item{Service: d.KeyringService, Account: d.KeyringAccount, Keyring: itemRing(x.getenv)}, nil
}

func vaultOf(d settings.Delivery) deliver.KV {
	return deliver.KV{
		Address: d.VaultAddress, Mount: d.VaultMount, Path: d.VaultPath, Namespace: d.VaultNamespace,
		TokenField: d.VaultField, ExpiryField: d.VaultExpiryField,
	}
}

var (
	errNoVaultToken = errors.New("there is no token for it")
	errVaultToken   = errors.New("the token for it is no token of Vault's")
)

// vaultToken reads Vault's own token.
func (x *parts) vaultToken(ctx context.Context, d settings.Delivery) (token credfiles.Secret, err error) {
	switch {
	case d.VaultTokenFile != "":
		var text []byte
		text, err = os.ReadFile(x.expand(d.VaultTokenFile))
		token = credfiles.NewSecret(strings.TrimSpace(string(text)))
	case d.VaultTokenEnv != "":
		token = credfiles.NewSecret(x.getenv(d.VaultTokenEnv))
	default:
		token, err = credfiles.AskCommand(ctx, "vault_token_command", d.VaultTokenCommand)
	}
	switch {
	case err != nil:
		return credfiles.Secret{}, err
	case token.IsZero():
		return token, errNoVaultToken
	case strings.ContainsFunc(token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }):
		return credfiles.Secret{}, errVaultToken
	}
	return token, nil
}

func (x *parts) getenv(name string) string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.host.Getenv(name)
}

// expand is a path of the config's, absolute.
func (x *parts) expand(path string) string {
	x.mu.Lock()
	defer x.mu.Unlock()
	if rest, ok := strings.CutPrefix(filepath.ToSlash(path), "~/"); ok {
		return filepath.Join(x.host.Home, rest)
	}
	return filepath.Clean(path)
}
