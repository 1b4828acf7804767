package app

import (
	"os"
	"sync"

	"lamplighter/app/settings"
)

// hidden are variables of the environment that hold secrets, by the user's
// settings: they are ours alone, and no program that we start gets them.
var hidden sync.Map

// getenv is os.Getenv, that knows them still.
func getenv(name string) string {
	if value, ok := hidden.Load(name); ok {
		return value.(string)
	}
	return os.Getenv(name)
}

// hide takes what the settings name out of the environment.
func hide(s settings.Settings) {
	var names []string
	for _, o := range s.Own {
		names = append(names, o.SecretEnv)
	}
	for _, d := range s.Deliveries {
		names = append(names, d.VaultTokenEnv)
	}
	for _, name := range names {
		if value, ok := os.LookupEnv(name); ok && name != "" {
			hidden.Store(name, value)
			os.Unsetenv(name)
		}
	}
}
