package admin

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
)

const logoutChallenge = "logout_challenge"

// SignOuts finds sign-outs that a person must agree to, and takes down what the app
// says of them. Both return authrequest.ErrNotFound for one that is not there.
type SignOuts interface {
	LogoutRequest(ctx context.Context, id string, now time.Time) (*authrequest.LogoutRequest, error)
	// AnswerLogout returns authrequest.ErrAlreadyDecided for one that was answered.
	AnswerLogout(ctx context.Context, id string, d authrequest.Decision, verifier []byte, now time.Time) error
}

// logoutRequest is what a sign-out app is told.
type logoutRequest struct {
	Challenge   string      `json:"challenge"`
	Subject     string      `json:"subject"`
	SessionID   string      `json:"sid"`
	RequestURL  string      `json:"request_url"`
	RPInitiated bool        `json:"rp_initiated"`
	Client      *clientView `json:"client,omitempty"`
	RequestedAt time.Time   `json:"requested_at"`
	ExpiresAt   time.Time   `json:"expires_at"`
	// ProviderSession is what the login app gave, so that the session there can be
	// ended too.
	ProviderSession string `json:"identity_provider_session_id,omitempty"`
}

// logoutRequest serves GET /oauth2/auth/requests/logout.
func (h *Handler) logoutRequest(c *Call) (*Reply, error) {
	id, err := challenge(c.Request, logoutChallenge, authrequest.StepLogout)
	if err != nil {
		return nil, err
	}
	ctx := c.Context()
	o, err := h.SignOuts.LogoutRequest(ctx, id, h.Now())
	if err != nil {
		return nil, err
	}
	if o.Decision != authrequest.Undecided {
		return nil, h.signedOut(o)
	}
	said := &logoutRequest{
		Challenge: authrequest.StepLogout.Challenge(o.ID), Subject: o.Subject, SessionID: o.SessionID,
		RequestURL: h.logoutURL(o), RPInitiated: o.ClientID != "",
		RequestedAt: o.CreatedAt.UTC().Truncate(time.Second), ExpiresAt: o.ExpiresAt.UTC().Truncate(time.Second),
		ProviderSession: o.IdentityProviderSessionID,
	}
	if o.ClientID == "" {
		return ok(said), nil
	}
	by, err := h.Clients.Client(ctx, o.ClientID)
	switch {
	case errors.Is(err, client.ErrNotFound): // the sign-out still is the person's wish
	case err != nil:
		return nil, err
	default:
		said.Client = viewAsking(by)
	}
	return ok(said), nil
}

// logoutURL is where the same sign-out can be asked for anew. The ID token that came
// with it is not kept; the client's name says as much.
func (h *Handler) logoutURL(o *authrequest.LogoutRequest) string {
	form := url.Values{}
	for name, value := range map[string]string{
		"client_id": o.ClientID, "post_logout_redirect_uri": o.Redirect, "state": o.State,
	} {
		if value != "" {
			form.Set(name, value)
		}
	}
	if len(form) == 0 {
		return h.LogoutURL
	}
	return h.LogoutURL + "?" + form.Encode()
}

// signedOut is for a sign-out that was answered before.
func (h *Handler) signedOut(o *authrequest.LogoutRequest) error {
	return &handledError{redirect{h.logoutURL(o)}}
}

// acceptLogout serves PUT /oauth2/auth/requests/logout/accept. What the app sends along
// means nothing.
func (h *Handler) acceptLogout(c *Call) (*Reply, error) {
	id, err := challenge(c.Request, logoutChallenge, authrequest.StepLogout)
	if err != nil {
		return nil, err
	}
	verifier := authrequest.NewVerifier(authrequest.StepLogout.Challenge(id))
	if err := h.answerLogout(c, id, authrequest.Accepted, authrequest.HashVerifier(verifier)); err != nil {
		return nil, err
	}
	return ok(redirect{h.LogoutURL + "?logout_verifier=" + url.QueryEscape(verifier)}), nil
}

// rejectLogout serves PUT /oauth2/auth/requests/logout/reject. The person stays signed
// in, and with the app.
func (h *Handler) rejectLogout(c *Call) (*Reply, error) {
	id, err := challenge(c.Request, logoutChallenge, authrequest.StepLogout)
	if err != nil {
		return nil, err
	}
	return done(), h.answerLogout(c, id, authrequest.Denied, nil)
}

func (h *Handler) answerLogout(c *Call, id string, d authrequest.Decision, verifier []byte) error {
	ctx, now := c.Context(), h.Now()
	err := h.SignOuts.AnswerLogout(ctx, id, d, verifier, now)
	if errors.Is(err, authrequest.ErrAlreadyDecided) {
		o, gone := h.SignOuts.LogoutRequest(ctx, id, now)
		if gone != nil {
			return gone
		}
		return h.signedOut(o)
	}
	if err == nil {
		h.Log.LogAttrs(ctx, slog.LevelInfo, "sign-out app answered",
			slog.Bool("accepted", d == authrequest.Accepted), slog.String("by", c.By.ID))
	}
	return err
}
