package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Endpoint sends requests to the balancer or to one replica.
type Endpoint struct {
	URL    string
	Issuer string
	HTTP   *http.Client
}

// Response is the response to a request. If there is none, Err has the reason and
// Status is 0; whether the server processed the request is then unknown.
type Response struct {
	Status int
	Header http.Header
	Body   string
	JSON   map[string]any // nil if the body is not a JSON object
	Err    error
}

// Text returns a string member of the JSON body, or "".
func (r *Response) Text(member string) string {
	s, _ := r.JSON[member].(string)
	return s
}

// Active reports whether a token introspection response has active set.
func (r *Response) Active() bool {
	active, _ := r.JSON["active"].(bool)
	return r.Status == http.StatusOK && active
}

// String describes the response without credentials.
func (r *Response) String() string {
	if r.Err != nil {
		return "no response: " + r.Err.Error()
	}
	if code := r.Text("error"); code != "" {
		return fmt.Sprintf("%d %s (%s)", r.Status, code, r.Text("error_description"))
	}
	return strconv.Itoa(r.Status)
}

// Exchange redeems a code (RFC 6749 section 4.1.3). An empty verifier is omitted.
func (e *Endpoint) Exchange(ctx context.Context, c *Client, code, verifier string) *Response {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {c.RedirectURI}}
	if verifier != "" {
		form.Set("code_verifier", verifier)
	}
	return e.Post(ctx, c, "/oauth2/token", form)
}

// Refresh redeems a refresh token (RFC 6749 section 6).
func (e *Endpoint) Refresh(ctx context.Context, c *Client, token string) *Response {
	return e.Post(ctx, c, "/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

// Credentials requests a token by client_credentials (RFC 6749 section 4.4).
func (e *Endpoint) Credentials(ctx context.Context, c *Client) *Response {
	return e.Post(ctx, c, "/oauth2/token", url.Values{"grant_type": {"client_credentials"}})
}

// Introspect introspects a token (RFC 7662).
func (e *Endpoint) Introspect(ctx context.Context, c *Client, token string) *Response {
	return e.Post(ctx, c, "/oauth2/introspect", url.Values{"token": {token}})
}

// Revoke revokes a token (RFC 7009).
func (e *Endpoint) Revoke(ctx context.Context, c *Client, token string) *Response {
	return e.Post(ctx, c, "/oauth2/revoke", url.Values{"token": {token}})
}

// Userinfo requests the claims of a token's user (OpenID Connect Core section 5.3).
func (e *Endpoint) Userinfo(ctx context.Context, token string) *Response {
	return e.Do(ctx, http.MethodGet, "/userinfo", nil, http.Header{"Authorization": {"Bearer " + token}})
}

// Register registers a client (RFC 7591 section 3.1).
func (e *Endpoint) Register(ctx context.Context, metadata map[string]any) *Response {
	body, err := json.Marshal(metadata)
	if err != nil {
		return &Response{Err: fmt.Errorf("write metadata: %w", err)}
	}
	header := http.Header{"Content-Type": {"application/json"}}
	return e.send(ctx, http.MethodPost, "/connect/register", bytes.NewReader(body), header)
}

// Get fetches a path.
func (e *Endpoint) Get(ctx context.Context, path string) *Response {
	return e.Do(ctx, http.MethodGet, path, nil, http.Header{})
}

// Post sends a form with the authentication of a client.
func (e *Endpoint) Post(ctx context.Context, c *Client, path string, form url.Values) *Response {
	header := http.Header{}
	if err := c.authenticate(form, header, e.Issuer); err != nil {
		return &Response{Err: err}
	}
	return e.Do(ctx, http.MethodPost, path, form, header)
}

// Do sends a request, with form as its body unless it is nil.
func (e *Endpoint) Do(ctx context.Context, method, path string, form url.Values, header http.Header) *Response {
	var body io.Reader = http.NoBody
	if form != nil {
		body = strings.NewReader(form.Encode())
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return e.send(ctx, method, path, body, header)
}

func (e *Endpoint) send(ctx context.Context, method, path string, body io.Reader, header http.Header) *Response {
	req, err := http.NewRequestWithContext(ctx, method, e.URL+path, body)
	if err != nil {
		return &Response{Err: fmt.Errorf("create request: %w", err)}
	}
	req.Header = header
	return readResponse(e.HTTP.Do(req))
}

// readResponse reads a response and its body.
func readResponse(resp *http.Response, err error) *Response {
	if err != nil {
		return &Response{Err: err}
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return &Response{Err: fmt.Errorf("read response: %w", err)}
	}
	r := &Response{Status: resp.StatusCode, Header: resp.Header, Body: string(text)}
	if json.Unmarshal(text, &r.JSON) != nil {
		r.JSON = nil
	}
	return r
}

// newHTTP returns an HTTP client that does not follow redirects and keeps many idle
// connections. If dial is not nil, it opens all connections.
func newHTTP(dial func(context.Context, string, string) (net.Conn, error)) *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 256, DisableCompression: true},
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
