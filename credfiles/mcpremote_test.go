package credfiles

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles/clientlock"
	"lamplighter/credfiles/processes"
)

// What is computed for a command line is what the real 0.15.1 and 0.1.38
// called their files.
func TestTheHashThatMcpRemoteGivesAServer(t *testing.T) {
	const server = "http://127.0.0.1:1/mcp"
	for _, row := range []struct {
		args string // separated by |
		want string
	}{
		{server, "c3143a38324cc913f2b578f242e5a8af"},
		{server + "|9999|--resource|", "c3143a38324cc913f2b578f242e5a8af"},
		{server + "|--disable-resource-parameter|--resource|https://r.example", "c3143a38324cc913f2b578f242e5a8af"},
		{server + "|--resource|https://api.example.com", "1a218d912dd281e8a0e51c6e424b436b"},
		{server + "|--authorize-param|b=é|--authorize-param|a=1=2", "177bedd927a8e2b61337ecaebd478b6c"},
		{server + "|--header|X-B: b|--header|Authorization:Bearer ${T}", "f010bf3f615841251748edac926b39ab"},
		{"--header|X-B: b|" + server + "|--resource|https://r.example|--authorize-param|a=1|--client-metadata-url|https://c.example/m.json", "7f469858feecbb55ded7f062066741a4"},
		{server + "|--header|X-B: b|--resource|https://r.example|--authorize-param|a=1", "0dd865b542abdaf59220b51b1a0b8507"}, // 0.1.38
	} {
		r, ok := parseRemote(append([]string{"npx", "mcp-remote"}, strings.Split(row.args, "|")...), nil)
		if !ok || r.url != server || !slices.Contains(r.hashes, row.want) {
			t.Errorf("%s: %v, %q, want %s", row.args, ok, r.hashes, row.want)
		}
	}
}

