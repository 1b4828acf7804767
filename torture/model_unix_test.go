//go:build unix

package torture_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lamplighter/refresher/authtest"
)

// A client is a program that keeps tokens, written anew from what was observed
// of the real one: its locks, its patience, when it reads its store again, how
// it writes. It shares no code with the program under test. Its times are
// scaled down, so that a race takes a second.
type client interface {
	signIn(name string, g authtest.Grant) // writes an entry, as a login does
	signOut(name string)
	visit(name string) visit // a session makes a request to the server
	note(name string)        // another entry of the same store comes
	noted(name string) bool
	stored(name string) (access, refresh string, ok bool)
	patience() time.Duration // how long it waits for its grant lock

	wipe(name string) // empties the entry as after a refusal
	put(name, access, refresh string, expiry time.Time)
	file() string // the store
}

// A visit is what one session did.
type visit string

const (
	nothing   visit = "nothing"    // the token had time left
	adopted   visit = "adopted"    // a newer one was there
	refreshed visit = "refreshed"  // it did so itself
	impatient visit = "impatient"  // it could not wait, and went on with what it had, or gave up
	unlocked  visit = "unlocked"   // it could not wait, and refreshed without the lock
	rejected  visit = "refused"    // the server refused it
	dropped   visit = "dropped"    // it could not store the answer
	trouble   visit = "in trouble" // anything else
	noEntry   visit = "no entry"   // its store, or the entry, was not there
)

// A program is what all clients have in common.
type program struct {
	t     testing.TB
	home  string
	agent string // User-Agent
	s     *authtest.Server
	gone  *atomic.Int32 // how often a store was not there that nobody had removed
	torn  *atomic.Int32 // how often a store was not whole
}

func (p *program) path(name string) string { return filepath.Join(p.home, name) }

func (p *program) file() string { return p.path(".credentials.json") }

func (p *program) must(err error) {
	if err != nil {
		p.t.Errorf("%s: %v", p.agent, err)
	}
}

// A document is a store as JSON, its numbers as they were.
type document map[string]any

// read reads a store. A missing one is an empty one, as for the clients.
func (p *program) read(name string) document {
	text, err := os.ReadFile(p.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		p.gone.Add(1)
		return document{}
	}
	p.must(err)
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	doc := document{}
	if d.Decode(&doc) != nil {
		p.torn.Add(1)
		return document{}
	}
	return doc
}

func compact(v any) []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}

// byRename writes a temporary file and gives it the store's name.
func (p *program) byRename(name string, doc any) {
	temporary := p.path(name) + ".tmp." + rand.Text()
	p.must(os.WriteFile(temporary, compact(doc), 0o600))
	p.must(os.Rename(temporary, p.path(name)))
}

// inPlace opens, empties and writes.
func (p *program) inPlace(name string, doc any) {
	f, err := os.OpenFile(p.path(name), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		p.must(err)
		return
	}
	defer f.Close()
	p.must(f.Truncate(0))
	_, err = f.Write(compact(doc))
	p.must(err)
}

// An issue is what a token endpoint answered.
type issue struct {
	status          int
	access, refresh string
	expiry          time.Time
	code            string
	failed          bool
}

// refresh sends a refresh token, after looking for the endpoint as every client
// does.
func (p *program) refresh(clientID, refresh string) (i issue) {
	p.get(p.s.URL(authtest.Metadata), "")
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {clientID}}
	req, err := http.NewRequest("POST", p.s.URL(authtest.Token), strings.NewReader(form.Encode()))
	p.must(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", p.agent)
	sent := time.Now()
	res, err := alone.RoundTrip(req)
	if err != nil {
		return issue{failed: true}
	}
	defer res.Body.Close()
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Expires int    `json:"expires_in"`
		Error   string
	}
	text, err := io.ReadAll(res.Body)
	if err != nil || json.Unmarshal(text, &answer) != nil {
		return issue{failed: true}
	}
	return issue{status: res.StatusCode, access: answer.Access, refresh: answer.Refresh, code: answer.Error, expiry: sent.Add(time.Duration(answer.Expires) * time.Second)}
}

// alone has a connection for each request.
var alone = &http.Transport{DisableKeepAlives: true}

// get asks for a document, or the MCP server for its attention.
func (p *program) get(place, access string) (status int) {
	req, err := http.NewRequest("GET", place, nil)
	p.must(err)
	req.Header.Set("User-Agent", p.agent)
	if access != "" {
		req.Header.Set("Authorization", "Bearer "+access)
	}
	res, err := alone.RoundTrip(req)
	if err != nil {
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}

// takes reports whether the MCP server takes an access token: it wants no GET,
// but it says so to its friends only.
func (p *program) takes(access string) bool {
	return p.get(p.s.URL(authtest.Resource), access) != http.StatusUnauthorized
}

// flock takes a lock on a whole file, asking every so often; nil where that
// took longer than patience.
func (p *program) flock(name string, how int, every, patience time.Duration) *os.File {
	p.must(os.MkdirAll(filepath.Dir(p.path(name)), 0o755))
	f, err := os.OpenFile(p.path(name), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		p.must(err)
		return nil
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(every) {
		if syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB) == nil {
			return f
		}
		if time.Now().After(deadline) {
			f.Close()
			return nil
		}
	}
}

// mkdir takes a directory lock, trying again after each of the pauses; false
// where none was left.
func (p *program) mkdir(name string, heartbeat time.Duration, pauses ...time.Duration) (release func(), ok bool) {
	path := p.path(name)
	for i := 0; ; i++ {
		if os.Mkdir(path, 0o777) == nil {
			break
		}
		if i == len(pauses) {
			return nil, false
		}
		time.Sleep(pauses[i])
	}
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(heartbeat):
				now := time.Now()
				os.Chtimes(path, now, now)
			}
		}
	}()
	return func() {
		close(stop)
		<-done
		p.must(os.Remove(path))
	}, true
}

func text(v any) string { s, _ := v.(string); return s }

func millis(v any) time.Time {
	n, ok := v.(json.Number)
	if !ok {
		return time.Time{}
	}
	ms, _ := n.Float64()
	return time.UnixMilli(int64(ms))
}
