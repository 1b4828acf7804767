package exchange

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/base64"
	"net/http"
)

// fresh is a transport as Send wants it.
func fresh() *http.Transport {
	return &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(s))
	w.Close()
	return b.String()
}
