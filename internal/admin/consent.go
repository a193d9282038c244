package admin

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
)

const consentChallenge = "consent_challenge"

// consentRequest is what a consent app is told of a request.
type consentRequest struct {
	request

	Challenge      string          `json:"challenge"`
	ConsentID      string          `json:"consent_request_id"`
	Skip           bool            `json:"skip"`
	Subject        string          `json:"subject"`
	LoginChallenge string          `json:"login_challenge,omitempty"`
	LoginSessionID string          `json:"login_session_id"`
	ACR            string          `json:"acr"`
	AMR            []string        `json:"amr"`
	Context        json.RawMessage `json:"context,omitempty"`
}

// consentRequest serves GET /oauth2/auth/requests/consent.
func (h *Handler) consentRequest(c *Call) (*Reply, error) {
	id, err := challenge(c.Request, consentChallenge, authrequest.StepConsent)
	if err != nil {
		return nil, err
	}
	ctx := c.Context()
	waiting, s, before, err := h.Requests.ConsentRequest(ctx, id, h.Now())
	switch {
	case err != nil:
		return nil, err
	case waiting.SessionID == "":
		return nil, authrequest.ErrNotFound // nobody has signed in for it
	case s == nil || waiting.Decision != authrequest.Undecided:
		return nil, h.handled(waiting)
	}
	described, err := h.describe(ctx, waiting)
	if err != nil {
		return nil, err
	}
	said := &consentRequest{
		request: described, Challenge: waiting.Challenge(authrequest.StepConsent), ConsentID: waiting.ID,
		Skip:    described.skips(before),
		Subject: s.Subject, LoginSessionID: s.ID, ACR: s.ACR, AMR: append([]string{}, s.AMR...),
	}
	if login := waiting.LoginAnswer; login != nil {
		said.LoginChallenge, said.Context = waiting.Challenge(authrequest.StepLogin), login.Context
		if waiting.LoginSkip && login.ACR != "" {
			said.ACR = login.ACR
		}
	}
	return ok(said), nil
}

// skips reports whether the person has agreed before to all that is asked for.
func (q *request) skips(before *consent.Consent) bool {
	front := strings.Contains(q.asked.Get("response_type"), "token")
	return before.Covers(strings.Fields(q.asked.Get(authrequest.ConsentParameter))) &&
		!slices.Contains(strings.Fields(q.asked.Get("prompt")), "consent") &&
		q.Client.Proven(q.asked.Get("redirect_uri"), front)
}

// acceptConsent is what a consent app says that a person allows.
type acceptConsent struct {
	Scopes      []string `json:"grant_scope"`
	Audience    []string `json:"grant_access_token_audience"`
	Remember    bool     `json:"remember"`
	RememberFor int64    `json:"remember_for"`
	Session     struct {
		AccessToken json.RawMessage `json:"access_token"`
		IDToken     json.RawMessage `json:"id_token"`
	} `json:"session"`
}

// acceptConsent serves PUT /oauth2/auth/requests/consent/accept.
func (h *Handler) acceptConsent(c *Call) (*Reply, error) {
	var body acceptConsent
	id, err := answering(c, consentChallenge, authrequest.StepConsent, &body)
	if err != nil {
		return nil, err
	}
	agreement, err := body.agreement()
	if err != nil {
		return nil, err
	}
	return h.answerConsent(c, id, agreement)
}

func (b *acceptConsent) agreement() (*authrequest.ConsentAnswer, error) {
	if b.RememberFor < 0 {
		return nil, invalid("The member remember_for must not be negative.")
	}
	said := &authrequest.ConsentAnswer{
		Scopes: b.Scopes, Resources: b.Audience, Remember: b.Remember, RememberFor: min(b.RememberFor, maxRemember),
	}
	var err error
	if said.ExtraClaims.IDToken, err = claims("session.id_token", b.Session.IDToken, grant.ProtocolClaims()); err != nil {
		return nil, err
	}
	said.ExtraClaims.AccessToken, err = claims("session.access_token", b.Session.AccessToken, nil)
	return said, err
}

// claims reads an object of claims and leaves out those reserved, as Hydra does. It
// returns nil if none is left.
func claims(name string, raw json.RawMessage, reserved []string) (json.RawMessage, error) {
	if some(raw) == nil {
		return nil, nil
	}
	kept, err := grant.AddedClaims(raw, reserved)
	if err != nil {
		return nil, invalid("The member " + name + " " + err.Error() + ".")
	}
	return kept, nil
}

// rejectConsent serves PUT /oauth2/auth/requests/consent/reject.
func (h *Handler) rejectConsent(c *Call) (*Reply, error) {
	var body reject
	id, err := answering(c, consentChallenge, authrequest.StepConsent, &body)
	if err != nil {
		return nil, err
	}
	return h.answerConsent(c, id, &authrequest.ConsentAnswer{Refusal: body.refusal()})
}

// answerConsent notes the answer and tells the app where to send the person.
func (h *Handler) answerConsent(c *Call, id string, agreement *authrequest.ConsentAnswer) (*Reply, error) {
	ctx, now := c.Context(), h.Now()
	lasting := h.Consent
	if agreement.RememberFor > 0 {
		lasting = time.Duration(agreement.RememberFor) * time.Second
	}
	verifier := authrequest.NewVerifier((&authrequest.Request{ID: id}).Challenge(authrequest.StepConsent))
	err := h.Requests.AnswerConsent(ctx, id, agreement, authrequest.HashVerifier(verifier), lasting, now)
	if errors.Is(err, authrequest.ErrAlreadyDecided) {
		waiting, gone := h.Requests.Request(ctx, id, now)
		if gone != nil {
			return nil, gone
		}
		return nil, h.handled(waiting)
	}
	if err != nil {
		return nil, err
	}
	h.Log.LogAttrs(ctx, slog.LevelInfo, "consent app answered",
		slog.Bool("accepted", agreement.Refusal == nil), slog.String("by", c.By.ID))
	return ok(redirect{h.AuthorizeURL + "?consent_verifier=" + url.QueryEscape(verifier)}), nil
}
