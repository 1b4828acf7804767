package exchange

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
)

// NewTransport returns a transport as [Send] needs it: a fresh connection for
// each request, HTTP/1.1, TLS 1.2 or better, the system's roots and proxy.
func NewTransport() *http.Transport {
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: connecting}).DialContext,
		TLSHandshakeTimeout: connecting,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		DisableKeepAlives:   true,
		DisableCompression:  true,
		Protocols:           new(http.Protocols),
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode != http.StatusOK {
				return errProxy
			}
			return nil
		},
	}
	t.Protocols.SetHTTP1(true)
	return t
}

// The classes of a transport's failure, for [Answer.Failure].
const (
	FailureCancelled   = "cancelled" // the caller gave up before anything was sent
	FailureTimeout     = "timeout"
	FailureDNS         = "dns"
	FailureConnect     = "connect" // refused, unreachable
	FailureProxy       = "proxy"
	FailureTLS         = "tls"
	FailureCertificate = "certificate" // not trusted, or for another name
	FailureReset       = "reset"
	FailureEOF         = "eof"
	FailureReused      = "reused"   // the transport offered a used connection
	FailureRequest     = "request"  // the Post cannot be sent as it is
	FailureTooLong     = "too-long" // the body is longer than [MaxBody]
	FailureOther       = "other"
)

var (
	errCancelled = errors.New("cancelled")
	errTimeout   = errors.New("timeout")
	errReused    = errors.New("a used connection")
	errWithheld  = errors.New("the request was given up")
	errProxy     = errors.New("the proxy refused")
)

// failureOf names the class of err. Its text is not used: it may hold a URL.
func failureOf(ctx context.Context, err error) string {
	switch context.Cause(ctx) {
	case errCancelled:
		return FailureCancelled
	case errTimeout:
		return FailureTimeout
	case errReused:
		return FailureReused
	}
	var (
		op          *net.OpError
		dns         *net.DNSError
		alert       tls.AlertError
		record      tls.RecordHeaderError
		certificate *tls.CertificateVerificationError
		hostname    x509.HostnameError
		authority   x509.UnknownAuthorityError
		timeout     interface{ Timeout() bool }
	)
	isOp := errors.As(err, &op)
	switch {
	case errors.Is(err, errProxy), isOp && op.Op == "proxyconnect":
		return FailureProxy
	case errors.As(err, &dns):
		return FailureDNS
	case errors.As(err, &certificate), errors.As(err, &hostname), errors.As(err, &authority):
		return FailureCertificate
	case errors.As(err, &alert), errors.As(err, &record), isOp && (op.Op == "remote error" || op.Op == "local error"):
		return FailureTLS
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return FailureTimeout
	case isOp && op.Op == "dial":
		return FailureConnect
	case isOp:
		return FailureReset
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return FailureEOF
	}
	return FailureOther
}
