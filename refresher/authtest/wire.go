package authtest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// edit lets the behaviour change the answer, and finds out what it still
// tells.
func (s *Server) edit(x *exchange, a *Answer) {
	access := ""
	if l := x.line(); l != nil {
		s.mu.Lock()
		if at := l.newestAccess(); at != nil {
			access = at.value
		}
		s.mu.Unlock()
	}
	x.behaviour.Edit(a)
	last := 0
	find := func(value string) bool {
		i := bytes.LastIndex(a.Body, []byte(value))
		if value == "" || i < 0 {
			return false
		}
		last = max(last, i+len(value)+1)
		return true
	}
	told := find(access)
	if a.successor != nil && find(a.successor.value) {
		told = true
	} else {
		a.successor = nil
	}
	a.tokensEnd = 0
	if told {
		a.tokensEnd = min(last, len(a.Body))
	}
}

// wire writes what the behaviour makes of the answer's bytes, and says no more
// on that connection.
func (s *Server) wire(w http.ResponseWriter, x *exchange, a Answer) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", a.Status, http.StatusText(a.Status))
	h := a.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Set("Content-Length", strconv.Itoa(len(a.Body)))
	h.Write(&b)
	b.WriteString("\r\n")
	body := b.Len()
	b.Write(a.Body)
	sent, known := x.behaviour.Wire(Wired{b.Bytes(), body, body + a.tokensEnd})
	s.record(x, a, known)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	over := make(chan struct{})
	go func() {
		select {
		case <-s.done: // a server that closes leaves a hijacked connection open
		case <-over:
		}
		conn.Close()
	}()
	conn.Write(sent)
	if x.behaviour.Hang {
		io.Copy(io.Discard, conn)
		x.left()
		s.mu.Lock()
		s.land(x)
		s.mu.Unlock()
	}
	close(over)
}
