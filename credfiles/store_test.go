package credfiles

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// profiles are the homes of the lab's client with their names, as "name=path".
func (l *lab) profiles(extra ...Home) []string {
	var all []string
	for _, s := range l.stores(extra...) {
		p := s.Profile() + "=" + strings.TrimPrefix(s.home, l.host.Home+"/")
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
		if s.Client() != l.client.name || !strings.HasPrefix(s.Path(), s.home+string(filepath.Separator)) && s.file.sealed == nil {
			l.t.Errorf("%+v", s)
		}
	}
	return all
}

func (l *lab) mkdir(name string) string {
	l.t.Helper()
	dir := filepath.Join(l.host.Home, name)
	l.must(os.MkdirAll(dir, 0o755))
	return dir
}

func TestHomesAndWhatTheyAreCalled(t *testing.T) {
	for _, c := range together {
		if c.below != "" {
			continue
		}
		l := newLab(t, c)
		l.mkdir("work/home")
		l.mkdir("a/same")
		l.mkdir("b/same")
		l.mkdir("c/same")
		l.must(os.Symlink(l.dir, filepath.Join(l.host.Home, "link")))
		l.must(os.Symlink("work", filepath.Join(l.host.Home, "worklink")))
		at := func(path, name string) Home { return Home{Client: c.name, Path: path, Name: name} }
		other := Home{Client: "another", Path: "~/other"}
		for _, row := range []struct {
			name  string
			env   string // below the user's home
			extra []Home
			want  []string
		}{
			{"the default has no name", "", nil, []string{"=" + c.dir}},
			{"the variable names the default", c.dir, nil, []string{"=" + c.dir}},
			{"the variable names another: its folder's name", "work/home", nil, []string{"=" + c.dir, "home=work/home"}},
			{"the variable with a slash", "work/home/", nil, []string{"=" + c.dir, "home=work/home"}},
			{"the config names it", "", []Home{at("~/work/home", "office"), other}, []string{"=" + c.dir, "office=work/home"}},
			{"the config does not name it", "", []Home{at("~/work/home", "")}, []string{"=" + c.dir, "home=work/home"}},
			{"both: the config's name, in every environment", "work/home", []Home{at("~/work/home", "office")}, []string{"=" + c.dir, "office=work/home"}},
			{"both, by a link", "worklink/home", []Home{at("~/work/home", "office")}, []string{"=" + c.dir, "office=work/home"}},
			{"the config names the default", "", []Home{at("~/"+c.dir, "mine")}, []string{"=" + c.dir}},
			{"a link to the default", "link", []Home{at("~/link", "mine")}, []string{"=" + c.dir}},
			{"twice in the config", "", []Home{at("~/work/home", "one"), at("~/work/home/.", "two")}, []string{"=" + c.dir, "one=work/home"}},
			{"not there yet", "gone", []Home{at("~/later", "")}, []string{"=" + c.dir, "later=later", "gone=gone"}},
		} {
			l.host.Getenv = func(name string) string {
				if name == c.env && row.env != "" {
					return l.host.Home + "/" + row.env
				}
				return ""
			}
			if got := l.profiles(row.extra...); !slices.Equal(got, row.want) {
				t.Errorf("%s, %s:\n got %q\nwant %q", c.name, row.name, got, row.want)
			}
		}

		// Two folders of one name are told apart; one more in the environment
		// changes no other's name.
		same := []Home{at("~/a/same", ""), at("~/b/same", "")}
		l.host.Getenv = func(string) string { return "" }
		without := l.profiles(same...)
		l.host.Getenv = func(string) string { return filepath.Join(l.host.Home, "c/same") }
		with := l.profiles(same...)
		if len(without) != 3 || !slices.Equal(with[:3], without) || len(with) != 4 {
			t.Errorf("%s: %q, with a variable %q", c.name, without, with)
		}
		names := map[string]bool{}
		for _, p := range with[1:] {
			name, _, _ := strings.Cut(p, "=")
			if !strings.HasPrefix(name, "same~") || len(name) != len("same~0000") || names[name] {
				t.Errorf("%s: %q", c.name, with)
			}
			names[name] = true
		}
	}
}

