package credfiles

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v3"

	"lamplighter/credfiles/jsonedit"
)

// remoteCommands are the command lines of mcp-remote in the configurations of
// the clients that start it. The stores of one home share them.
type remoteCommands struct {
	host   Host
	remote remoteFiles

	mu       sync.Mutex
	at       time.Time // when they were read
	byHash   map[string]*remoteServer
	projects []remoteServer // of the projects' own files, as last read
}

// recent is how long what was read serves: one look at all stores reads the
// configurations once.
const recent = time.Second

// of is the command line that uses the files of that name, nil where no
// configuration has one.
func (c *remoteCommands) of(hash string) *remoteServer {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if age := time.Since(c.at); age < 0 || age >= recent {
		c.byHash = map[string]*remoteServer{}
		for _, r := range c.read() {
			for _, hash := range r.hashes {
				if c.byHash[hash] == nil {
					c.byHash[hash] = &r
				}
			}
		}
		c.at = time.Now()
	}
	return c.byHash[hash]
}

func (c *remoteCommands) read() (all []remoteServer) {
	projects := map[string]bool{}
	for _, name := range append(c.host.mcpConfigs(), c.host.amazonQConfigs()...) {
		root, ok := readConfig(name)
		if !ok {
			continue
		}
		all = append(all, remoteServers(root)...)
		known, _ := root.Get("projects") // Claude Code and Codex list them
		for _, p := range known.Members() {
			if filepath.IsAbs(p.Key) {
				projects[p.Key] = true
			}
		}
	}
	var files []string
	for _, dir := range slices.Sorted(maps.Keys(projects)) {
		for _, name := range []string{".mcp.json", ".cursor/mcp.json", ".vscode/mcp.json"} {
			files = append(files, filepath.Join(dir, filepath.FromSlash(name)))
		}
	}
	if roots, ok := c.remote.read(files); ok { // else those of before
		c.projects = nil
		for _, root := range roots {
			c.projects = append(c.projects, remoteServers(root)...)
		}
	}
	return append(all, c.projects...)
}

// mcpConfigs are where clients that start mcp-remote name their servers, the
// user's own files only. The first that names a server gives it its name.
func (h Host) mcpConfigs() []string {
	config := h.configHome()
	apps := config
	switch h.OS {
	case "darwin":
		apps = filepath.Join(h.Home, "Library", "Application Support")
	case "windows":
		apps = filepath.Join(h.Home, "AppData", "Roaming")
		if dir := h.Getenv("APPDATA"); dir != "" {
			apps = dir
		}
	}
	var all []string
	add := func(dir string, names ...string) {
		for _, name := range names {
			all = append(all, filepath.Join(dir, filepath.FromSlash(name)))
		}
	}
	add(apps, "Claude/claude_desktop_config.json")
	add(h.Home, ".cursor/mcp.json", ".codeium/windsurf/mcp_config.json", ".claude.json")
	if dir := h.Getenv("CLAUDE_CONFIG_DIR"); filepath.IsAbs(dir) {
		add(dir, ".claude.json")
	}
	for _, code := range []string{"Code", "Code - Insiders", "VSCodium", "Cursor", "Windsurf"} {
		add(apps, code+"/User/mcp.json", code+"/User/settings.json",
			code+"/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
			code+"/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json")
	}
	codex := h.Getenv("CODEX_HOME")
	if !filepath.IsAbs(codex) {
		codex = filepath.Join(h.Home, ".codex")
	}
	add(codex, "config.toml")
	add(h.Home, ".mcp.json", ".vscode/mcp.json", ".gemini/settings.json", ".qwen/settings.json",
		".copilot/mcp-config.json", ".lmstudio/mcp.json", ".aws/amazonq/mcp.json", ".kiro/settings/mcp.json")
	add(config, "opencode/opencode.json", "opencode/opencode.jsonc", "zed/settings.json")
	return all
}

var configParsers = map[string]func([]byte, any) error{".toml": toml.Unmarshal, ".yaml": yaml.Unmarshal}

