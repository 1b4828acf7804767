package deliver

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"lamplighter/credfiles"
)

// A KV is a secret of a KV version 2 engine of HashiCorp Vault or OpenBao. The
// token that it is reached with needs the capabilities read, create and update
// on MOUNT/data/PATH. Other fields of the secret stay.
type KV struct {
	Address     string // https, or http on this computer
	Mount, Path string
	Namespace   string // sent as X-Vault-Namespace where it is set
	CAFile      string // in place of the system's roots where it is set
	TokenField  string
	ExpiryField string // RFC 3339
	// Auth is Vault's own token, asked for each time: an agent may renew it.
	Auth func(context.Context) (credfiles.Secret, error)
}

func (k KV) String() string {
	return strings.TrimSuffix(k.Address, "/") + ": " + k.Mount + "/" + k.Path
}

// Text is the token.
func (k KV) Text(t Token) (credfiles.Secret, error) { return t.Access, nil }

// Gone is false: a look is a request.
func (k KV) Gone() bool { return false }

// patience bounds one delivery.
const patience = 20 * time.Second

// Put writes a new version of the secret if nobody else did since it was read
// (check-and-set). A token there that is not ours, as from another machine with
// the same client, stays if it ends later.
func (k KV) Put(ctx context.Context, t Token, ours func(credfiles.Secret) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	auth, err := k.Auth(ctx)
	if err != nil {
		return k.fault(err)
	}
	rt, err := k.transport()
	if err != nil {
		return k.fault(err)
	}
	for range 5 {
		if !t.Lives() {
			return ErrEnding
		}
		there, err := k.read(ctx, rt, auth)
		if err != nil {
			return k.fault(err)
		}
		was := there.text(k.TokenField)
		until, _ := time.Parse(time.RFC3339, there.text(k.ExpiryField).Reveal())
		if was.Equal(t.Access) || !was.IsZero() && !ours(was) && until.After(t.Expiry) && time.Until(until) >= Least {
			return nil
		}
		there.set(k.TokenField, t.Access.Reveal())
		there.set(k.ExpiryField, moment{t.Expiry.UTC()}.String())
		if err = k.write(ctx, rt, auth, there); !errors.Is(err, errConflict) {
			return k.fault(err)
		}
	}
	return k.fault(errConflict)
}

func (k KV) fault(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", k, err)
}

// errConflict is what a write gets that came second.
var errConflict = errors.New("others write this secret all the time")

// A secret is one version of a secret, as far as it matters here.
type secret struct {
	fields  map[string]json.RawMessage
	version uint64 // 0: there was none yet
}

func (s secret) text(field string) credfiles.Secret {
	var text string
	_ = json.Unmarshal(s.fields[field], &text) // what is no text is none of ours
	return credfiles.NewSecret(text)
}

func (s *secret) set(field, text string) {
	if s.fields == nil {
		s.fields = map[string]json.RawMessage{}
	}
	s.fields[field], _ = json.Marshal(text)
}

// read gets the newest version. One that was deleted comes with 404, without
// fields, but with its number, which the next write has to name (OpenBao,
// builtin/logical/kv/path_data.go).
func (k KV) read(ctx context.Context, rt http.RoundTripper, auth credfiles.Secret) (secret, error) {
	status, body, err := k.call(ctx, rt, auth, http.MethodGet, nil)
	if err != nil {
		return secret{}, err
	}
	var answer struct {
		Data struct {
			Data     map[string]json.RawMessage
			Metadata struct{ Version uint64 }
		}
	}
	err = json.Unmarshal(body, &answer)
	switch {
	case status != http.StatusOK && status != http.StatusNotFound:
		return secret{}, refusal(status)
	case err != nil, status == http.StatusOK && answer.Data.Metadata.Version == 0:
		return secret{}, errNotKV
	}
	return secret{answer.Data.Data, answer.Data.Metadata.Version}, nil
}

var errNotKV = errors.New("what answers is no KV engine of version 2; look at its address and mount")

func (k KV) write(ctx context.Context, rt http.RoundTripper, auth credfiles.Secret, s secret) error {
	text, err := json.Marshal(map[string]any{"options": map[string]any{"cas": s.version}, "data": s.fields})
	if err != nil {
		return err
	}
	status, body, err := k.call(ctx, rt, auth, http.MethodPost, text)
	if err != nil {
		return err
	}
	var answer struct {
		Data   struct{ Version uint64 }
		Errors []string
	}
	err = json.Unmarshal(body, &answer)
	switch {
	case status == http.StatusBadRequest && strings.Contains(strings.Join(answer.Errors, " "), "check-and-set parameter did not match"):
		return errConflict
	case status == http.StatusNotFound, status == http.StatusNoContent, status == http.StatusOK && (err != nil || answer.Data.Version == 0):
		return errNotKV // version 1 takes anything, and says nothing
	case status != http.StatusOK:
		return refusal(status)
	}
	return nil
}

// refusal is what a status means. What the server says beside it is not
// repeated: nobody knows what stands in it.
func refusal(status int) error {
	switch {
	case status/100 == 3:
		return errors.New("it wants to lead elsewhere, which is not followed; name the address of the active server")
	case status == http.StatusForbidden:
		return errors.New("it does not take the token for it, or its policy lacks read, create or update there")
	case status == http.StatusServiceUnavailable:
		return errors.New("it is sealed, or down for maintenance")
	}
	return fmt.Errorf("it answered status %d", status)
}

// call makes one request. A transport follows no redirect, so that neither token
// goes anywhere else.
func (k KV) call(ctx context.Context, rt http.RoundTripper, auth credfiles.Secret, method string, body []byte) (status int, answer []byte, err error) {
	segments := strings.Split(k.Mount+"/data/"+k.Path, "/")
	at, err := url.JoinPath(k.Address, append([]string{"v1"}, segments...)...)
	if err != nil {
		return 0, nil, errors.New("its address is no URL")
	}
	req, err := http.NewRequestWithContext(ctx, method, at, bytes.NewReader(body))
	if err != nil {
		return 0, nil, errors.New("its address is no URL")
	}
	req.Header.Set("X-Vault-Token", auth.Reveal())
	req.Header.Set("X-Vault-Request", "true") // an agent in between may insist on it
	if k.Namespace != "" {
		req.Header.Set("X-Vault-Namespace", k.Namespace)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, 8*most))
	return resp.StatusCode, answer, err
}

// transport makes a fresh connection for each request: hours lie in between.
func (k KV) transport() (http.RoundTripper, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if k.CAFile != "" {
		text, err := os.ReadFile(k.CAFile)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, errors.New(k.CAFile + " holds no certificate")
		}
	}
	return &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, DisableKeepAlives: true}, nil
}
