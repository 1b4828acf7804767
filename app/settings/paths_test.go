package settings

import (
	"strings"
	"testing"
)

func TestPathsAreWhereEachSystemExpectsThem(t *testing.T) {
	for _, c := range []struct {
		name, os, home string
		env            map[string]string
		config, state  string
	}{
		{"linux", "linux", "/home/ann", nil,
			"/home/ann/.config/lamplighter/config.toml", "/home/ann/.local/state/lamplighter"},
		{"freebsd", "freebsd", "/home/ann", nil,
			"/home/ann/.config/lamplighter/config.toml", "/home/ann/.local/state/lamplighter"},
		{"XDG", "linux", "/home/ann", map[string]string{"XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s/"},
			"/c/lamplighter/config.toml", "/s/lamplighter"},
		{"relative XDG is ignored", "linux", "/home/ann", map[string]string{"XDG_CONFIG_HOME": "c", "XDG_STATE_HOME": "./s"},
			"/home/ann/.config/lamplighter/config.toml", "/home/ann/.local/state/lamplighter"},
		{"XDG without a home", "linux", "", map[string]string{"XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s"},
			"/c/lamplighter/config.toml", "/s/lamplighter"},
		{"macOS has no XDG", "darwin", "/Users/ann", map[string]string{"XDG_CONFIG_HOME": "/c"},
			"/Users/ann/Library/Application Support/Lamplighter/config.toml", "/Users/ann/Library/Application Support/Lamplighter/state"},
		{"Windows", "windows", `C:\Users\ann`, map[string]string{"APPDATA": `D:\Roam`, "LOCALAPPDATA": `E:\Loc`},
			`D:\Roam\Lamplighter\config.toml`, `E:\Loc\Lamplighter`},
		{"Windows without variables", "windows", `C:\Users\ann`, nil,
			`C:\Users\ann\AppData\Roaming\Lamplighter\config.toml`, `C:\Users\ann\AppData\Local\Lamplighter`},
		{"Windows with relative ones", "windows", `C:\Users\ann`, map[string]string{"APPDATA": `Roam`, "LOCALAPPDATA": `C:Loc`},
			`C:\Users\ann\AppData\Roaming\Lamplighter\config.toml`, `C:\Users\ann\AppData\Local\Lamplighter`},
		{"Windows, a profile on the network", "windows", `\\srv\ann`, nil,
			`\\srv\ann\AppData\Roaming\Lamplighter\config.toml`, `\\srv\ann\AppData\Local\Lamplighter`},
	} {
		t.Run(c.name, func(t *testing.T) {
			config, state, err := Paths(Env{OS: c.os, Home: c.home, Getenv: func(k string) string { return c.env[k] }})
			if err != nil || config != c.config || state != c.state {
				t.Errorf("got %q, %q, %v\nwant %q, %q", config, state, err, c.config, c.state)
			}
		})
	}
}

func TestWithoutAHomeTheErrorSaysWhatToSet(t *testing.T) {
	for os, variable := range map[string]string{"linux": "HOME", "darwin": "HOME", "windows": "USERPROFILE"} {
		for _, home := range []string{"", "ann"} {
			_, _, err := Paths(Env{OS: os, Home: home, Getenv: func(k string) string {
				if k == "XDG_CONFIG_HOME" { // one of two is not enough
					return "/c"
				}
				return ""
			}})
			if err == nil || !strings.Contains(err.Error(), "set "+variable) {
				t.Errorf("%s, home %q: %v", os, home, err)
			}
		}
	}
}
