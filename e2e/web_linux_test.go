//go:build screenshots

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"lamplighter/refresher/authtest"
)

// A web is servers with names, as a user's have them, on a computer without a
// network: what goes out goes to a proxy of ours, which knows nobody else. The
// names end in ".example" (RFC 2606), so that nothing could get anywhere past
// it.
type web struct {
	t    *testing.T
	tls  *httptest.Server
	door *httptest.Server // the proxy
	key  *ecdsa.PrivateKey
	file string // of the only root

	mu      sync.Mutex
	servers map[string]*authtest.Server // by name
	hosts   map[string]*authtest.Server
}

func newWeb(t *testing.T) *web {
	t.Helper()
	w := &web{t: t, servers: map[string]*authtest.Server{}, hosts: map[string]*authtest.Server{}}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w.key = key
	root := &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	raw := w.sign(root, root)
	w.file = filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(w.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	w.tls = httptest.NewUnstartedServer(http.HandlerFunc(w.serve))
	w.tls.TLS = &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		return &tls.Certificate{Certificate: [][]byte{w.sign(&x509.Certificate{DNSNames: []string{h.ServerName}}, root)}, PrivateKey: key}, nil
	}}
	w.tls.StartTLS()
	w.door = httptest.NewServer(http.HandlerFunc(w.through))
	t.Cleanup(func() { w.door.Close(); w.tls.Close() })
	return w
}

func (w *web) sign(c, by *x509.Certificate) []byte {
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	raw, err := x509.CreateCertificate(rand.Reader, c, by, &w.key.PublicKey, w.key)
	if err != nil {
		panic(err)
	}
	return raw
}

// server is the one of this name; the first to ask makes it.
func (w *web) server(name string) *authtest.Server {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.servers[name]
	if s == nil {
		mcp, auth := "mcp."+name+".example", "auth."+name+".example"
		s = authtest.New(w.t, authtest.Options{Memory: true, ResourceOrigin: "https://" + mcp, Origin: "https://" + auth})
		w.servers[name], w.hosts[mcp], w.hosts[auth] = s, s, s
	}
	return s
}

func (w *web) serve(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	s := w.hosts[r.Host]
	w.mu.Unlock()
	if s == nil {
		http.Error(out, "nobody here", http.StatusBadGateway)
		return
	}
	s.ServeHTTP(out, r)
}

// through connects whoever asks to our servers.
func (w *web) through(out http.ResponseWriter, r *http.Request) {
	back, err := net.Dial("tcp", w.tls.Listener.Addr().String())
	if err != nil || r.Method != http.MethodConnect {
		http.Error(out, "only CONNECT", http.StatusBadGateway)
		return
	}
	defer back.Close()
	front, _, err := http.NewResponseController(out).Hijack()
	if err != nil {
		return
	}
	defer front.Close()
	io.WriteString(front, "HTTP/1.1 200 OK\r\n\r\n")
	go io.Copy(back, front)
	io.Copy(front, back)
}

// environ is what a program needs to meet these servers and nobody else.
func (w *web) environ() []string {
	return []string{"HTTPS_PROXY=" + w.door.URL, "HTTP_PROXY=" + w.door.URL, "SSL_CERT_FILE=" + w.file, "SSL_CERT_DIR=" + filepath.Dir(w.file)}
}
