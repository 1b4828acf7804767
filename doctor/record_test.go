package doctor

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const (
	secret  = "s3cr3t-value-of-the-user-EXAMPLE"
	foreign = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlRVhBTVBMRQ"
)

// A server that says back whatever it is told, and hands out a token besides.
func echo(t *testing.T) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+r.Header.Get("Authorization")+`", error="invalid_token", x="`+foreign+`"`)
		w.Header().Set("Location", "https://else.example/"+foreign+"?token="+foreign+"&user="+secret)
		json.NewEncoder(w).Encode(map[string]any{
			"error": "not " + r.URL.RawQuery, "access_token": foreign, "refresh_token": "short", "message": string(body),
			"deep": map[string]any{"id_token": "x", "list": []any{secret, foreign}},
		})
	}))
	t.Cleanup(s.Close)
	return s
}

func TestNoSecretIsEverInAReport(t *testing.T) {
	s := echo(t)
	x := NewRecorder(s.URL+"/"+foreign+"?key="+secret, http.DefaultTransport)
	x.Keep(Secret{Name: "TOKEN", Value: secret})
	for _, body := range []string{
		"", "grant_type=refresh_token&refresh_token=" + foreign + "&client_secret=" + secret + "&code=abc",
		`{"refresh_token":"` + foreign + `","nested":{"client_secret":"short"},"note":"` + secret + `"}`, secret, foreign,
	} {
		r, err := http.NewRequest("POST", s.URL+"/a/"+foreign+"?key="+secret+"&sig=abc&v="+foreign, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("user", secret)
		r.Header.Set("X-Api-Key", secret)
		r.Header.Set("Cookie", "session="+foreign)
		r.Header.Set("X-Other", "tiny")
		resp, err := x.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	x.Saw("store", "holds %s and %s", secret, foreign)
	x.Find("none", s.URL+"?key="+secret, "it said "+foreign, secret, foreign)
	asJSON, err := json.Marshal(x.Report)
	if err != nil {
		t.Fatal(err)
	}
	for kind, text := range map[string]string{"text": x.Report.Text(80, nil), "Markdown": x.Report.Markdown(), "JSON": string(asJSON)} {
		for _, hidden := range []string{secret, foreign, "c2lnbmF0dXJl", "short", "sig=abc", "tiny"} {
			if i := strings.Index(text, hidden); i >= 0 {
				t.Errorf("%s shows %s: ...%s", kind, hidden, text[max(0, i-60):min(len(text), i+60)])
			}
		}
	}
	if text := x.Report.Text(80, nil); !strings.Contains(text, "X-Api-Key: $TOKEN") {
		t.Errorf("no placeholder for the secret:\n%s", text)
	}
}

func TestASecretGoesOnlyToItsOrigin(t *testing.T) {
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer s.Close()
	x := NewRecorder(s.URL, http.DefaultTransport)
	x.Keep(Secret{Name: "TOKEN", Value: secret, Origins: []string{"https://elsewhere.example:443"}})
	for _, set := range []func(*http.Request){
		func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+secret) },
		func(r *http.Request) { r.Header.Set("X-Key", secret) },
		func(r *http.Request) { r.SetBasicAuth("u", secret) },
		func(r *http.Request) { r.URL.RawQuery = "key=" + secret },
	} {
		r, _ := http.NewRequest("GET", s.URL, nil)
		set(r)
		if _, err := x.RoundTrip(r); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("it was sent, or shown: %v", err)
		}
	}
	if asked > 0 {
		t.Errorf("%d requests with the secret reached another origin", asked)
	}
}

func TestOfflineNothingIsSent(t *testing.T) {
	x := NewRecorder("https://mcp.example/mcp", nil)
	r, _ := http.NewRequest("GET", "https://mcp.example/mcp", nil)
	if _, err := x.RoundTrip(r); err != ErrOffline {
		t.Fatal(err)
	}
	if text := x.Report.Text(80, nil); !strings.Contains(text, "not sent: --offline") || !strings.Contains(text, "curl -i https://mcp.example/mcp") {
		t.Error(text)
	}
}
