package perform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"
)

// DeviceCode prints a user code and waits until the user has entered it.
func (c *Client) DeviceCode(ctx context.Context) (*Tokens, error) {
	ctx, p, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	if p.metadata.Device == "" {
		return nil, errors.New("the server publishes no device_authorization_endpoint")
	}
	device, err := p.authorizeDevice(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for a code: %w", err)
	}
	_, _ = fmt.Fprintf(c.Messages, "Open %s and enter the code\n\n  %s\n", device.VerificationURI, device.UserCode)
	if device.VerificationURIComplete != "" {
		_, _ = fmt.Fprintf(c.Messages, "\nor open %s and compare it.\n", device.VerificationURIComplete)
	}
	waiting, stop := context.WithTimeout(ctx, c.Timeout)
	defer stop()
	token, err := p.oauth.DeviceAccessToken(waiting, device)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, errors.New("the user code was not entered in time")
	}
	if err != nil {
		return nil, fmt.Errorf("wait for the person: %w", responseError(err))
	}
	return p.tokens(ctx, token, "")
}

// maxResponse is the maximum size of a response in bytes.
const maxResponse = 64 << 10

// authorizeDevice requests the codes. x/oauth2 would do so without authenticating the client.
func (p *connection) authorizeDevice(ctx context.Context) (*oauth2.DeviceAuthResponse, error) {
	form := url.Values{"scope": {strings.Join(p.Scopes, " ")}, "audience": p.Audience}
	basic := p.oauth.Endpoint.AuthStyle == oauth2.AuthStyleInHeader
	if !basic {
		form.Set("client_id", p.ID)
	}
	if !basic && p.Secret != "" {
		form.Set("client_secret", p.Secret)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.metadata.Device, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if basic {
		r.SetBasicAuth(url.QueryEscape(p.ID), url.QueryEscape(p.Secret)) // RFC 6749 section 2.3.1
	}
	answer, err := p.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxResponse))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		var no struct {
			Code        string `json:"error"`
			Description string `json:"error_description"`
		}
		if json.Unmarshal(body, &no) != nil || no.Code == "" {
			return nil, fmt.Errorf("the server answered %s", answer.Status)
		}
		return nil, readResponse(no.Code, no.Description)
	}
	device := &oauth2.DeviceAuthResponse{}
	if err := json.Unmarshal(body, device); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	return device, nil
}
