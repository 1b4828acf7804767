package app

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"lamplighter/credfiles"
)

// browse is the browser of a person who agrees at once: it goes where it is
// sent, and shows the page on which it ends.
func browse() {
	r, err := http.Get(os.Args[len(os.Args)-1])
	if err != nil {
		os.Exit(1)
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body)
	os.WriteFile("page.html", text, 0o600)
	if r.StatusCode != http.StatusOK {
		os.Exit(1)
	}
}

// entry CLIENT/NAME FILE PATH WANT: a value of that entry, - for none.
func scriptEntry(ts *testscript.TestScript, neg bool, args []string) {
	_, name, _ := strings.Cut(args[0], "/")
	var doc map[string]json.RawMessage
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &doc))
	if inner := doc["mcpOAuth"]; inner != nil {
		doc = nil
		ts.Check(json.Unmarshal(inner, &doc))
	}
	var e map[string]any
	ts.Check(json.Unmarshal(doc[credfiles.EntryKey(name, of(ts).grants[args[0]].grant.ServerURL)], &e))
	got := "-"
	if text, ok := e[args[2]].(string); ok {
		got = text
	}
	want := args[3]
	switch want {
	case "first": // as it was when the script began
		want = of(ts).grants[args[0]].grant.ClientID
	}
	if (got == want) == neg {
		ts.Fatalf("%s: %s is %q, want %q", args[0], args[2], got, want)
	}
}

// expire CLIENT/NAME ends the registration of the client of that grant.
func scriptExpire(ts *testscript.TestScript, neg bool, args []string) {
	g := of(ts).grants[args[0]]
	g.server.ExpireClient(g.grant.ClientID)
}

// type NAME: goes to the address that NAME shows, in a browser that cannot
// come back, and types the address on which it ends into NAME.
func scriptType(ts *testscript.TestScript, neg bool, args []string) {
	address := ""
	for deadline := time.Now().Add(20 * time.Second); address == "" && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		address = regexp.MustCompile("(?m)^http.*$").FindString(ts.ReadFile(args[0] + ".txt"))
	}
	stop := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := stop.Get(address)
	ts.Check(err)
	r.Body.Close()
	_, err = io.WriteString(of(ts).typed[args[0]], r.Header.Get("Location")+"\n")
	ts.Check(err)
}