// needs is readConfig for what a request cannot do without, such as a secret.
// Nothing stands in a file that is not there.
func (s *Store) needs(name string) (jsonedit.Value, *Problem) {
	root, ok := readConfig(name)
	if ok {
		return root, nil
	}
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		return root, &Problem{Store: name, Client: s.client.name, Kind: BadConfig, Err: err}
	}
	return jsonedit.Value{}, nil
}

// readConfig reads a client's configuration: JSON, as some write it with
// comments and commas too many, TOML or YAML.
func readConfig(name string) (jsonedit.Value, bool) {
	text, err := readFile(name, 4*maxSize)
	if err != nil {
		return jsonedit.Value{}, false
	}
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	if parse := configParsers[filepath.Ext(name)]; parse != nil {
		var all map[string]any
		if parse(text, &all) != nil {
			return jsonedit.Value{}, false
		}
		if text, err = json.Marshal(all); err != nil {
			return jsonedit.Value{}, false
		}
	}
	root, err := jsonedit.Parse(text)
	if err != nil {
		root, err = jsonedit.Parse(withoutComments(text))
	}
	return root, err == nil && root.Kind() == jsonedit.Object
}

// withoutComments makes JSON of what editors take for it.
func withoutComments(text []byte) []byte {
	var out []byte
	for i := 0; i < len(text); {
		rest := text[i:]
		switch {
		case rest[0] == '"':
			n := 1
			for n < len(rest) && rest[n] != '"' {
				if rest[n] == '\\' {
					n++
				}
				n++
			}
			n = min(n+1, len(rest))
			out = append(out, rest[:n]...)
			i += n
		case bytes.HasPrefix(rest, []byte("//")):
			n := bytes.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest)
			}
			i += n
		case bytes.HasPrefix(rest, []byte("/*")):
			n := bytes.Index(rest, []byte("*/"))
			if n < 0 {
				n = len(rest) - 2
			}
			i += n + 2
		default:
			if rest[0] == '}' || rest[0] == ']' {
				out = bytes.TrimSuffix(bytes.TrimRight(out, " \t\r\n"), []byte(","))
			}
			out = append(out, rest[0])
			i++
		}
	}
	return out
}

// remoteServers finds every command line of mcp-remote in a configuration,
// whatever the client calls the places, and after them the servers that it
// names by URL: a client may start mcp-remote for those.
func remoteServers(root jsonedit.Value) []remoteServer {
	var commands, urls []remoteServer
	var walk func(v jsonedit.Value, name string)
	walk = func(v jsonedit.Value, name string) {
		for _, e := range v.Elements() {
			walk(e, name)
		}
		if v.Kind() != jsonedit.Object {
			return
		}
		if own := member(v, "name"); own != "" {
			name = own
		}
		command, _ := v.Get("command")
		args, _ := v.Get("args")
		env := map[string]string{}
		for _, key := range []string{"env", "environment"} {
			set, _ := v.Get(key)
			for _, m := range set.Members() {
				env[m.Key], _ = m.Value.Text()
			}
		}
		// Zed nests both in "command", opencode has one list.
		argv := append(texts(command), texts(args)...)
		if path := member(command, "path"); path != "" {
			inner, _ := command.Get("args")
			argv = append([]string{path}, texts(inner)...)
		}
		if r, ok := parseRemote(argv, env); ok {
			r.name = name
			commands = append(commands, r)
			return
		}
		for _, key := range []string{"url", "serverUrl", "httpUrl"} {
			var r remoteServer
			if r.options([]string{member(v, key)}, nil) {
				r.name = name
				urls = append(urls, r)
			}
		}
		for _, m := range v.Members() {
			walk(m.Value, m.Key)
		}
	}
	walk(root, "")
	return append(commands, urls...)
}

// texts are a string, or the strings of a list.
func texts(v jsonedit.Value) (all []string) {
	if text, ok := v.Text(); ok {
		return []string{text}
	}
	for _, e := range v.Elements() {
		text, _ := e.Text()
		all = append(all, text)
	}
	return all
}
