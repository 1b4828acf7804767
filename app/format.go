package app

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"

	"lamplighter/deliver"
	"lamplighter/refresher"
)

// An asking is what a format may look at besides the token.
type asking struct {
	env func(string) string
	git gitAsking
}

// formats are what a token may be printed as.
var formats = map[string]func(refresher.Row, asking) (string, error){
	"raw":             asForm("raw", "\n"),
	"env":             asForm("env", ""),
	"json":            asForm("json", ""),
	"header":          asForm("header", ""),
	"git-credential":  asGitCredential,
	"kubernetes-exec": asExecCredential,
}

var formatNames = []string{"raw", "env", "json", "header", "git-credential", "kubernetes-exec"}

// asForm is how a file has it to which the token is delivered.
func asForm(name, end string) func(refresher.Row, asking) (string, error) {
	return func(row refresher.Row, _ asking) (string, error) {
		form, err := deliver.ParseForm(name)
		if err != nil {
			return "", err
		}
		text, err := form.Text(tokenOf(row.Credential))
		if err != nil {
			return "", fmt.Errorf("%s: %w; see --format raw", row.ID, err)
		}
		return text.Reveal() + end, nil
	}
}

func jsonLine(v any) (string, error) {
	text, err := json.Marshal(v)
	return string(text) + "\n", err
}

// inHeaders is what Claude Code reads from a headersHelper: one JSON object whose
// values are texts. It runs one by a shell for each connection and goes on
// without it after ten seconds (2.1.329, observed;
// https://code.claude.com/docs/en/mcp).
func inHeaders(row refresher.Row) (string, error) {
	value, err := bearer(row)
	if err != nil {
		return "", err
	}
	return jsonLine(map[string]string{"Authorization": value})
}

// bearer is the value of the Authorization header (RFC 6750 section 2.1). A
// token that would end the line is none.
func bearer(row refresher.Row) (string, error) {
	value := row.Access.Reveal()
	if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", sayf(saidNoHeader, row.ID)
	}
	return "Bearer " + value, nil
}

// A gitAsking is what git tells a credential helper (git-credential(1)).
type gitAsking map[string]string

// gitAsks reads it. Git ends it with an empty line or closes its end.
func gitAsks(from io.Reader) gitAsking {
	asked := gitAsking{}
	lines := bufio.NewScanner(from)
	for lines.Scan() && lines.Text() != "" {
		name, value, _ := strings.Cut(lines.Text(), "=")
		asked[name] = value
	}
	return asked
}

// safe reports that the token would not go over the network for all to read.
func (a gitAsking) safe() bool {
	host := a["host"]
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return a["protocol"] == "https" || host == "localhost" || ip != nil && ip.IsLoopback()
}

// asGitCredential takes oauth2 for the name of the user where git has none: the
// one that GitLab and Gitea want, and GitHub and Azure DevOps do not look at it.
func asGitCredential(row refresher.Row, a asking) (string, error) {
	if _, err := bearer(row); err != nil { // one line each
		return "", err
	}
	var b strings.Builder
	if a.git["username"] == "" {
		b.WriteString("username=oauth2\n")
	}
	fmt.Fprintf(&b, "password=%s\n", row.Access.Reveal())
	if !row.Expiry.IsZero() {
		fmt.Fprintf(&b, "password_expiry_utc=%d\n", row.Expiry.Unix())
	}
	return b.String(), nil
}

// asExecCredential is what kubectl and others of client-go read from a command
// of theirs (https://kubernetes.io/docs/reference/config-api/client-authentication.v1/):
// of the version that they ask for.
func asExecCredential(row refresher.Row, a asking) (string, error) {
	const group = "client.authentication.k8s.io/"
	var asked struct {
		Version string `json:"apiVersion"`
	}
	json.Unmarshal([]byte(a.env("KUBERNETES_EXEC_INFO")), &asked)
	if asked.Version != group+"v1beta1" {
		asked.Version = group + "v1"
	}
	type status struct {
		Expires *stamp `json:"expirationTimestamp,omitempty"`
		Token   string `json:"token"`
	}
	s := status{Token: row.Access.Reveal()}
	if !row.Expiry.IsZero() {
		s.Expires = new(stamp(row.Expiry))
	}
	return jsonLine(struct {
		Version string `json:"apiVersion"`
		Kind    string `json:"kind"`
		Status  status `json:"status"`
	}{asked.Version, "ExecCredential", s})
}
