// Command vault serves HashiCorp's KV engine of version 2, mounted at secret/,
// for tests: the engine is the real one, in memory; what is around it, of Vault's
// HTTP API, is as much as a read and a write of a secret need (its http package:
// how a response and an error of an engine become an answer).
//
// TOKEN is the token that it takes. The first line that it prints is its address;
// it ends with its standard input.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/hashicorp/go-hclog"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/sdk/logical"
)

type server struct {
	token   string
	storage logical.Storage
	engine  logical.Backend
}

func main() {
	log.SetFlags(0)
	ctx := context.Background()
	s := &server{token: os.Getenv("TOKEN"), storage: &logical.InmemStorage{}}
	var err error
	s.engine, err = kv.Factory(ctx, &logical.BackendConfig{
		Config: map[string]string{"version": "2"}, BackendUUID: "00000000-0000-0000-0000-000000000001",
		StorageView: s.storage, Logger: hclog.NewNullLogger(), System: &logical.StaticSystemView{},
	})
	if err == nil {
		err = s.engine.Initialize(ctx, &logical.InitializationRequest{Storage: s.storage})
	}
	if err != nil {
		log.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Println("http://" + l.Addr().String())
	log.Fatal(http.Serve(l, s))
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, "/v1/secret/")
	switch {
	case s.token == "" || r.Header.Get("X-Vault-Token") != s.token:
		fail(w, http.StatusForbidden, "permission denied")
		return
	case !ok:
		fail(w, http.StatusNotFound, "no handler for route "+r.URL.Path)
		return
	}
	req := &logical.Request{Path: path, Storage: s.storage, Operation: logical.ReadOperation}
	switch r.Method {
	case http.MethodGet:
	case http.MethodDelete:
		req.Operation = logical.DeleteOperation
	default:
		body := json.NewDecoder(r.Body)
		body.UseNumber()
		if err := body.Decode(&req.Data); err != nil {
			fail(w, http.StatusBadRequest, "error parsing JSON")
			return
		}
		req.Operation = logical.CreateOperation
		if _, there, err := s.engine.HandleExistenceCheck(r.Context(), req); err == nil && there {
			req.Operation = logical.UpdateOperation
		}
	}
	resp, err := s.engine.HandleRequest(r.Context(), req)
	switch {
	case err != nil || resp != nil && resp.IsError():
		status := http.StatusInternalServerError
		if errors.Is(err, logical.ErrInvalidRequest) || err == nil {
			status = http.StatusBadRequest
		}
		if resp != nil && resp.IsError() {
			err = resp.Error()
		}
		fail(w, status, err.Error())
	case resp == nil && req.Operation == logical.ReadOperation:
		fail(w, http.StatusNotFound)
	case resp == nil:
		w.WriteHeader(http.StatusNoContent)
	case resp.Data[logical.HTTPStatusCode] != nil: // with a body of its own
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(resp.Data[logical.HTTPStatusCode].(int))
		fmt.Fprint(w, resp.Data[logical.HTTPRawBody])
	default:
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{"data": resp.Data})
	}
}

func fail(w http.ResponseWriter, status int, words ...string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string][]string{"errors": append([]string{}, words...)})
}
