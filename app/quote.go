package app

import (
	"strings"

	"lamplighter/refresher"
)

// quote writes an argument as a shell of the system reads it: a POSIX one, or
// PowerShell, with double quotes where cmd.exe then reads the same.
func quote(os, s string) string {
	plain := "-_./:@%+=,"
	if os == "windows" {
		plain = `-_./:\`
	}
	odd := func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune(plain, r)
	}
	switch {
	case s != "" && strings.IndexFunc(s, odd) < 0:
		return s
	case os != "windows":
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	case strings.ContainsAny(s, "\"$`%“”„") || strings.HasSuffix(s, `\`):
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	return `"` + s + `"`
}

// command writes a command line, with a variable set for it where env is
// NAME=value.
func command(os, env string, words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quote(os, w)
	}
	line := strings.Join(quoted, " ")
	name, value, ok := strings.Cut(env, "=")
	switch {
	case !ok:
		return line
	case os == "windows":
		return "$env:" + name + "=" + quote(os, value) + "; " + line
	}
	return name + "=" + quote(os, value) + " " + line
}

// signIn is the command line that signs in: the client's own, else ours, empty
// where neither can.
func (v view) signIn(row refresher.Row) string {
	if row.SignIn == nil {
		if ownSignIn(row) != "" {
			return ""
		}
		return command(v.os, "", "lamplighter", "login", row.ID)
	}
	return command(v.os, row.SignInEnv, row.SignIn...)
}
