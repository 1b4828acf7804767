package signin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// A listener waits on loopback for the browser to come back. Nothing else can
// reach it.
type listener struct {
	redirect string // with its port
	path     string
	sockets  []net.Listener
	server   http.Server
}

// listen opens the port that a redirect URI names; without one, or where that
// one is taken and other is set, any. A redirect URI that leads elsewhere than
// to this computer gives no listener: its answer can only be pasted.
func listen(redirect string, other bool) (*listener, error) {
	u, err := url.Parse(redirect)
	if err != nil || u.Scheme != "http" || !isLoopback(u.Hostname()) {
		return nil, nil
	}
	if u.Path == "" {
		u.Path = "/"
	}
	l := &listener{path: u.Path}
	port, _ := strconv.Atoi(u.Port())
	if l.sockets, err = sockets(u.Hostname(), port); err != nil && port != 0 && other {
		l.sockets, err = sockets(u.Hostname(), 0)
	}
	if err != nil {
		return nil, err
	}
	u.Host = net.JoinHostPort(u.Hostname(), strconv.Itoa(l.sockets[0].Addr().(*net.TCPAddr).Port))
	l.redirect = u.String()
	return l, nil
}

// sockets are one for each address of host: localhost has two, and browsers try
// either first.
func sockets(host string, port int) ([]net.Listener, error) {
	first := host
	if host == "localhost" {
		first = "127.0.0.1"
	}
	for tries := 0; ; tries++ {
		a, err := net.Listen("tcp", net.JoinHostPort(first, strconv.Itoa(port)))
		if err != nil {
			return nil, err
		}
		if host != "localhost" {
			return []net.Listener{a}, nil
		}
		same := strconv.Itoa(a.Addr().(*net.TCPAddr).Port)
		b, err := net.Listen("tcp", net.JoinHostPort("::1", same))
		switch {
		case err == nil:
			return []net.Listener{a, b}, nil
		case !noIPv6(err) && port == 0 && tries < 10: // somebody has that port there
			a.Close()
			continue
		case !noIPv6(err):
			a.Close()
			return nil, err
		}
		return []net.Listener{a}, nil
	}
}

// noIPv6 reports that a computer has no ::1, rather than that its port is taken.
func noIPv6(err error) bool {
	probe, again := net.Listen("tcp", "[::1]:0")
	if again == nil {
		probe.Close()
		return false
	}
	return err != nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (l *listener) serve(f *Flow) {
	l.server.Handler = f.page(l.path)
	l.server.ReadHeaderTimeout = 10 * time.Second
	l.server.MaxHeaderBytes = 64 << 10
	l.server.ErrorLog = log.New(io.Discard, "", 0) // it would show URLs, with codes in them
	for _, s := range l.sockets {
		go l.server.Serve(s)
	}
}

func (l *listener) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if l.server.Handler == nil || l.server.Shutdown(ctx) != nil {
		l.server.Close()
	}
	for _, s := range l.sockets {
		s.Close()
	}
}

// page answers the browser. Only the answer to this sign-in, on its own path,
// is taken; whatever else comes changes nothing.
func (f *Flow) page(path string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, text := http.StatusOK, "Lamplighter has the answer. You can close this page; where you started the sign-in it says how it went."
		switch {
		case r.URL.Path != path:
			status, text = http.StatusNotFound, "There is nothing here."
		case r.Method != http.MethodGet:
			status, text = http.StatusMethodNotAllowed, "There is nothing here."
		default:
			switch err := f.take(r.URL.Query()); {
			case errors.Is(err, ErrNotOurs):
				status, text = http.StatusBadRequest, "This is not the answer to the sign-in that Lamplighter waits for. Start it again if it was yours."
			case err != nil:
				status, text = http.StatusConflict, "Lamplighter has the answer already. You can close this page."
			}
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer") // the address has the code in it
		h.Set("Cache-Control", "no-store")
		h.Set("Connection", "close")
		w.WriteHeader(status)
		fmt.Fprintf(w, page, text)
	})
}

const page = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Lamplighter</title>
<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem;color-scheme:light dark}</style>
<h1>Lamplighter</h1>
<p>%s</p>
</html>
`