func TestWhereMcpRemoteStandsOnACommandLine(t *testing.T) {
	for line, want := range map[string]string{ // version and URL
		"npx|mcp-remote|https://a.example/mcp":                                             " https://a.example/mcp",
		"npx|-y|mcp-remote@latest|https://a.example/mcp|--allow-http":                      " https://a.example/mcp",
		"npx|-y|mcp-remote@0.1.38|https://a.example/mcp":                                   "0.1.38 https://a.example/mcp",
		"npx|-y|-p|mcp-remote@0.1.38|mcp-remote|https://a.example/mcp":                     "0.1.38 https://a.example/mcp",
		"npx|-y|-p|mcp-remote@latest|mcp-remote-client|https://a.example/mcp":              " https://a.example/mcp",
		`cmd|/c|npx.cmd|mcp-remote|https://a.example/mcp`:                                  " https://a.example/mcp",
		`C:\nodejs\node.exe|C:\n\node_modules\mcp-remote\dist\proxy.js|https://a.example`:  " https://a.example",
		"node|/x/_npx/1/node_modules/.bin/mcp-remote|https://a.example/mcp":                " https://a.example/mcp",
		"/usr/local/bin/mcp-remote|--header|X-A: b|https://a.example/mcp":                  " https://a.example/mcp",
		"bash|-c|exec npx -y mcp-remote 'https://a.example/mcp?a b' --header \"X-A: b c\"": " https://a.example/mcp?a b",
		"bunx|mcp-remote|http://localhost:3000/sse|3334":                                   " http://localhost:3000/sse",
		"npx|mcp-remote-other|https://a.example/mcp":                                       "none",
		"npx|mcp-remote|--help":        "none",
		"echo|mcp-remote":              "none",
		"claude|-p|explain mcp-remote": "none",
		"":                             "none",
	} {
		got := "none"
		if r, ok := parseRemote(strings.Split(line, "|"), nil); ok {
			got = r.version + " " + r.url
		}
		if got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func TestWhichProgramsUseAStoreOfMcpRemote(t *testing.T) {
	l := realLab(t, &mcpRemote)
	l.copy("mcp-remote-0.1.38")
	home := l.host.Home
	install := func(version string) string {
		dir := l.mkdir("npx/" + version + "/node_modules/mcp-remote")
		l.must(os.MkdirAll(filepath.Join(dir, "dist"), 0o755))
		l.must(os.WriteFile(filepath.Join(dir, "package.json"), fmt.Appendf(nil, `{"name":"mcp-remote","version":"%s"}`, version), 0o644))
		script := filepath.Join(dir, "dist", "proxy.js")
		l.must(os.WriteFile(script, nil, 0o755))
		bin := l.mkdir("npx/" + version + "/node_modules/.bin")
		l.must(os.Symlink(script, filepath.Join(bin, "mcp-remote")))
		return filepath.Join(bin, "mcp-remote")
	}
	now, before := install("0.15.1"), install("0.1.38")
	env := environ("HOME=" + home)
	const lab, notes, old = "http://127.0.0.1:18700/mcp", "http://127.0.0.1:18710/mcp", "http://127.0.0.1:18720/mcp"
	l.host.Processes = func(context.Context, func(string) bool) ([]processes.Process, error) {
		return []processes.Process{
			{PID: 1, Name: "node", Env: env, Args: []string{"node", now, lab}},
			{PID: 2, Name: "node", Env: env, Args: []string{"/usr/bin/node", "--no-warnings", now, notes, "--header", "X-Team: a<&>b"}},
			{PID: 3, Name: "node", Env: env, Args: []string{"node", now, notes}}, // another entry
			{PID: 4, Name: "node", Env: env, Args: []string{"node", before, old}},
			{PID: 5, Name: "node", Env: env, Args: []string{"node", before, lab}}, // in a folder of its own
			{PID: 6, Name: "node", Env: env, Args: []string{"node", now, old}},
			{PID: 7, Name: "bun", Env: env, Args: []string{"bun", "/gone/mcp-remote/dist/proxy.js", lab}},
			{PID: 8, Name: "node", Env: env, Args: []string{"npm exec mcp-remote " + lab}},
			{PID: 9, Name: "node", Env: env, Args: []string{"node", "/usr/bin/npm", "install", "mcp-remote"}},
			{PID: 10, Name: "node", Env: environ("HOME=/another"), Args: []string{"node", now, lab}},
			{PID: 11, Name: "node", Env: environ("HOME="+home, "MCP_REMOTE_CONFIG_DIR="+l.dir), Args: []string{"node", now, lab}},
			{PID: 12, Name: "node", Env: env, Args: []string{"node", now}}, // we cannot read which
		}, nil
	}
	held, err := Holders(context.Background(), l.stores())
	l.must(err)
	for name, want := range map[string][]string{
		"mcp-remote-v1/e696f94db52da4e1d94f27a2e0d649a4_tokens.json":     {"1 0.15.1", "7 ", "11 0.15.1", "12 0.15.1"},
		"mcp-remote-v1/8a2bfe7b51e57e37de1e48f0917d9ecd_tokens.json":     {"2 0.15.1", "12 0.15.1"},
		"mcp-remote-0.1.37/5cd207c8e5459ce82f2148c71e4f7eda_tokens.json": {"4 0.1.38"},
	} {
		var got []string
		for _, p := range held[l.path(name)] {
			got = append(got, fmt.Sprint(p.PID, " ", p.Version))
			if p.Name != "mcp-remote" || p.Rereads != EachUse || p.Lockless != (p.Version != "0.15.1") {
				t.Errorf("%+v", p)
			}
		}
		equal(t, name, got, want)
	}
}

// The stable folder came with 0.3.3.
func TestWhichVersionsShareAFolder(t *testing.T) {
	for version, want := range map[string]bool{
		"0.0.22": true, "0.1.49": true, "0.2.7": true, "0.3.0": true, "0.3.2": true, "0.3.2-1": true,
		"0.3.3": false, "0.3.3-rc": false, "0.4.0": false, "0.15.1": false, "1.0.0": false, "nightly": false, "0.3": false,
	} {
		if got := older3(version, 0, 3, 3); got != want {
			t.Errorf("%s is older: %v", version, got)
		}
	}
}

func TestAStoreForEachServerIsFoundWhenItComes(t *testing.T) {
	l := newLab(t, &mcpRemote)
	if stores := l.stores(); len(stores) > 0 {
		t.Fatalf("%d stores of nothing", len(stores))
	}
	l.copy("mcp-remote-0.15.1")
	before := l.stores()
	if len(before) != 2 {
		t.Fatalf("%d stores of two servers", len(before))
	}
	l.copy("mcp-remote-0.1.38")
	l.must(os.Remove(before[1].Path()))
	after := Stores(l.host, nil, before...)
	var ours []*Store
	for _, s := range after {
		if s.client == &mcpRemote {
			ours = append(ours, s)
		}
	}
	if len(ours) != 2 || ours[0] != before[0] || ours[1] == before[1] {
		t.Errorf("%v", ours)
	}
	want := []string{l.dir, l.path("mcp-remote-0.1.37"), l.path("mcp-remote-v1")}
	got := slices.DeleteFunc(Folders(l.host, nil), func(dir string) bool { return !strings.HasPrefix(dir, l.dir) })
	equal(t, "folders", got, want)
}

// People link the folder of one version to that of another, to keep their
// sign-ins.
func TestALinkedFolderIsNoSecondStore(t *testing.T) {
	l := realLab(t, &mcpRemote)
	l.must(os.Symlink("mcp-remote-v1", l.path("mcp-remote-0.1.37")))
	for _, c := range l.scan() {
		if c.Profile != "" {
			t.Errorf("%s", c.ID)
		}
	}
	if n := len(l.scan()); n != 2 {
		t.Errorf("%d credentials", n)
	}
}

// A sign-in first writes the new registration and then, when it is through,
// the tokens. In between our token belongs to neither.
func TestATokenOfAFormerRegistrationIsNotWritten(t *testing.T) {
	l := realLab(t, &mcpRemote)
	old := l.one("lab")
	before := l.get(l.file())
	h := l.hold(old)
	defer h.Close()
	registration := strings.TrimSuffix(l.file(), "_tokens.json") + "_client_info.json"
	l.put(registration, strings.Replace(l.get(registration), old.ClientID, "client-theirs", 1))
	result, err := h.Write(context.Background(), old, fresh("lab"), noImage)
	if err != nil || result != Gone {
		t.Errorf("%v, %v", result, err)
	}
	equal(t, "the store", l.get(l.file()), before)
}

// Its own process finds the lease as it leaves one, and the store is written
// before it goes.
func TestTheLeaseOfMcpRemoteIsHeldOverAWrite(t *testing.T) {
	l := realLab(t, &mcpRemote)
	lease := l.path("mcp-remote-v1/e696f94db52da4e1d94f27a2e0d649a4_refresh_in_progress.json")
	h := l.hold(l.one("lab"))
	root, ok := readJSON(lease)
	if pid, _ := root.Get("pid"); !ok || string(pid.Bytes()) != fmt.Sprint(os.Getpid()) {
		t.Error("no lease of ours")
	}
	if _, err := h.Write(context.Background(), l.one("lab"), fresh("lab"), noImage); err != nil {
		t.Error(err)
	}
	l.must(h.Check())
	l.must(h.Close())
	if _, err := os.Lstat(lease); !os.IsNotExist(err) {
		t.Errorf("after Close: %v", err)
	}
	// The other server's is another.
	busy, err := clientlock.Lease(context.Background(), lease, clientlock.LeaseOptions{Stale: time.Minute, Heartbeat: time.Minute, Retry: time.Millisecond})
	l.must(err)
	defer busy.Release()
	l.must(l.hold(l.one("notes")).Close())
}

func TestCommentsAndCommasTooManyAreTakenOut(t *testing.T) {
	for text, want := range map[string]string{
		"{// a\n\"a\":1,}":                    "{\n\"a\":1}",
		`{"a":"// \" /* no */",/* yes */}`:    `{"a":"// \" /* no */"}`,
		"[1, 2,\n /* last */ ]":               "[1, 2]",
		`{"a":"b`:                             `{"a":"b`,
		`{"a":"\`:                             `{"a":"\`,
		"{} // no newline":                    "{} ",
		"/* never ends":                       "",
		`{"url":"https://a.example/mcp"/**/}`: `{"url":"https://a.example/mcp"}`,
	} {
		if got := string(withoutComments([]byte(text))); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// The format of before 0.1.46 stays: no expiry comes in, and what we wrote is
// read back from the file's own time.
func TestAnOlderStoreKeepsItsFormat(t *testing.T) {
	l := newLab(t, &mcpRemote)
	l.copy("mcp-remote-0.1.38")
	old := l.one("lab")
	before := l.get(l.file())
	token := fresh("lab")
	token.Expiry = time.Now().Add(time.Hour)
	if result := l.write(old, token); result != Written {
		t.Fatal(result)
	}
	want := strings.NewReplacer(
		old.Access.Reveal(), token.Access.Reveal(), old.Refresh.Reveal(), token.Refresh.Reveal(), `"expires_in": 12,`, `"expires_in": 3600,`,
	).Replace(before)
	// A busy computer may take a second to get there.
	got := regexp.MustCompile(`"expires_in": 3[56]\d\d,`).ReplaceAllString(l.get(l.file()), `"expires_in": 3600,`)
	equal(t, "the store", got, want)
	if now := l.one("lab"); now.Expiry.Sub(token.Expiry).Abs() > time.Minute {
		t.Errorf("it ends %v, was written for %v", now.Expiry, token.Expiry)
	}
}
