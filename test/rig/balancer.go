package rig

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// balancer is a round-robin load balancer over the ready replicas.
type balancer struct {
	url          string
	strippedPath string // path prefix that is removed from forwarded requests
	replicas     []*replica
	transports   []*http.Transport
	next         atomic.Uint64
}

// balance starts a balancer on a free port. It stops with the test.
func balance(tb testing.TB, replicas []*replica) *balancer {
	tb.Helper()
	b := &balancer{replicas: replicas}
	for _, r := range replicas {
		b.transports = append(b.transports, &http.Transport{DialContext: r.dial, MaxIdleConnsPerHost: 256, DisableCompression: true})
	}
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   b.rewrite,
		Transport: b,
		// If the result of a request is unknown, abort the connection rather than send
		// a response that could be mistaken for one of the server.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:     log.New(io.Discard, "", 0),
	})
	b.url = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	for _, r := range replicas {
		go probeRegularly(ctx, r)
	}
	tb.Cleanup(func() {
		cancel()
		server.CloseClientConnections()
		server.Close()
		for _, transport := range b.transports {
			transport.CloseIdleConnections()
		}
	})
	return b
}

// rewrite keeps the host, and adds the address of the client to X-Forwarded-For.
func (b *balancer) rewrite(r *httputil.ProxyRequest) {
	if below, ok := strings.CutPrefix(r.In.URL.Path, b.strippedPath+"/"); ok && b.strippedPath != "" {
		r.Out.URL.Path, r.Out.URL.RawPath = "/"+below, ""
	}
	r.SetURL(&url.URL{Scheme: "http", Host: "replica"})
	r.Out.Host = r.In.Host
	r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
	r.SetXForwarded()
}

// probeRegularly updates the readiness of a replica until ctx ends.
func probeRegularly(ctx context.Context, r *replica) {
	for ctx.Err() == nil {
		r.probe(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// RoundTrip sends the request to the next ready replica. It tries another one only
// if the connection could not be established.
func (b *balancer) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := wholeBody(r)
	if err != nil {
		return nil, err
	}
	start := int(b.next.Add(1)) //nolint:gosec // wraps around
	for _, ready := range []bool{true, false} {
		for i := range b.replicas {
			at := (start + i) % len(b.replicas)
			if b.replicas[at].ready.Load() != ready {
				continue
			}
			var resp *http.Response
			resp, err = b.transports[at].RoundTrip(withBody(r, body))
			var failed *net.OpError
			if !errors.As(err, &failed) || failed.Op != "dial" {
				return resp, err
			}
		}
	}
	return nil, err
}

func wholeBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	return io.ReadAll(io.LimitReader(r.Body, 1<<20))
}

// withBody returns the request with a body that can be sent again if the replica has
// closed an idle connection.
func withBody(r *http.Request, body []byte) *http.Request {
	again := r.Clone(r.Context())
	if len(body) > 0 {
		again.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		again.Body, _ = again.GetBody()
	}
	return again
}
