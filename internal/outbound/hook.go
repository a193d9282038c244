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

	"github.com/ostiary/ostiary/internal/admission"
)

const (
	// maxCalls is the maximum number of concurrent calls of a hook.
	maxCalls = 256
	// hookTimeout is the timeout of a call. A request may call two hooks.
	hookTimeout = 4 * time.Second
)

// HookConfig configures a [Hook].
type HookConfig struct {
	URL string
	// Header or Cookie is the name under which Value authenticates the call; at most one is
	// set.
	Header string
	Cookie string
	Value  string
	// CA has PEM certificates that are trusted in addition to those of the system.
	CA []byte
	// WithoutSlot is the function of [Config].
	WithoutSlot func(ctx context.Context, wait func())
}

// Hook calls a token hook. The operator configures its URL, so it may be in a private
// network, and connections are reused.
type Hook struct {
	config HookConfig
	http   *http.Client
	calls  *admission.Queue
}

// NewHook returns a hook. It returns an error if the CA has no certificate.
func NewHook(c HookConfig) (*Hook, error) {
	roots, err := trusted(c.CA)
	if err != nil {
		return nil, err
	}
	if c.WithoutSlot == nil {
		c.WithoutSlot = func(_ context.Context, wait func()) { wait() }
	}
	return &Hook{config: c, calls: admission.New(maxCalls, admission.Unlimited, queueWait), http: &http.Client{
		Timeout:       hookTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            (&net.Dialer{Timeout: hookTimeout}).DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			MaxIdleConnsPerHost:    maxCalls,
			IdleConnTimeout:        time.Minute,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHead,
			ForceAttemptHTTP2:      true,
		},
	}}, nil
}

// Call posts a JSON body and returns the status and the body of the response. It returns
// [client.ErrBusy] if too many calls run.
func (h *Hook) Call(ctx context.Context, body []byte) (status int, response []byte, err error) {
	h.config.WithoutSlot(ctx, func() { status, response, err = h.call(ctx, body) })
	return status, response, err
}

func (h *Hook) call(ctx context.Context, body []byte) (status int, response []byte, err error) {
	slot, err := acquireSlot(ctx, h.calls)
	if err != nil {
		return 0, nil, fmt.Errorf("call hook: %w", err)
	}
	defer slot.Release()
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
		return 0, nil, callError(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if response, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1)); err != nil {
		return 0, nil, callError(ctx, err)
	}
	if len(response) > maxBody {
		return 0, nil, fmt.Errorf("call hook: the response has more than %d bytes", maxBody)
	}
	return resp.StatusCode, response, nil
}

// callError returns the error of a call. The end of the request is temporary; a timeout of
// the called service is not. The error does not contain the URL, which may have a credential.
func callError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("call: %w", ctx.Err())
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	return errors.New("call: " + err.Error())
}
