package admin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
)

const logoutChallenge = "logout_challenge"

// LogoutRequests finds pending logout requests and stores the answers of the logout app. Its
// methods return authrequest.ErrNotFound for an unknown or expired request.
type LogoutRequests interface {
	LogoutRequest(ctx context.Context, id string, now time.Time) (*authrequest.LogoutRequest, error)
	// AnswerLogout returns authrequest.ErrAlreadyDecided for a request that was answered.
	AnswerLogout(ctx context.Context, id string, d authrequest.Decision, verifier []byte, now time.Time) error
}

// logoutRequestHandler serves the operations of the operator's logout app.
type logoutRequestHandler struct {
	requests  LogoutRequests
	clients   Clients
	logoutURL string
	now       func() time.Time
	log       *slog.Logger
}

func (h *logoutRequestHandler) operations() []Operation {
	const path = "/oauth2/auth/requests/logout"
	parameters := challengeParameters(logoutChallenge)
	return []Operation{{
		ID: "getOAuth2LogoutRequest", Method: http.MethodGet, Path: path, Scope: apikey.RequestsRead,
		Summary: "Get a logout request.", Query: parameters,
		Responses: map[int]any{http.StatusOK: logoutRequest{}, http.StatusGone: redirect{}},
		Do:        h.get,
	}, {
		ID: "acceptOAuth2LogoutRequest", Method: http.MethodPut, Path: path + "/accept", Scope: apikey.RequestsWrite,
		Summary: "Accept a logout request: the user confirms the logout.", Query: parameters,
		Responses: map[int]any{http.StatusOK: redirect{}, http.StatusGone: redirect{}},
		Do:        h.accept,
	}, {
		ID: "rejectOAuth2LogoutRequest", Method: http.MethodPut, Path: path + "/reject", Scope: apikey.RequestsWrite,
		Summary: "Reject a logout request: the user stays signed in.", Query: parameters,
		Responses: map[int]any{http.StatusNoContent: nil, http.StatusGone: redirect{}},
		Do:        h.reject,
	}}
}

// logoutRequest is a logout request as the API returns it.
type logoutRequest struct {
	Challenge   string      `json:"challenge"`
	Subject     string      `json:"subject"`
	SessionID   string      `json:"sid"`
	RequestURL  string      `json:"request_url"`
	RPInitiated bool        `json:"rp_initiated"`
	Client      *clientView `json:"client,omitempty"`
	RequestedAt time.Time   `json:"requested_at"`
	ExpiresAt   time.Time   `json:"expires_at"`
	// ProviderSession is the value that the login app set, so that the app can end its own
	// session too.
	ProviderSession string `json:"identity_provider_session_id,omitempty"`
}

// get serves GET /oauth2/auth/requests/logout.
func (h *logoutRequestHandler) get(r *Request) (*Response, error) {
	id, err := challenge(r, logoutChallenge, authrequest.StepLogout)
	if err != nil {
		return nil, err
	}
	ctx := r.Context()
	pending, err := h.requests.LogoutRequest(ctx, id, h.now())
	if err != nil {
		return nil, err
	}
	if pending.Decision != authrequest.Undecided {
		return nil, h.answeredBefore(pending)
	}
	view := &logoutRequest{
		Challenge: authrequest.StepLogout.Challenge(pending.ID), Subject: pending.Subject, SessionID: pending.SessionID,
		RequestURL: h.requestURL(pending), RPInitiated: pending.ClientID != "",
		RequestedAt: pending.CreatedAt.UTC().Truncate(time.Second), ExpiresAt: pending.ExpiresAt.UTC().Truncate(time.Second),
		ProviderSession: pending.IdentityProviderSessionID,
	}
	if pending.ClientID == "" {
		return ok(view), nil
	}
	c, err := h.clients.Client(ctx, pending.ClientID)
	switch {
	case errors.Is(err, client.ErrNotFound): // the user can log out without the client
	case err != nil:
		return nil, err
	default:
		view.Client = viewNestedClient(c)
	}
	return ok(view), nil
}

// requestURL returns the URL that starts the same logout again. It has the client_id instead
// of the id_token_hint, which is not stored.
func (h *logoutRequestHandler) requestURL(pending *authrequest.LogoutRequest) string {
	form := url.Values{}
	for name, value := range map[string]string{
		"client_id": pending.ClientID, "post_logout_redirect_uri": pending.Redirect, "state": pending.State,
	} {
		if value != "" {
			form.Set(name, value)
		}
	}
	if len(form) == 0 {
		return h.logoutURL
	}
	return h.logoutURL + "?" + form.Encode()
}

// answeredBefore returns the error for a request that the app has already answered.
func (h *logoutRequestHandler) answeredBefore(pending *authrequest.LogoutRequest) error {
	return &answeredError{redirect{h.requestURL(pending)}}
}

// accept serves PUT /oauth2/auth/requests/logout/accept. It ignores the body.
func (h *logoutRequestHandler) accept(r *Request) (*Response, error) {
	id, err := challenge(r, logoutChallenge, authrequest.StepLogout)
	if err != nil {
		return nil, err
	}
	verifier := authrequest.NewVerifier(authrequest.StepLogout.Challenge(id))
	if err := h.answer(r, id, authrequest.Accepted, authrequest.HashVerifier(verifier)); err != nil {
		return nil, err
	}
	return ok(redirect{h.logoutURL + "?logout_verifier=" + url.QueryEscape(verifier)}), nil
}

// reject serves PUT /oauth2/auth/requests/logout/reject. The user stays signed in, and the
// browser stays at the app.
func (h *logoutRequestHandler) reject(r *Request) (*Response, error) {
	id, err := challenge(r, logoutChallenge, authrequest.StepLogout)
	if err != nil {
		return nil, err
	}
	return noContent(), h.answer(r, id, authrequest.Denied, nil)
}

func (h *logoutRequestHandler) answer(r *Request, id string, d authrequest.Decision, verifier []byte) error {
	ctx, now := r.Context(), h.now()
	err := h.requests.AnswerLogout(ctx, id, d, verifier, now)
	if errors.Is(err, authrequest.ErrAlreadyDecided) {
		pending, notFound := h.requests.LogoutRequest(ctx, id, now)
		if notFound != nil {
			return notFound
		}
		return h.answeredBefore(pending)
	}
	if err == nil {
		h.log.LogAttrs(ctx, slog.LevelInfo, "sign-out app answered",
			slog.Bool("accepted", d == authrequest.Accepted), slog.String("by", r.Actor.ID))
	}
	return err
}
