package logout

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/refusal"
)

// logoutRequest is a validated logout request: its redirect is registered for the client.
type logoutRequest struct {
	client   *client.Client // nil if the request names none
	redirect string
	state    string
	sid      string // of id_token_hint, if there is one
}

// redirectURL returns the redirect with the state of the request, or an empty string.
func (q *logoutRequest) redirectURL() string {
	if q.redirect == "" || q.state == "" {
		return q.redirect
	}
	separator := "?"
	if strings.Contains(q.redirect, "?") {
		separator = "&"
	}
	return q.redirect + separator + "state=" + url.QueryEscape(q.state)
}

// parser validates the parameters of logout requests.
type parser struct {
	issuer         string
	verifier       Verifier
	clients        Clients
	maxRedirectURL int // in bytes
}

// parse validates the parameters of r.
//
// Spec: OpenID Connect RP-Initiated Logout §2, §3.
func (p *parser) parse(r *http.Request) (*logoutRequest, error) {
	q := &logoutRequest{state: r.Form.Get("state")}
	id, unverifiable := r.Form.Get("client_id"), false
	if token := r.Form.Get("id_token_hint"); token != "" {
		hint, err := p.verifyHint(token)
		if err != nil {
			return nil, err
		}
		if unverifiable = hint == nil; !unverifiable {
			if id, err = hint.clientID(id); err != nil {
				return nil, err
			}
			q.sid = hint.SessionID
		}
	}
	if id != "" {
		c, err := p.clients.Client(r.Context(), id)
		switch {
		case errors.Is(err, client.ErrNotFound), err == nil && c.Disabled:
			return nil, invalidRequest("the client is not registered")
		case err != nil:
			return nil, fmt.Errorf("read client: %w", err)
		}
		q.client = c
		refusal.SetClient(r.Context(), c.ID)
	}
	// Without its hint, the request may lack client_id through no error of the client.
	if uri := r.Form.Get("post_logout_redirect_uri"); uri != "" && (q.client != nil || !unverifiable) {
		if q.client == nil {
			return nil, invalidRequest("post_logout_redirect_uri requires id_token_hint or client_id")
		}
		if !q.client.MatchPostLogoutRedirectURI(uri) {
			return nil, invalidRequest("post_logout_redirect_uri is not registered for the client")
		}
		q.redirect = uri
	}
	if len(q.redirectURL()) > p.maxRedirectURL {
		return nil, invalidRequest("state is too long")
	}
	return q, nil
}

// restore returns a request that was validated before. The client may have changed since:
// its redirect is checked again, and a deleted client does not prevent the logout.
func (p *parser) restore(ctx context.Context, clientID, redirect, state string) (*logoutRequest, error) {
	q := &logoutRequest{state: state}
	if clientID == "" {
		return q, nil
	}
	c, err := p.clients.Client(ctx, clientID)
	if errors.Is(err, client.ErrNotFound) {
		return q, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read client: %w", err)
	}
	q.client = c
	if c.MatchPostLogoutRedirectURI(redirect) && !c.Disabled {
		q.redirect = redirect
	}
	return q, nil
}
