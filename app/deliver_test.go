package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamplighter/app/settings"
	"lamplighter/credfiles"
)

// What is no token is not sent, and never repeated.
func TestVaultsTokenComesFromWhereTheConfigSays(t *testing.T) {
	home := t.TempDir()
	x := &parts{host: credfiles.Host{Home: home, Getenv: func(name string) string {
		return map[string]string{"VAULT": "env-EXAMPLE", "BAD": "a b-EXAMPLE"}[name]
	}}}
	for name, text := range map[string]string{"token": "file-EXAMPLE\n", "empty": "\n", "two": "one-EXAMPLE\ntwo-EXAMPLE\n"} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for want, d := range map[string]settings.Delivery{
		"file-EXAMPLE":             {VaultTokenFile: "~/token"},
		"env-EXAMPLE":              {VaultTokenEnv: "VAULT"},
		"there is no token for it": {VaultTokenFile: "~/empty"},
		"is no token of Vault's":   {VaultTokenFile: "~/two"},
		"for it is no token":       {VaultTokenEnv: "BAD"},
		"there is no token":        {VaultTokenEnv: "UNSET"},
		"missing":                  {VaultTokenFile: "~/missing"},
		"vault_token_command":      {VaultTokenCommand: []string{filepath.Join(home, "no-such-program")}},
	} {
		token, err := x.vaultToken(t.Context(), d)
		if strings.HasSuffix(want, "EXAMPLE") {
			if err != nil || token.Reveal() != want {
				t.Errorf("%+v: %q, %v", d, token.Reveal(), err)
			}
			continue
		}
		if err == nil || !token.IsZero() || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "EXAMPLE") {
			t.Errorf("%+v: %v, want %q", d, err, want)
		}
	}
}
