package authorize

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
)

// trial is the trial that a request is of, with its sealed form.
type trial struct {
	*authrequest.Trial

	sealed string
}

// BeginTrial chooses the grant and the end of a trial that begins at now. It returns the parameters
// with which the browser of the administrator opens the authorization endpoint, or
// client.ErrNotFound.
func (q *Requests) BeginTrial(ctx context.Context, t *authrequest.Trial, now time.Time) (url.Values, error) {
	c, err := q.Clients.Client(ctx, t.ClientID)
	if err != nil {
		return nil, err
	}
	a := &AuthorizationRequest{client: c, responseType: responseCode, access: scope.Access{Scopes: strings.Fields(t.Scope)}}
	t.Grant = q.Lifetimes.NewLocator(c, a.plan(q.Lifetimes.Code, now), now)
	t.ExpiresAt = now.Add(authrequest.TrialLifetime)
	sealed, err := t.Seal(q.Sealer)
	return url.Values{"client_id": {c.ID}, "request_uri": {authrequest.TrialURI + sealed}}, err
}

// readTrial reads the request of a trial. No other parameter of the request counts, and the redirect
// URI is that of the console.
func (q *Requests) readTrial(ctx context.Context, sealed string) (*AuthorizationRequest, error) {
	t, err := authrequest.OpenTrial(q.Sealer, sealed)
	if err != nil {
		return nil, errTrial(err.Error())
	}
	form := t.Parameters()
	c, err := q.client(ctx, form)
	if err != nil {
		return nil, err
	}
	a := &AuthorizationRequest{
		client: c, redirectURI: t.RedirectURI, state: t.State, responseMode: modeQuery, form: form, at: &t.Grant, trial: &trial{t, sealed},
	}
	if a.registered, err = q.Scopes.Scopes(ctx); err != nil {
		return a, err
	}
	return a, q.check(a, atAuthorize)
}

// trialRefused returns nil unless the request is a trial that has expired, or of another user than
// that of the browser. A trial begins in the session of the administrator. After a page of the flow,
// which is bound to the browser, the administrator may have signed in again.
func (f *flow) trialRefused() error {
	t, s := f.request.trial, f.session
	switch {
	case t == nil:
		return nil
	case f.now.After(t.ExpiresAt):
		return errTrial("the trial has expired")
	case f.stored == nil && (s == nil || s.ID != t.SessionID), s != nil && s.Subject != t.Subject:
		return errTrial("the trial is of another user or session")
	}
	return nil
}

// errTrial reports a trial that this browser cannot run. It is for a page: nothing is sent to the
// redirect URI.
func errTrial(why string) error {
	e := oauth2.NewError(oauth2.CodeAccessDenied, "This trial has expired, or was started by another user or in another session").
		Because(refusal.New(refusal.RequestExpired, why))
	e.Status = http.StatusForbidden
	return &pageError{response: e}
}
