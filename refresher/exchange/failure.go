package exchange

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"sync/atomic"
)

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
)

// failureOf names the class of err. Its text is not used: it may hold a URL.
func failureOf(ctx context.Context, d *dial, err error) string {
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
	case d.atProxy(), isOp && op.Op == "proxyconnect":
		return FailureProxy
	case errors.As(err, &dns):
		return FailureDNS
	case errors.As(err, &certificate), errors.As(err, &hostname), errors.As(err, &authority):
		return FailureCertificate
	case errors.As(err, &alert), errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch), isOp && (op.Op == "remote error" || op.Op == "local error"):
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

// A dial is how far a connection came. net/http has no type for what a proxy
// answers to CONNECT: it is what goes wrong between TCP and TLS.
type dial struct{ tcp, past atomic.Bool }

func (d *dial) trace(reused func()) *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				d.tcp.Store(true)
			}
		},
		TLSHandshakeStart: func() { d.past.Store(true) },
		GotConn: func(c httptrace.GotConnInfo) {
			d.past.Store(true)
			if c.Reused {
				reused()
			}
		},
	}
}

func (d *dial) atProxy() bool { return d.tcp.Load() && !d.past.Load() }
