// Package outbound fetches what other people's URLs point to, and posts what their
// owners asked to hear of: to public addresses only, a little of it, and not for
// long.
//
// Whoever registers a client chooses these URLs. So nothing here follows them
// anywhere else: not to a redirect, not through a proxy, not into a private
// network, whatever a name resolves to.
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
	patience = 5 * time.Second
	maxBody  = 64 << 10
	maxHead  = 16 << 10

	mediaJSON = "application/json"
)

// Config says how a [Client] differs from the strict one.
type Config struct {
	// AllowPrivate lets it reach private addresses, and loopback ones over http.
	AllowPrivate bool
	// CA holds PEM certificates to trust beside the system's.
	CA []byte
	// Aside runs what waits for an answer; nil just runs it. It is told the context of
	// the request that needs the answer.
	Aside func(ctx context.Context, wait func())
}

// Client fetches documents and posts forms.
type Client struct {
	http  *http.Client
	room  *room // of fetches
	plain bool
	aside func(ctx context.Context, wait func())
}

// New returns a Client.
func New(c Config) (*Client, error) {
	roots, err := trusted(c.CA)
	if err != nil {
		return nil, err
	}

	dialer := &net.Dialer{Timeout: patience}
	if !c.AllowPrivate {
		// It is asked about the address that is dialled, after the name was resolved
		// for the only time, so no second answer can differ from the first.
		dialer.Control = ssrf.New(ssrf.WithAnyPort()).Safe
	}
	if c.Aside == nil {
		c.Aside = func(_ context.Context, wait func()) { wait() }
	}
	return &Client{plain: c.AllowPrivate, room: newRoom(), aside: c.Aside, http: &http.Client{
		Timeout:       patience,
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

// trusted returns the system's certificates with those of ca beside them. Without
// any it returns nil, which stands for the system's and leaves reading them to the
// first call that needs them: parsing them all is almost half of a server's start.
func trusted(ca []byte) (*x509.CertPool, error) {
	if len(ca) == 0 {
		return nil, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a machine without certificates trusts only what it is given
	}
	if !roots.AppendCertsFromPEM(ca) {
		return nil, errors.New("read CA: no certificate in it")
	}
	return roots, nil
}

// Apart returns a client like c whose fetches have room of their own: those of one
// leave the other's alone.
func (c *Client) Apart() *Client {
	if c == nil {
		return nil
	}
	other := *c
	other.room = newRoom()
	return &other
}

// statusError reports an answer other than 200.
type statusError struct{ code int }

func (e *statusError) Error() string { return fmt.Sprintf("answered %d", e.code) }

// Get returns the body of a 200 answer, which should be JSON. Its error may name
// addresses: it is for the log and not for whoever chose the URL. It is
// [client.ErrBusy] if there was no room to fetch anything.
func (c *Client) Get(ctx context.Context, rawURL string) ([]byte, error) {
	return c.GetAs(ctx, rawURL, mediaJSON)
}

// GetAs is [Client.Get] for another media type, or several.
func (c *Client) GetAs(ctx context.Context, rawURL, accept string) (body []byte, err error) {
	c.aside(ctx, func() { body, err = c.get(ctx, rawURL, accept) })
	return body, err
}

// get is GetAs for who has stepped aside already.
func (c *Client) get(ctx context.Context, rawURL, accept string) ([]byte, error) {
	if err := c.check(rawURL); err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	ctx, leave, err := c.room.enter(ctx, u.Host)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	defer leave()
	body, err := c.read(ctx, rawURL, accept)
	if errors.Is(context.Cause(ctx), errGaveWay) {
		err = client.ErrBusy
	}
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	return body, nil
}

// read is get for who has a place.
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

// Post sends a form and returns the status of the answer, whose body is nobody's
// business. The error tells that there was no answer; what is said of
// [Client.Get]'s holds for it too.
func (c *Client) Post(ctx context.Context, rawURL string, form url.Values) (status int, err error) {
	if err := c.check(rawURL); err != nil {
		return 0, fmt.Errorf("post: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, rawURL, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, fmt.Errorf("post: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
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
		return errors.New("not a URL")
	}
	loopback := slices.Contains([]string{"127.0.0.1", "::1", "localhost"}, u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || !c.plain || !loopback) {
		return errors.New("not https")
	}
	if u.User != nil {
		return errors.New("with a user name")
	}
	return nil
}
