package credfiles

import (
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"lamplighter/credfiles/jsonedit"
)

// claudeConfigs are where its configuration may stand, from the home: in the
// home where CLAUDE_CONFIG_DIR names it, else beside the default home, and
// before both in a file of the name that it had long ago (observed). A home
// that we know from our config may be used either way, so all count.
var claudeConfigs = []string{".config.json", ".claude.json", filepath.Join("..", ".claude.json")}

// claudeServers adds the servers of a .claude.json: the user's own and those
// of every project that it knows. It returns where the projects may have more.
func claudeServers(all map[string]server, name string) (files []string) {
	root, ok := readJSON(name)
	if !ok {
		return nil
	}
	claudeAdd(all, root)
	projects, _ := root.Get("projects")
	for _, p := range projects.Members() {
		claudeAdd(all, p.Value)
		if filepath.IsAbs(p.Key) {
			files = append(files, filepath.Join(p.Key, ".mcp.json"))
		}
	}
	return files
}

func claudeAdd(all map[string]server, doc jsonedit.Value) {
	servers, _ := doc.Get("mcpServers")
	for _, m := range servers.Members() {
		s := all[m.Key]
		if s.keys == nil {
			s.keys = map[string]bool{}
		}
		if key, ok := claudeKey(m.Key, m.Value); ok {
			s.keys[key] = true
		} else {
			s.unknown = true
		}
		if oauth, ok := m.Value.Get("oauth"); ok {
			s.register(member(oauth, "clientId"))
		}
		all[m.Key] = s
	}
}

// claudeKey is the key of a configured server's entry: headers count in the
// order of the configuration, after variables were put in (observed from
// 2.1.74 on). ok is false where we do not know the variables, or JavaScript
// may order or write the headers otherwise.
func claudeKey(name string, s jsonedit.Value) (key string, ok bool) {
	typ, url := member(s, "type"), member(s, "url")
	if typ == "streamable-http" {
		typ = "http"
	}
	headers := []byte{'{'}
	set, _ := s.Get("headers")
	names := map[string]bool{}
	for i, h := range set.Members() {
		value, isText := h.Value.Text()
		_, number := strconv.ParseUint(h.Key, 10, 64)
		if !isText || number == nil || names[h.Key] || !utf8.ValidString(h.Key) {
			return "", false
		}
		names[h.Key] = true
		if i > 0 {
			headers = append(headers, ',')
		}
		headers = append(append(append(headers, jsonedit.Quote(h.Key)...), ':'), jsonedit.Quote(value)...)
	}
	headers = append(headers, '}')
	return entryKey(name, typ, url, headers), !strings.Contains(url+string(headers), "${")
}

// register notes a client ID that the configuration names.
func (s *server) register(clientID string) {
	if clientID == "" {
		return
	}
	if s.registered == nil {
		s.registered = map[string]bool{}
	}
	s.registered[clientID] = true
}
