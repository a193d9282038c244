// Package outbound sends HTTP requests to URLs that clients registered: it fetches small
// documents and posts forms, with limits on time and size.
//
// Any site can register a client and choose these URLs. Requests go to public addresses
// only, checked after name resolution, and follow no redirect and no proxy.
package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"code.dny.dev/ssrf"

	"github.com/ostiary/ostiary/internal/client"
)

const (
	timeout = 5 * time.Second
	maxBody = 64 << 10
	maxHead = 16 << 10 // of response headers, in bytes

	mediaJSON = "application/json"
)

// Config configures a [Client].
type Config struct {
	// AllowPrivate allows private addresses, and http to loopback addresses.
	AllowPrivate bool
	// CA has PEM certificates that are trusted in addition to those of the system.
	CA []byte
	// WithoutSlot runs a function that waits for a response, for the request of ctx; nil
	// only calls it.
	WithoutSlot func(ctx context.Context, wait func())
}

// Client fetches documents and posts forms.
type Client struct {
	http        *http.Client
	limit       *hostLimit // of fetches
	plain       bool
	withoutSlot func(ctx context.Context, wait func())
}

// New returns a Client.
func New(c Config) (*Client, error) {
	roots, err := trusted(c.CA)
	if err != nil {
		return nil, err
	}

	dialer := &net.Dialer{Timeout: timeout}
	if !c.AllowPrivate {
		// It checks the address that is dialled, after the only resolution of the name, so
		// a second resolution cannot differ.
		dialer.Control = ssrf.New(ssrf.WithAnyPort()).Safe
	}
	if c.WithoutSlot == nil {
		c.WithoutSlot = func(_ context.Context, wait func()) { wait() }
	}
	return &Client{plain: c.AllowPrivate, limit: newHostLimit(), withoutSlot: c.WithoutSlot, http: &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHead,
			ForceAttemptHTTP2:      true,
		},
	}}, nil
}

// trusted returns the certificates of the system and those of ca. Without ca it returns
// nil, so that crypto/tls reads the certificates of the system with the first connection:
// parsing them takes almost half of the start of the server.
func trusted(ca []byte) (*x509.CertPool, error) {
	if len(ca) == 0 {
		return nil, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // without certificates of the system, only those of ca are trusted
	}
	if !roots.AppendCertsFromPEM(ca) {
		return nil, errors.New("read CA: no PEM certificate found")
	}
	return roots, nil
}

// WithSeparateLimit returns a copy of c whose fetches do not share the limit of c.
func (c *Client) WithSeparateLimit() *Client {
	if c == nil {
		return nil
	}
	other := *c
	other.limit = newHostLimit()
	return &other
}

// statusError reports a response with another status than 200.
type statusError struct{ code int }

func (e *statusError) Error() string { return fmt.Sprintf("the response has status %d", e.code) }

// Get returns the body of a 200 response, which should be JSON. The error may contain
// addresses, so it must not be sent to the client. It is [client.ErrBusy] if no slot was
// free.
func (c *Client) Get(ctx context.Context, rawURL string) ([]byte, error) {
	return c.GetAs(ctx, rawURL, mediaJSON)
}

// GetAs is [Client.Get] for another media type, or several.
func (c *Client) GetAs(ctx context.Context, rawURL, accept string) (body []byte, err error) {
	c.withoutSlot(ctx, func() { body, err = c.get(ctx, rawURL, accept) })
	return body, err
}

// get is GetAs for a caller without a slot.
func (c *Client) get(ctx context.Context, rawURL, accept string) ([]byte, error) {
	if err := c.check(rawURL); err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	ctx, release, err := c.limit.acquire(ctx, u.Host)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	defer release()
	body, err := c.read(ctx, rawURL, accept)
	if errors.Is(context.Cause(ctx), errPreempted) {
		err = client.ErrBusy
	}
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	return body, nil
}

// read sends the request.
func (c *Client) read(ctx context.Context, rawURL, accept string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, rawURL, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", "ostiary")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()

	if resp.StatusCode != http.StatusOK {
		return nil, &statusError{resp.StatusCode}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("more than %d bytes", maxBody)
	}
	return body, nil
}

// Post sends a form and returns the status of the response. The error reports that there
// was no response, and must not be sent to the client.
func (c *Client) Post(ctx context.Context, rawURL string, form url.Values) (status int, err error) {
	return c.post(ctx, rawURL, form.Encode(), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
}

// PostJSON sends JSON with a bearer token, as [Client.Post] sends a form.
func (c *Client) PostJSON(ctx context.Context, rawURL, bearer string, body []byte) (status int, err error) {
	return c.post(ctx, rawURL, string(body), http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + bearer}})
}

func (c *Client) post(ctx context.Context, rawURL, body string, header http.Header) (status int, err error) {
	if err := c.check(rawURL); err != nil {
		return 0, fmt.Errorf("post: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, rawURL, strings.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("post: %w", err)
	}
	req.Header = header
	req.Header.Set("User-Agent", "ostiary")
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, fmt.Errorf("post: %w", err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode, nil
}

func (c *Client) check(rawURL string) error {
	u, err := url.Parse(rawURL)
	if err != nil {
		return errors.New("invalid URL")
	}
	loopback := slices.Contains([]string{"127.0.0.1", "::1", "localhost"}, u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || !c.plain || !loopback) {
		return errors.New("the scheme is not https")
	}
	if u.User != nil {
		return errors.New("the URL has a user name")
	}
	return nil
}
