package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

const (
	// maxCalls bounds the calls of one hook that are under way at once.
	maxCalls = 256
	// hookPatience is how long one is waited for: a request may have to call two.
	hookPatience = 4 * time.Second
)

// HookConfig says where a program of the operator's is that is asked about tokens, and
// what it is shown to know us by.
type HookConfig struct {
	URL    string
	Header string // or Cookie, neither where nothing is shown
	Cookie string
	Value  string
	// CA holds PEM certificates to trust beside the system's.
	CA []byte
	// Aside is [Config]'s.
	Aside func(ctx context.Context, wait func())
}

// Hook calls a program of the operator's. Unlike what a [Client] fetches, its address
// is nobody else's choice, so it may be in a private network, and connections are kept.
type Hook struct {
	config HookConfig
	http   *http.Client
	places chan struct{}
}

// NewHook returns a Hook.
func NewHook(c HookConfig) (*Hook, error) {
	roots, err := trusted(c.CA)
	if err != nil {
		return nil, err
	}
	if c.Aside == nil {
		c.Aside = func(_ context.Context, wait func()) { wait() }
	}
	return &Hook{config: c, places: make(chan struct{}, maxCalls), http: &http.Client{
		Timeout:       hookPatience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            (&net.Dialer{Timeout: hookPatience}).DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			MaxIdleConnsPerHost:    maxCalls,
			IdleConnTimeout:        time.Minute,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHead,
			ForceAttemptHTTP2:      true,
		},
	}}, nil
}

// Call posts a JSON body and returns the status and the body of the answer. Its error
// is [client.ErrBusy] if there was no room for another call.
func (h *Hook) Call(ctx context.Context, body []byte) (status int, answer []byte, err error) {
	h.config.Aside(ctx, func() { status, answer, err = h.call(ctx, body) })
	return status, answer, err
}

func (h *Hook) call(ctx context.Context, body []byte) (status int, answer []byte, err error) {
	if err := h.enter(ctx); err != nil {
		return 0, nil, err
	}
	defer func() { <-h.places }()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.config.URL, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("call hook: %w", err)
	}
	req.Header.Set("Content-Type", mediaJSON)
	req.Header.Set("Accept", mediaJSON)
	req.Header.Set("User-Agent", "ostiary")
	switch {
	case h.config.Header != "":
		req.Header.Set(h.config.Header, h.config.Value)
	case h.config.Cookie != "":
		req.AddCookie(&http.Cookie{Name: h.config.Cookie, Value: h.config.Value}) //nolint:gosec // a request cookie has no attributes
	}
	resp, err := h.http.Do(req)
	if err != nil {
		return 0, nil, fault(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if answer, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1)); err != nil {
		return 0, nil, fault(ctx, err)
	}
	if len(answer) > maxBody {
		return 0, nil, fmt.Errorf("call hook: answered more than %d bytes", maxBody)
	}
	return resp.StatusCode, answer, nil
}

// fault is what went wrong with a call. That the hook took too long is no fault of the
// moment, unlike that the request itself has no more time. The address stays out of it:
// an operator may have put a credential there.
func fault(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("call hook: %w", ctx.Err())
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	return errors.New("call hook: " + err.Error())
}

// enter takes a place for a call.
func (h *Hook) enter(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, queueing)
	defer cancel()
	select {
	case h.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("call hook: %w: %w", client.ErrBusy, ctx.Err())
	}
}
