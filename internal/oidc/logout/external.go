package logout

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/session"
)

// Requests stores the logout requests that a custom logout app confirms.
type Requests interface {
	InsertLogoutRequest(ctx context.Context, o *authrequest.LogoutRequest) error
	// RedeemLogout is a compare-and-set: of concurrent callers with the verifier one
	// succeeds, and the others get authrequest.ErrNotFound.
	RedeemLogout(ctx context.Context, id string, verifier []byte, now time.Time) (*authrequest.LogoutRequest, error)
}

// maxState is the maximum length of a stored state, in bytes: any signed-in user can start
// requests.
const maxState = 4 << 10

// redirectToApp stores the request and redirects to the custom logout app. The request
// names the session, and its confirmation only ends that one, so no cookie binds it to a
// browser.
func (h *Handler) redirectToApp(w http.ResponseWriter, r *http.Request, q *logoutRequest, s *session.Session) error {
	now := h.Now()
	stored := &authrequest.LogoutRequest{
		ID: authrequest.NewID(), SessionID: s.ID, Subject: s.Subject, Redirect: q.redirect, State: q.state,
		CreatedAt: now, ExpiresAt: now.Add(confirmationLifetime),
	}
	if q.client != nil {
		stored.ClientID = q.client.ID
	}
	if len(stored.State) > maxState {
		return invalidRequest("state is too long")
	}
	if err := h.Requests.InsertLogoutRequest(r.Context(), stored); err != nil {
		return err
	}
	httpapi.SeeOther(w, httpapi.AddQuery(h.App, "logout_challenge="+authrequest.StepLogout.Challenge(stored.ID)))
	return nil
}

// confirmedByApp redeems a logout verifier. It returns the request that the app accepted
// and the id of its session.
func (h *Handler) confirmedByApp(ctx context.Context, verifier string) (*logoutRequest, string, error) {
	expired := httpapi.BadRequest(expiredRequest, "the sign-out was finished before, or has expired")
	id, hash, ok := authrequest.ParseVerifier(verifier, authrequest.StepLogout)
	if !ok {
		return nil, "", expired
	}
	stored, err := h.Requests.RedeemLogout(ctx, id, hash, h.Now())
	if errors.Is(err, authrequest.ErrNotFound) {
		return nil, "", expired
	}
	if err != nil {
		return nil, "", fmt.Errorf("redeem logout verifier: %w", err)
	}
	q, err := h.parser().restore(ctx, stored.ClientID, stored.Redirect, stored.State)
	return q, stored.SessionID, err
}