// One home under two names is one store, and its entries have one key.
func TestAKeyIsOfTheFileWhateverLeadsToIt(t *testing.T) {
	for _, c := range clients {
		l := realLab(t, c)
		direct := l.one("lab").Key
		moved := l.mkdir("elsewhere")
		l.must(os.Remove(moved))
		l.must(os.Rename(l.dir, moved))
		l.must(os.Symlink(moved, l.dir))
		key := l.one("lab").Key
		if key.Entry != direct.Entry || key.Store != filepath.Join(resolved(moved), l.file()) {
			t.Errorf("%s: %+v", c.name, key)
		}
		if path := l.one("lab").Path; path != l.path(l.file()) {
			t.Errorf("%s: the path as the client knows it is %s", c.name, path)
		}
		if result := l.write(l.one("lab"), fresh("lab")); result != Written || !has(l.one("lab"), fresh("lab")) {
			t.Errorf("%s: %v", c.name, result)
		}
	}
}

func TestASignInNamesAHomeThatIsNotTheDefault(t *testing.T) {
	for _, c := range clients {
		if c.below != "" || c.signIn(Credential{SignIn: []string{"x"}}) == nil {
			continue
		}
		l := realLab(t, c)
		if env := l.one("lab").SignInEnv; env != "" {
			t.Errorf("%s: %q for the default home", c.name, env)
		}
		work := filepath.Join(l.host.Home, "work")
		home := filepath.Join(work, filepath.FromSlash(c.below))
		l.must(os.MkdirAll(filepath.Dir(home), 0o755))
		l.must(os.Rename(l.dir, home))
		l.host.Getenv = func(name string) string { return map[string]string{c.env: work}[name] }
		one := l.one("lab")
		if one.SignIn != nil && one.SignInEnv != c.env+"="+work || one.Profile != "work" || one.ID != c.name+"/mcp/lab@work" {
			t.Errorf("%s: %q, %q", c.name, one.SignInEnv, one.ID)
		}
	}
}

// A variable may name the folder in which the home is, and another one may do
// where that is not set.
func TestAHomeBelowWhatItsVariableNames(t *testing.T) {
	c := client{
		name: "x", dir: ".local/share/x", dirOn: map[string]string{"windows": "AppData/Local/x"},
		env: "X_DATA", below: "x", vars: []variable{{name: "DATA_HOME", below: "y/x"}, {name: "APPS", below: "x", os: "windows"}},
	}
	for _, row := range []struct {
		os, home, profile string
		env               map[string]string
	}{
		{"linux", "", "", nil},
		{"linux", "/a/x", "a", map[string]string{"X_DATA": "/a/", "DATA_HOME": "/b"}},
		{"linux", "/b/y/x", "b", map[string]string{"DATA_HOME": "/b"}},
		{"linux", "", "", map[string]string{"APPS": "/c"}},
		{"windows", "/c/x", "c", map[string]string{"APPS": "/c"}},
		{"linux", "", "", map[string]string{"X_DATA": "/home/u/.local/share"}},
	} {
		host := Host{OS: row.os, Home: "/home/u", Getenv: func(name string) string { return row.env[name] }}
		homes := host.homes(&c, nil)
		want := "/home/u/.local/share/x"
		if row.os == "windows" {
			want = "/home/u/AppData/Local/x"
		}
		got := homes[len(homes)-1]
		if homes[0].path != want || row.home != "" && (got.path != row.home || got.profile != row.profile) || row.home == "" && len(homes) > 1 {
			t.Errorf("%v: %v", row, homes)
		}
	}
	if env, ok := c.variable("/a/x"); !ok || env != "X_DATA=/a" {
		t.Error(env, ok)
	}
	if env, ok := c.variable("/a/y"); ok {
		t.Error(env)
	}
}

// Names that begin like an option never become one.
func TestANameThatLooksLikeAnOptionIsNotHandedToACommand(t *testing.T) {
	l := realLab(t, &codex)
	l.put(l.file(), strings.ReplaceAll(l.get(l.file()), `"server_name":"lab"`, `"server_name":"--lab"`))
	if cmd := l.one("--lab").SignIn; cmd != nil {
		t.Errorf("%q", cmd)
	}
}

