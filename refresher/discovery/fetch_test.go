package discovery

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"lamplighter/credfiles"
)

func TestRedirectsWithinTheRules(t *testing.T) {
	const start = "https://as.example" + asm
	good := metadata("https://as.example", "https://as.example/token")
	for _, test := range []struct {
		name    string
		hops    []string // from start
		refused string
	}{
		{"one", []string{"https://as.example/1"}, ""},
		{"relative", []string{"/1", "2", "../3"}, ""},
		{"another host by https", []string{"https://www.as.example/1"}, ""},
		{"three", []string{"/1", "/2", "/3"}, ""},
		{"four", []string{"/1", "/2", "/3", "/4"}, "redirects too often"},
		{"a circle", []string{"/1", asm}, "redirects too often"},
		{"itself", []string{asm}, "redirects too often"},
		{"down to http", []string{"http://as.example/1"}, "refused"},
		{"down to http on this computer", []string{"http://127.0.0.1/1"}, "refused"},
		{"down at the second hop", []string{"/1", "http://as.example/2"}, "refused"},
		{"another scheme", []string{"ftp://as.example/1"}, "refused"},
		{"a file", []string{"file:///etc/passwd"}, "refused"},
		{"a user", []string{"https://u:p@as.example/1"}, "refused"},
		{"a fragment", []string{"/1#x"}, "refused"},
		{"nowhere", []string{""}, "redirects too often"},
		{"no URL", []string{"https://[::1"}, "not a URL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWeb(t, map[string]answer{})
			at, _ := CheckURL(start, start)
			for _, hop := range test.hops {
				w.at[at.String()] = redirect(hop)
				to, err := at.Parse(hop)
				if err != nil {
					break
				}
				at = to
			}
			if _, taken := w.at[at.String()]; !taken {
				w.at[at.String()] = good
			}
			_, err := w.find(credfiles.Grant{Issuer: "https://as.example"})
			if test.refused != "" {
				wantMisconfigured(t, err, test.refused)
			} else if err != nil {
				t.Error(err)
			}
			for _, url := range w.asked() {
				if strings.HasPrefix(url, "http:") || strings.Contains(url, "@") {
					t.Errorf("asked %s", url)
				}
			}
		})
	}
}

func TestResourceMetadataIsNotRedirectedAway(t *testing.T) {
	w := withServer(t, map[string]answer{
		probeGet: unauthorized(`Bearer resource_metadata="/a"`), "https://mcp.example/a": redirect("/b"), "https://mcp.example/b": resource(serverURL),
	})
	w.mustFind(bound)
	w.asked()
	w.at["https://mcp.example/a"] = redirect("https://evil.example/b")
	w.at["https://evil.example/b"] = resource(serverURL)
	_, err := w.find(bound)
	wantMisconfigured(t, err, "redirects to https://evil.example/b, which is refused")
}

func TestMetadataHasASizeLimit(t *testing.T) {
	doc := metadata("https://as.example", "https://as.example/token").body
	for size, ok := range map[int]bool{maxMetadata: true, maxMetadata + 1: false} {
		padded := doc + strings.Repeat(" ", size-len(doc))
		_, err := newWeb(t, map[string]answer{"https://as.example" + asm: {body: padded}}).find(credfiles.Grant{Issuer: "https://as.example"})
		if (err == nil) != ok {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	_, err := newWeb(t, map[string]answer{"https://as.example" + asm: {reader: endless{}}}).find(credfiles.Grant{Issuer: "https://as.example"})
	wantMisconfigured(t, err, "more than 1 MiB")
}

func TestDeepMetadataIsRefused(t *testing.T) {
	deep := `{"issuer":"https://as.example","token_endpoint":"https://as.example/token","x":` + strings.Repeat("[", 500_000) + strings.Repeat("]", 500_000) + `}`
	_, err := newWeb(t, map[string]answer{"https://as.example" + asm: {body: deep}}).find(credfiles.Grant{Issuer: "https://as.example"})
	wantMisconfigured(t, err, "not JSON")
}

// The whole way over real connections, with what only real servers do.
func TestOverRealConnections(t *testing.T) {
	var served atomic.Int32
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	defer s.Close()
	mux.HandleFunc("GET /mcp", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "id", Value: "1", Path: "/"})
		w.Header().Add("WWW-Authenticate", `Basic realm="x"`)
		w.Header().Add("WWW-Authenticate", `Bearer realm="a, b", resource_metadata="/meta"`)
		w.WriteHeader(http.StatusUnauthorized)
		for range 10_000 { // the answer's body is of no interest, however long
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
		t.Error("the body of the 401 was read")
	})
	mux.HandleFunc("GET /meta", func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 1 || !r.Close || r.Header.Get("Cookie") != "" || r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("%s, close %v, headers %v", r.Proto, r.Close, r.Header)
		}
		fmt.Fprintf(w, `{"resource":%q,"authorization_servers":[%q]}`, s.URL+"/mcp", s.URL)
	})
	mux.HandleFunc("GET "+asm, func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		fmt.Fprintf(w, `{"issuer":%q,"token_endpoint":%q}`, s.URL, s.URL+"/token")
	})
	f := &Finder{Dir: t.TempDir()}
	e := mustFind(t, f, credfiles.Grant{ServerURL: s.URL + "/mcp"})
	if e.TokenURL != s.URL+"/token" || e.Resource != s.URL+"/mcp" || e.Issuer != s.URL {
		t.Errorf("got %+v", e)
	}
	if hosts := e.Hosts(); len(hosts) != 1 || "http://"+hosts[0] != s.URL {
		t.Errorf("Hosts = %v", hosts)
	}
	mustFind(t, f, credfiles.Grant{ServerURL: s.URL + "/mcp"})
	if n := served.Load(); n != 1 {
		t.Errorf("the metadata was served %d times, want 1", n)
	}
	s.Close()
	_, err := (&Finder{}).Find(t.Context(), credfiles.Grant{ServerURL: s.URL + "/mcp"})
	wantTemporary(t, err)
}
