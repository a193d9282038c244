package authorize

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
)

// PushedRequests reads requests that clients pushed.
type PushedRequests interface {
	// Pushed returns a request, or [authrequest.ErrNotFound], and the result of SessionAndConsent. It is
	// one statement.
	Pushed(ctx context.Context, id string, cookie []byte, now time.Time) (*authrequest.Pushed, *session.Session, *consent.Consent, error)
}

// CheckPushed checks a request that c pushes as the authorization endpoint does. Its code is bound to
// the key with the thumbprint jkt, unless that is empty. It returns the parameters, from which the
// request can be checked again, and the locator of the grant to which it leads.
//
// Spec: RFC 9126 §2.1, §3, RFC 9449 §10.1.
func (q *Requests) CheckPushed(ctx context.Context, c *client.Client, form url.Values, jkt string, now time.Time) (parameters string, at grant.Locator, err error) {
	opened, err := q.open(ctx, c, form)
	if err != nil {
		return "", grant.Locator{}, err
	}
	if jkt != "" {
		if given := opened.Get("dpop_jkt"); given != "" && given != jkt {
			return "", grant.Locator{}, oauth2.StandardError(oauth2.CodeInvalidDPoPProof).
				Because(refusal.New(refusal.DPoPInvalid, "dpop_jkt is another key than that of the DPoP proof"))
		}
		opened.Set("dpop_jkt", jkt)
	}
	a, err := q.readParameters(ctx, opened, true)
	if err != nil {
		return "", grant.Locator{}, err
	}
	if parameters, err = a.encode(); err != nil {
		return "", grant.Locator{}, err
	}
	return parameters, a.locator(q.Lifetimes, now), nil
}

// pushedReader reads requests that clients pushed.
type pushedReader struct {
	*Config
}

// read returns a request that a client pushed, with the session of the browser. Other parameters than
// client_id and request_uri are ignored. It costs one statement.
//
// Spec: RFC 9126 §4.
func (p *pushedReader) read(r *http.Request, id string, now time.Time) (*AuthorizationRequest, browserSession, error) {
	pushed, s, c, err := p.Pushed.Pushed(r.Context(), id, session.Hash(p.Cookies.Session(r)), now)
	if errors.Is(err, authrequest.ErrNotFound) || err == nil && pushed.ClientID != r.Form.Get("client_id") {
		err = p.unknown(r)
	}
	if err != nil {
		return nil, browserSession{}, err
	}
	request, err := p.Requests.readPushed(r.Context(), pushed)
	return request, browserSession{s, c}, err
}

// readPushed reads a request and checks it again: its client may have changed since.
func (q *Requests) readPushed(ctx context.Context, pushed *authrequest.Pushed) (*AuthorizationRequest, error) {
	form, err := url.ParseQuery(pushed.Parameters)
	if err != nil {
		return nil, err
	}
	a, err := q.readParameters(ctx, form, true)
	if a != nil {
		a.at = &pushed.Grant
	}
	return a, err
}

// unknown returns the error for a request_uri that is unknown, has expired or is of another
// client. The user reads it on a page, with a link to the client that the request names.
//
// Spec: RFC 9126 §4, RFC 9101 §7.
func (p *pushedReader) unknown(r *http.Request) error {
	c, err := p.Clients.Client(r.Context(), r.Form.Get("client_id"))
	if err != nil && !errors.Is(err, client.ErrNotFound) {
		return err
	}
	e := oauth2.NewError(oauth2.CodeInvalidRequestURI, "The request_uri is unknown, has expired, or is of another client")
	e.Rule = refusal.RequestExpired
	return &pageError{response: e, expired: true, client: c}
}
