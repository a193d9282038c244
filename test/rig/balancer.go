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

// balancer is a round robin over the replicas that say they are ready.
type balancer struct {
	url          string
	strippedPath string // a path that is removed from what is forwarded
	replicas     []*replica
	transports   []*http.Transport
	next         atomic.Uint64
}

// balance starts a balancer on a free port. It ends with the test.
func balance(tb testing.TB, replicas []*replica) *balancer {
	tb.Helper()
	b := &balancer{replicas: replicas}
	for _, r := range replicas {
		b.transports = append(b.transports, &http.Transport{DialContext: r.dial, MaxIdleConnsPerHost: 256, DisableCompression: true})
	}
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   b.rewrite,
		Transport: b,
		// A request whose end is not known gets no answer of ours that could be
		// taken for the server's.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:     log.New(io.Discard, "", 0),
	})
	b.url = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	for _, r := range replicas {
		go watch(ctx, r)
	}
	tb.Cleanup(func() {
		cancel()
		server.CloseClientConnections()
		server.Close()
		for _, way := range b.transports {
			way.CloseIdleConnections()
		}
	})
	return b
}

// rewrite keeps the host, and adds the caller to the hops it came over.
func (b *balancer) rewrite(r *httputil.ProxyRequest) {
	if below, ok := strings.CutPrefix(r.In.URL.Path, b.strippedPath+"/"); ok && b.strippedPath != "" {
		r.Out.URL.Path, r.Out.URL.RawPath = "/"+below, ""
	}
	r.SetURL(&url.URL{Scheme: "http", Host: "replica"})
	r.Out.Host = r.In.Host
	r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
	r.SetXForwarded()
}

func watch(ctx context.Context, r *replica) {
	for ctx.Err() == nil {
		r.probe(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// RoundTrip sends the request to the next replica that is ready, and on to
// another one only if it certainly did not arrive.
func (b *balancer) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := wholeBody(r)
	if err != nil {
		return nil, err
	}
	start := int(b.next.Add(1)) //nolint:gosec // wraps around, as it should
	for _, only := range []bool{true, false} {
		for i := range b.replicas {
			at := (start + i) % len(b.replicas)
			if b.replicas[at].ready.Load() != only {
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

// withBody returns the request with a body that can be sent more than once: a
// connection that the replica closed while it was idle is not a failure.
func withBody(r *http.Request, body []byte) *http.Request {
	again := r.Clone(r.Context())
	if len(body) > 0 {
		again.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		again.Body, _ = again.GetBody()
	}
	return again
}
