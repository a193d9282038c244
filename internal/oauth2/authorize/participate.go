package authorize

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/session"
)

// join notes that the client gets an answer in the session, if it registered a
// place where it hears of the session's end. It comes before the grant, so that no
// crash in between leaves somebody out. If the session has ended meanwhile, what
// is missing is returned: a sign-in.
//
// Spec: OpenID Connect Front-Channel Logout section 3; Back-Channel Logout section 2.3.
func (h *Handler) join(ctx context.Context, a *asked, here present, waiting *authrequest.Request, now time.Time) (missing, err error) {
	if !a.client.SupportsLogoutNotification() || a.device != nil {
		return nil, nil
	}
	err = h.Sessions.JoinSession(ctx, here.session.ID, a.client.ID, extra(waiting, here).ForcedSubject, now)
	if errors.Is(err, session.ErrNotFound) {
		return oauth2.NewError(oauth2.CodeLoginRequired, "The person must sign in"), nil
	}
	return nil, err
}

// sessionState is the parameter by which a page of the client may watch, in a
// frame of ours, whether the person is still the same.
//
// Spec: OpenID Connect Session Management section 2.
func (h *Handler) sessionState(w http.ResponseWriter, r *http.Request, a *asked, s *session.Session) []parameter {
	if !slices.Contains(a.access.Scopes, oauth2.ScopeOpenID) {
		return nil
	}
	state := h.Cookies.State(s, a.client.ID, a.redirectURI)
	if state == "" {
		return nil
	}
	h.Cookies.ShowState(w, r, s)
	return []parameter{{"session_state", state}}
}
