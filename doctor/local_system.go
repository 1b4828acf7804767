package doctor

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// skew is how far apart clocks may be.
const skew = time.Minute

// surroundings are what the environment says of the network.
func (l Local) surroundings(x *Recorder) {
	l.proxies(x)
	l.certificates(x)
}

// proxies are those that the environment names, as net/http reads it: names in
// capitals first, HTTPS_PROXY alone for https, no ALL_PROXY.
func (l Local) proxies(x *Recorder) {
	var set []string
	named := func(name string) (value string) {
		if value = l.Host.Getenv(name); value == "" {
			return ""
		}
		at, ok := proxyAt(value)
		if !ok {
			x.Saw("proxy", "%s is no address", name)
			x.Find("proxy-malformed", name, "it has "+x.Clean(at), name)
			return value
		}
		set = append(set, name+" is "+at)
		return value
	}
	https, plain := "", ""
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY"} {
		capital, small := named(name), ""
		if l.Host.OS != "windows" { // where both are one
			small = named(strings.ToLower(name))
		}
		if capital != "" && small != "" && capital != small {
			x.Find("proxy-double", name, name+" and "+strings.ToLower(name)+" differ", name, strings.ToLower(name))
		}
		if name == "HTTPS_PROXY" {
			https = capital + small
		} else if capital+small != "" {
			plain = name
		}
	}
	for _, name := range []string{"ALL_PROXY", "all_proxy"} {
		if named(name) != "" {
			plain = name
		}
	}
	if https == "" && plain != "" {
		x.Find("proxy-plain", plain, plain+" is set and HTTPS_PROXY is not", plain)
	}
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		value := l.Host.Getenv(name)
		for _, part := range strings.Split(value, ",") {
			if part = strings.TrimSpace(part); !fitsHosts(part) {
				x.Find("no-proxy", name, "it has "+x.Clean(part))
			}
		}
		if value != "" && https+plain != "" {
			set = append(set, "not for "+x.Clean(value))
		}
		if l.Host.OS == "windows" || value != "" {
			break
		}
	}
	if len(set) == 0 {
		x.Saw("proxy", "none is set")
		return
	}
	for _, one := range set {
		x.Saw("proxy", "%s", one)
	}
}

// proxyAt is where a proxy is, without the user's name and password. ok is
// false where it says no such thing; then at is the part that is wrong.
func proxyAt(value string) (at string, ok bool) {
	u, err := url.Parse(value)
	if err != nil || !strings.Contains(value, "://") {
		if u, err = url.Parse("http://" + value); err != nil {
			return "characters that no address has", false
		}
	}
	if !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) {
		return "the scheme " + u.Scheme, false
	}
	if u.Hostname() == "" {
		return "no host", false
	}
	return u.Scheme + "://" + u.Host, true
}

// fitsHosts reports that a part of NO_PROXY can fit a host: net/http compares
// names, ends of names, addresses and networks.
func fitsHosts(part string) bool {
	if part == "" || part == "*" {
		return true
	}
	if _, _, err := net.ParseCIDR(part); err == nil {
		return true
	}
	return !strings.ContainsAny(strings.TrimPrefix(part, "*."), "/*? ") && !strings.Contains(part, "://")
}

// certificates are those that servers are judged by.
func (l Local) certificates(x *Recorder) {
	var named []string
	read := func(name string, files ...string) (all []*x509.Certificate) {
		value := l.Host.Getenv(name)
		if value == "" {
			return nil
		}
		named = append(named, name+" is "+l.Say.Path(value))
		if len(files) == 0 {
			files = []string{value}
		}
		var err error
		for _, file := range files {
			found, ferr := certificatesIn(file)
			all = append(all, found...)
			err = errors.Join(err, ferr)
		}
		if len(all) == 0 {
			if err == nil {
				err = errors.New("there is no certificate in it")
			}
			x.Find("certificates-unread", name, x.Clean(strings.ReplaceAll(err.Error(), "\n", "; ")), name)
		}
		return all
	}
	if l.Host.OS != "darwin" && l.Host.OS != "windows" { // where this program goes by the system alone
		read("SSL_CERT_FILE")
		if dirs := l.Host.Getenv("SSL_CERT_DIR"); dirs != "" {
			var files []string
			for _, dir := range filepath.SplitList(dirs) {
				found, _ := filepath.Glob(filepath.Join(dir, "*"))
				files = append(files, found...)
			}
			read("SSL_CERT_DIR", append(files, dirs)...)
		}
	}
	extra := read("NODE_EXTRA_CA_CERTS")
	roots := l.Roots
	if roots == nil {
		roots = x509.SystemCertPool
	}
	pool, err := roots()
	if err != nil || pool.Equal(x509.NewCertPool()) {
		why := "the list is empty"
		if err != nil {
			why = err.Error()
		}
		x.Find("no-roots", "", why)
		return
	}
	x.Saw("certificates", "%s", strings.Join(append([]string{"those of the system"}, named...), "; "))
	for _, c := range extra {
		_, err := c.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		if errors.As(err, new(x509.UnknownAuthorityError)) {
			x.Find("extra-authority", "NODE_EXTRA_CA_CERTS", x.Clean(c.Subject.CommonName))
		}
	}
}

// certificatesIn are those of a PEM file.
func certificatesIn(file string) (all []*x509.Certificate, err error) {
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	for err == nil {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil && block.Type == "CERTIFICATE" {
			all = append(all, c)
		}
	}
	return all, err
}

// clock compares this computer's clock with those of the servers that answered
// a refresh within the last day; with the file system's it was compared before.
func (l Local) clock(x *Recorder, agree bool) {
	now := l.Snapshot.At
	asked := 0
	var worst time.Duration
	var id, when string
	for _, row := range l.Snapshot.Rows {
		m := row.Memory
		last := m.Refreshed
		if m.Tried.After(last) && m.Code != "" {
			last = m.Tried
		}
		if last.IsZero() {
			continue
		}
		if last.After(now.Add(skew)) {
			x.Find("clock-back", row.ID, "its last refresh was "+moment(last))
			continue
		}
		if now.Sub(last) > 24*time.Hour {
			continue
		}
		asked++
		if m.Skew.Abs() > worst.Abs() {
			worst, id, when = m.Skew, row.ID, moment(last)
		}
	}
	switch {
	case worst.Abs() > skew:
		x.Saw("clock", "%s", l.apart(worst))
		x.Find("clock", id, fmt.Sprintf("at the refresh of %s %s", when, l.apart(worst)), l.Say.Span(worst))
	case asked > 0:
		x.Saw("clock", "agrees with what servers said at the last refreshes")
	case agree:
		x.Saw("clock", "agrees with the file system's; no server answered within a day")
	default:
		x.Saw("clock", "not compared with a server's: none answered within a day")
	}
}

// apart is how far the clock of a server is from ours.
func (l Local) apart(ahead time.Duration) string {
	if ahead < 0 {
		return "the server's clock was " + l.Say.Span(ahead) + " behind this computer's"
	}
	return "the server's clock was " + l.Say.Span(ahead) + " ahead of this computer's"
}
