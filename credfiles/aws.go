package credfiles

import (
	"crypto/sha1"
	"encoding/hex"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"time"

	"lamplighter/credfiles/jsonedit"
)

// aws is the AWS CLI: its sign-ins to IAM Identity Center, which it calls SSO.
// It was not run here; "source" means botocore (tokens.py, utils.py) and aws-cli 2
// (customizations/sso). All of AWS's SDKs share the folder.
//
// Each file in sso/cache is one sign-in, named by the SHA-1 of the sso-session's
// name in ~/.aws/config, or of the start URL where a profile names that alone:
//
//	{"startUrl","region","accessToken","expiresAt","clientId","clientSecret",
//	 "registrationExpiresAt","refreshToken"}
//
// without refreshToken where there is no sso-session. The CLI and the SDKs
// refresh by themselves within 15 minutes of the end, with JSON in place of a
// form, and rename a new file into place; how long a session lasts is the
// administrator's to say (source). So nobody has to keep it fresh, and what
// helps is to know when a sign-in is due.
var aws = client{
	name:  "aws",
	title: "AWS CLI",
	dir:   ".aws",
	seen:  "botocore 0e6e240, aws-cli 2 037f1c8",

	files: []file{{
		// 40 hexadecimal digits. Other programs keep theirs in that folder too.
		name: "sso/cache/" + strings.Repeat("[0-9a-f]", 39) + "*.json",
		many: true,
		kinds: []kind{{
			name: "login", single: true, watchOnly: VendorLogin,
			fields: fields{server: at("startUrl"), access: at("accessToken"), refresh: at("refreshToken")},
			adopt:  awsAdopt,
		}},
	}},
	beside: []string{awsConfig},
	join:   awsJoin,

	signIn:    func(c Credential) []string { return c.SignIn }, // awsAdopt knows
	noBrowser: "--no-browser",
}

const awsConfig = "config"

// awsJoin finds in ~/.aws/config which sign-in each file is of: an sso-session's,
// or that of a profile with a start URL of its own.
func awsJoin(s *Store, _ jsonedit.Value) (joined, *Problem) {
	j := joined{quiet: true}
	text, err := readFile(filepath.Join(s.home, awsConfig), maxSize)
	if err != nil {
		return j, nil // then no sign-in is known to be unused
	}
	j.signIns = map[string][]string{}
	section, name := "", ""
	for line := range strings.Lines(string(text)) {
		if head, ok := strings.CutPrefix(strings.TrimSpace(line), "["); ok {
			head, _, _ = strings.Cut(head, "]")
			section, name, _ = strings.Cut(strings.TrimSpace(head), " ")
			name = strings.Trim(name, ` "'`)
			if section == "sso-session" && name != "" {
				j.signIns[awsHash(name)] = []string{"aws", "sso", "login", "--sso-session", name}
			}
			continue
		}
		if section == "default" {
			name = section
		}
		key, value, _ := strings.Cut(line, "=")
		if section == "sso-session" || name == "" || strings.TrimSpace(key) != "sso_start_url" {
			continue
		}
		hash := awsHash(strings.TrimSpace(value))
		if j.signIns[hash] == nil { // else another profile shares it
			j.signIns[hash] = []string{"aws", "sso", "login", "--profile", name}
		}
	}
	return j, nil
}

func awsHash(of string) string {
	sum := sha1.Sum([]byte(of))
	return hex.EncodeToString(sum[:])
}

func awsAdopt(c *Credential, e jsonedit.Value, j joined) {
	hash := path.Base(c.Key.Entry)
	c.stale = len(hash) != 40 // another program's
	c.Expiry = awsTime(member(e, "expiresAt"))
	c.Name = c.ServerURL
	if u, err := url.Parse(c.ServerURL); err == nil && u.Host != "" {
		c.Name = u.Hostname()
	}
	command := j.signIns[hash]
	if command != nil {
		c.Name = command[len(command)-1]
	}
	c.Unused = command == nil && j.signIns != nil
	// Nothing makes it use another home, and a name must not be taken for an option.
	if c.Profile == "" && !strings.HasPrefix(c.Name, "-") {
		c.SignIn = command
	}
}

// awsTime reads the two ways in which it writes a time: older versions end it in
// "UTC" (source).
func awsTime(text string) time.Time {
	t, err := time.Parse(time.RFC3339, strings.Replace(text, "UTC", "Z", 1))
	if err != nil {
		return time.Time{}
	}
	return t
}