func TestAHomeOfAnotherSystemIsOnlyWatched(t *testing.T) {
	for _, row := range []struct {
		host Host
		path string
		want bool
	}{
		{Host{OS: "windows"}, `\\wsl.localhost\Ubuntu\home\x\.codex\.credentials.json`, true},
		{Host{OS: "windows"}, `\\WSL.localhost\Ubuntu\home\x\.codex\.credentials.json`, true},
		{Host{OS: "windows"}, `//wsl.localhost/Ubuntu/home/x/.codex/.credentials.json`, true},
		{Host{OS: "windows"}, `\\wsl$\Ubuntu\home\x\.codex\.credentials.json`, true},
		{Host{OS: "windows"}, `\\?\UNC\wsl.localhost\Ubuntu\home\x\.codex\.credentials.json`, true},
		{Host{OS: "windows"}, `C:\Users\x\.codex\.credentials.json`, false},
		{Host{OS: "windows"}, `\\server\wsl.localhost\.codex\.credentials.json`, false},
		{Host{OS: "windows"}, `\\wsl.localhost.example.com\x\.codex\.credentials.json`, false},
		{Host{OS: "linux", Kernel: "6.6.87.2-microsoft-standard-WSL2"}, "/mnt/c/Users/x/.codex/.credentials.json", true},
		{Host{OS: "linux", Kernel: "4.4.0-19041-Microsoft"}, "/mnt/c/Users/x/.codex/.credentials.json", true},
		{Host{OS: "linux", Kernel: "6.6.87.2-microsoft-standard-WSL2"}, "/home/x/.codex/.credentials.json", false},
		{Host{OS: "linux", Kernel: "6.6.87.2-microsoft-standard-WSL2"}, "/mnt/data/x/.codex/.credentials.json", false},
		{Host{OS: "linux", Kernel: "6.18.44-generic"}, "/mnt/c/Users/x/.codex/.credentials.json", false},
		{Host{OS: "linux"}, `//wsl.localhost/x`, false},
		{Host{OS: "darwin"}, "/mnt/c/Users/x/.codex/.credentials.json", false},
	} {
		row.host.Getenv = func(string) string { return "" }
		if got := row.host.foreign(row.path); got != row.want {
			t.Errorf("%s %s: %s is foreign: %v", row.host.OS, row.host.Kernel, row.path, got)
		}
	}
	host := Host{OS: "linux", Getenv: func(name string) string { return map[string]string{"WSL_DISTRO_NAME": "Ubuntu"}[name] }}
	if !host.foreign("/mnt/c/Users/x/.codex/.credentials.json") {
		t.Error("not foreign by WSL_DISTRO_NAME")
	}
}

// On macOS their place is the keychain, and the file may be older.
func TestAFileThatIsOnlyAFallbackIsOnlyWatched(t *testing.T) {
	for _, c := range clients {
		l := realLab(t, c)
		l.host.OS = "darwin"
		want := map[*client]Reason{&claude: Fallback, &codex: KeyringUnread, &copilot: KeyringUnread}[c]
		for _, cred := range l.scan() {
			if cred.WatchOnly != want {
				t.Errorf("%s is watch-only %q", cred.ID, cred.WatchOnly)
			}
		}
	}
}

func TestWhatIsWatchedIsWhatScanReads(t *testing.T) {
	for _, c := range clients {
		l := realLab(t, c)
		watched, want := l.store().Watched(), 1+len(c.beside)+len(c.files[0].pairs)
		if watched[0] != l.path(l.file()) || len(watched) != want {
			t.Errorf("%s: %q", c.name, watched)
		}
		for _, name := range watched {
			if _, err := os.Stat(name); err != nil {
				t.Errorf("%s: the real client wrote no %s", c.name, name)
			}
		}
		s := l.store()
		if !s.Exists() || s.Real() != resolved(s.Path()) || s.Threshold() != c.threshold || s.Patience() != c.patience || s.Reconnect() != c.reconnect {
			t.Errorf("%s: %+v", c.name, s)
		}
		l.must(os.Remove(s.Path()))
		if s.Exists() {
			t.Errorf("%s: it exists without a file", c.name)
		}
	}
}

func TestWithoutAHomeFolderThereIsNoDefaultHome(t *testing.T) {
	host := Host{OS: "linux", Getenv: func(string) string { return "" }}
	if stores := Stores(host, nil); len(stores) > 0 {
		t.Errorf("%d stores in the working directory", len(stores))
	}
	if got := (Host{Home: "/home/x"}).expand("~/a/../b"); got != "/home/x/b" {
		t.Error(got)
	}
	if got := (Host{Home: "/home/x"}).expand("/a/./b/"); got != "/a/b" {
		t.Error(got)
	}
}
