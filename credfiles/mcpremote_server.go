package credfiles

import (
	"crypto/md5"
	"encoding/hex"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"lamplighter/credfiles/jsonedit"
)

// A remoteServer is an MCP server on a command line of mcp-remote. Its store
// names no server, only a hash of what decides about the grant.
type remoteServer struct {
	name        string // in the configuration
	url         string
	resource    string // --resource
	noResource  bool   // --disable-resource-parameter
	metadataURL string // --client-metadata-url: a client ID that is a URL
	preset      bool   // --static-oauth-client-info
	clientID    string
	secret      Secret
	version     string   // that the configuration holds on to: mcp-remote@0.1.38
	renews      bool     // --use-id-token or --client-credentials: the refresh token is of no use
	args        []string // the URL and the options
	hashes      []string // that versions give it, and the one of Amazon Q
}

var (
	remoteWord   = regexp.MustCompile(`(^|/)mcp-remote(-client)?(@([^/\s]+))?$`)
	remoteHeader = regexp.MustCompile(`^([A-Za-z0-9_-]+):\s*(.*)$`)
	exactVersion = regexp.MustCompile(`^\d+\.\d+\.\d+`)
)

// parseRemote reads a command line, with the program's own name first. env is
// what the configuration sets for the program. ok is false where mcp-remote is
// not started by it.
func parseRemote(argv []string, env map[string]string) (r remoteServer, ok bool) {
	version := ""
	at := -1
	for i, arg := range argv {
		arg = strings.ReplaceAll(arg, `\`, "/")
		word := remoteWord.FindStringSubmatch(strings.TrimSuffix(arg, ".cmd"))
		if word == nil && !mcpRemotePath.MatchString(arg) {
			if !strings.HasPrefix(arg, "--") && strings.ContainsAny(arg, " \t") && strings.Contains(arg, "mcp-remote") {
				// sh -c "npx mcp-remote ..."
				if r, ok := parseRemote(shellWords(arg), env); ok {
					return r, true
				}
			}
			continue
		}
		if word != nil && word[4] != "" {
			version = word[4]
		}
		at = i
		if _, isURL := remoteURL(argv[i+1:]); isURL {
			break
		}
	}
	if at < 0 {
		return r, false
	}
	if exactVersion.MatchString(version) {
		r.version = version
	}
	return r, r.options(argv[at+1:], env)
}

// remoteURL is the first argument that belongs to no --header.
func remoteURL(args []string) (string, bool) {
	for i := 0; i < len(args); i++ {
		if args[i] == "--header" || args[i] == "--header-file" {
			i++
			continue
		}
		u, err := url.Parse(args[i])
		return args[i], err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
	}
	return "", false
}

// options takes in what follows the program's name. A header counts as it is
// written, before variables are put in (source, 0.1.37 to 0.15.1).
func (r *remoteServer) options(args []string, env map[string]string) bool {
	var ok bool
	if r.url, ok = remoteURL(args); !ok {
		return false
	}
	headers, params := map[string]string{}, map[string]string{}
	value := func(name string) (string, bool) {
		if i := slices.Index(args, name); i >= 0 && i < len(args)-1 {
			return args[i+1], true
		}
		return "", false
	}
	for i := 0; i < len(args)-1; i++ {
		switch args[i] {
		case "--header":
			if m := remoteHeader.FindStringSubmatch(args[i+1]); m != nil {
				headers[m[1]] = m[2]
			}
		case "--authorize-param":
			if name, text, ok := strings.Cut(args[i+1], "="); ok {
				params[strings.TrimSpace(name)] = text
			}
		}
	}
	resource, named := value("--resource")
	resource = strings.TrimSpace(resource)
	r.noResource = slices.Contains(args, "--disable-resource-parameter") || named && resource == ""
	if !r.noResource {
		r.resource = resource
	}
	metadata, _ := value("--client-metadata-url")
	if u, err := url.Parse(strings.TrimSpace(metadata)); err == nil && u.Scheme == "https" && len(u.Path) > 1 {
		r.metadataURL = strings.TrimSpace(metadata)
	}
	endpoint, _ := value("--token-endpoint")
	if info, ok := value("--static-oauth-client-info"); ok {
		r.preset = true
		r.clientID, r.secret = staticClient(info, env)
	}

	// Each version hashes what it knows of; without any of it all agree (source:
	// 0.1.29, 0.1.37, 0.8.2, 0.9.0, 0.15.1).
	heads, extra := sortedJSON(headers), sortedJSON(params)
	for _, parts := range [][]string{
		{r.url, r.resource, extra, heads, r.metadataURL, endpoint},
		{r.url, r.resource, extra, heads, r.metadataURL},
		{r.url, r.resource, heads},
		{r.url},
	} {
		parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
		sum := md5.Sum([]byte(strings.Join(parts, "|")))
		if hash := hex.EncodeToString(sum[:]); !slices.Contains(r.hashes, hash) {
			r.hashes = append(r.hashes, hash)
		}
	}
	if u, err := url.Parse(r.url); err == nil {
		r.hashes = append(r.hashes, amazonQHash(u))
	}
	r.renews = slices.Contains(args, "--use-id-token") || slices.Contains(args, "--client-credentials")
	r.args = args
	return true
}

// sortedJSON is JSON.stringify of an object with its members in the order of
// their names; empty for none.
func sortedJSON(all map[string]string) string {
	if len(all) == 0 {
		return ""
	}
	var names []string
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	text := []byte{'{'}
	for i, name := range names {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(text, jsonedit.Quote(name)...), ':')
		text = append(text, jsonedit.Quote(all[name])...)
	}
	return string(append(text, '}'))
}

var remoteVariable = regexp.MustCompile(`\$\{([^}]+)\}`)

// staticClient reads a registration as the command line names it: as JSON, or
// as @ and a file. Variables that the configuration does not set are not known
// to us.
func staticClient(info string, env map[string]string) (id string, secret Secret) {
	text := []byte(info)
	if file, ok := strings.CutPrefix(info, "@"); ok {
		if !filepath.IsAbs(file) {
			return "", Secret{}
		}
		var err error
		if text, err = readFile(file, maxSize); err != nil {
			return "", Secret{}
		}
	}
	known := true
	text = remoteVariable.ReplaceAllFunc(text, func(v []byte) []byte {
		value, ok := env[string(v[2:len(v)-1])]
		known = known && ok
		return []byte(value)
	})
	root, err := jsonedit.Parse(text)
	if err != nil || !known {
		return "", Secret{}
	}
	return member(root, "client_id"), NewSecret(member(root, "client_secret"))
}

// apply puts into a credential what its command line says of it.
func (r *remoteServer) apply(c *Credential) {
	c.ServerURL, c.NoResource, c.Resource = r.url, r.noResource, r.resource
	if c.Name = r.name; c.Name == "" {
		if u, err := url.Parse(r.url); err == nil {
			c.Name = u.Host
		}
	}
	if u, err := url.Parse(c.Resource); err == nil && u.Host != "" && u.Path == "" {
		u.Path = "/" // as URL.href has it
		c.Resource = u.String()
	}
	switch {
	case r.preset: // it wins over what an older version stored (source)
		c.ClientID, c.ClientSecret, c.AuthMethod, c.Preset = r.clientID, r.secret, "", true
	case c.ClientID == "":
		// A client ID that is a URL is never stored (source).
		c.ClientID, c.Preset = r.metadataURL, r.metadataURL != ""
	}
}

// signIn is the program of the same package that signs in and ends (observed).
// It finds the same entry by the same options only: where those are secret, or
// have variables in them, there is no command.
func (r *remoteServer) signIn(stable bool) []string {
	version := r.version
	switch old := older3(version, 0, 3, 3); {
	case stable && (version == "" || old):
		version = "latest"
	case !stable && !old:
		return nil // whatever wrote that folder, another would be written now
	}
	for i, arg := range r.args {
		inline := i > 0 && r.args[i-1] == "--static-oauth-client-info" && !strings.HasPrefix(arg, "@")
		if arg == "--header" || inline || strings.Contains(arg, "${") {
			return nil
		}
	}
	return append([]string{"npx", "-y", "-p", "mcp-remote@" + version, "mcp-remote-client"}, r.args...)
}

// shellWords splits a command line at its blanks, quotes apart.
func shellWords(line string) (words []string) {
	var word strings.Builder
	var quote rune
	began := false
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			quote, began = r, true
		case r == ' ' || r == '\t' || r == '\n':
			if began {
				words = append(words, word.String())
			}
			word.Reset()
			began = false
		default:
			word.WriteRune(r)
			began = true
		}
	}
	if began {
		words = append(words, word.String())
	}
	return words
}
