package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/session"
)

// SignOuts keeps the sign-outs that the operator's app is asked about.
type SignOuts interface {
	InsertSignOut(ctx context.Context, o *authrequest.LogoutRequest) error
	// SpendSignOut is a compare-and-set: it returns authrequest.ErrNotFound to all who come
	// late or with another verifier.
	SpendSignOut(ctx context.Context, id string, verifier []byte, now time.Time) (*authrequest.LogoutRequest, error)
}

// askElsewhere sends the person to the operator's app, which asks whether they mean
// it. What it is told names the session, so that its answer is good for that alone: no
// cookie need bind it to a browser.
func (l *Logout) askElsewhere(w http.ResponseWriter, r *http.Request, q *wish, s *session.Session) error {
	now := l.Now()
	o := &authrequest.LogoutRequest{
		ID: authrequest.NewID(), SessionID: s.ID, Subject: s.Subject, Redirect: q.redirect, State: q.state,
		CreatedAt: now, ExpiresAt: now.Add(patience),
	}
	if q.client != nil {
		o.ClientID = q.client.ID
	}
	if len(o.State) > maxState {
		return refused("state is too long")
	}
	if err := l.Asked.InsertSignOut(r.Context(), o); err != nil {
		return err
	}
	pages.SeeOther(w, pages.AddQuery(l.App, "logout_challenge="+authrequest.StepLogout.Challenge(o.ID)))
	return nil
}

// maxState bounds what is kept of a client's, in bytes: anybody who is signed in can
// make us keep one.
const maxState = 4 << 10

// answered returns the wish to which the app has said yes, and the session that it was
// about. The verifier is spent by it.
func (l *Logout) answered(ctx context.Context, verifier string) (q *wish, confirmed string, err error) {
	over := &rejection{"expired_request", "the sign-out was finished before, or has expired"}
	id, hash, ok := authrequest.ParseVerifier(verifier, authrequest.StepLogout)
	if !ok {
		return nil, "", over
	}
	o, err := l.Asked.SpendSignOut(ctx, id, hash, l.Now())
	if errors.Is(err, authrequest.ErrNotFound) {
		return nil, "", over
	}
	if err != nil {
		return nil, "", fmt.Errorf("spend sign-out: %w", err)
	}
	q, err = l.again(ctx, o.ClientID, o.Redirect, o.State)
	return q, o.SessionID, err
}
