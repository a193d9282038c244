package authorize

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/session"
)

// joinSession makes the client a logout participant of the session, if it registered a logout
// URI. It is called before the grant is inserted, so that a crash in between leaves no client
// out. If the session has ended, it returns missing: the user must sign in.
//
// Spec: OpenID Connect Front-Channel Logout §3, Back-Channel Logout §2.3.
func (h *Handler) joinSession(ctx context.Context, f *flow) (missing, err error) {
	c := f.request.client
	if !c.SupportsLogoutNotification() || f.request.device != nil || f.request.trial != nil {
		return nil, nil
	}
	err = h.Store.JoinSession(ctx, f.session.ID, c.ID, f.extraClaims().ForcedSubject, f.now)
	if errors.Is(err, session.ErrNotFound) {
		return errLoginRequired(), nil
	}
	return nil, err
}

// sessionState returns the parameter session_state, by which a page of the client watches in a
// frame of this server whether the session has changed.
//
// Spec: OpenID Connect Session Management §2.
func (h *Handler) sessionState(w http.ResponseWriter, r *http.Request, f *flow) []parameter {
	a := f.request
	if !slices.Contains(a.access.Scopes, oauth2.ScopeOpenID) {
		return nil
	}
	state := h.Cookies.State(f.session, a.client.ID, a.redirectURI)
	if state == "" {
		return nil
	}
	h.Cookies.ShowState(w, r, f.session)
	return []parameter{{"session_state", state}}
}
