package admin

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/session"
)

const consentChallenge = "consent_challenge"

// ConsentRequests finds pending consent requests and stores the answers of the consent app.
// Its methods return authrequest.ErrNotFound for an unknown or expired request.
type ConsentRequests interface {
	AuthorizationRequests
	// ConsentRequest also returns the session in which the user signed in, or nil if it has
	// ended, and the remembered consent for the client, or nil.
	ConsentRequest(ctx context.Context, id string, now time.Time) (*authrequest.Request, *session.Session, *consent.Consent, error)
	// AnswerConsent returns authrequest.ErrAlreadyDecided for a request that was answered. It
	// stores a consent with Remember for lifetime.
	AnswerConsent(ctx context.Context, id string, answer *authrequest.ConsentAnswer, verifier []byte, lifetime time.Duration, now time.Time) error
}

// consentRequestHandler serves the operations of the operator's consent app.
type consentRequestHandler struct {
	requestDescriber

	requests ConsentRequests
	lifetime time.Duration // of a remembered consent, by default
	now      func() time.Time
	log      *slog.Logger
}

func (h *consentRequestHandler) operations() []Operation {
	const path = "/oauth2/auth/requests/consent"
	parameters := challengeParameters(consentChallenge)
	return []Operation{{
		ID: "getOAuth2ConsentRequest", Method: http.MethodGet, Path: path, Scope: apikey.RequestsRead,
		Summary: "Get a consent request.", Query: parameters,
		Responses: map[int]any{http.StatusOK: consentRequest{}, http.StatusGone: redirect{}},
		Do:        h.get,
	}, {
		ID: "acceptOAuth2ConsentRequest", Method: http.MethodPut, Path: path + "/accept", Scope: apikey.RequestsWrite,
		Summary: "Accept a consent request: the user allows the client scopes and resources.", Query: parameters, Body: acceptConsent{},
		Responses: map[int]any{http.StatusOK: redirect{}, http.StatusGone: redirect{}},
		Do:        h.accept,
	}, {
		ID: "rejectOAuth2ConsentRequest", Method: http.MethodPut, Path: path + "/reject", Scope: apikey.RequestsWrite,
		Summary: "Reject a consent request: the client receives an error.", Query: parameters, Body: reject{},
		Responses: map[int]any{http.StatusOK: redirect{}, http.StatusGone: redirect{}},
		Do:        h.reject,
	}}
}

// consentRequest is a consent request as the API returns it.
type consentRequest struct {
	authorizationRequest

	Challenge      string          `json:"challenge"`
	Details        detail.List     `json:"authorization_details,omitempty" doc:"requested authorization details (RFC 9396)"`
	ConsentID      string          `json:"consent_request_id"`
	Skip           bool            `json:"skip"`
	Subject        string          `json:"subject"`
	LoginChallenge string          `json:"login_challenge,omitempty"`
	LoginSessionID string          `json:"login_session_id"`
	ACR            string          `json:"acr"`
	AMR            []string        `json:"amr"`
	Context        json.RawMessage `json:"context,omitempty"`
}

// get serves GET /oauth2/auth/requests/consent.
func (h *consentRequestHandler) get(r *Request) (*Response, error) {
	id, err := challenge(r, consentChallenge, authrequest.StepConsent)
	if err != nil {
		return nil, err
	}
	ctx := r.Context()
	pending, s, remembered, err := h.requests.ConsentRequest(ctx, id, h.now())
	switch {
	case err != nil:
		return nil, err
	case pending.SessionID == "":
		return nil, authrequest.ErrNotFound // the user has not signed in yet
	case s == nil || pending.Decision != authrequest.Undecided:
		return nil, h.answeredBefore(pending)
	}
	described, err := h.describe(ctx, pending)
	if err != nil {
		return nil, err
	}
	details, err := detail.Parse(described.parameters.Get(detail.Parameter))
	if err != nil {
		return nil, err
	}
	view := &consentRequest{
		authorizationRequest: described, Challenge: pending.Challenge(authrequest.StepConsent), ConsentID: pending.ID, Details: details,
		Skip:    described.isCovered(remembered) && remembered.CoversDetails(details),
		Subject: s.Subject, LoginSessionID: s.ID, ACR: s.ACR, AMR: append([]string{}, s.AMR...),
	}
	if login := pending.LoginAnswer; login != nil {
		view.LoginChallenge, view.Context = pending.Challenge(authrequest.StepLogin), login.Context
		if pending.LoginSkip && login.ACR != "" {
			view.ACR = login.ACR
		}
	}
	return ok(view), nil
}

// isCovered reports whether a remembered consent covers all requested scopes and may be
// reused for this request.
func (q *authorizationRequest) isCovered(remembered *consent.Consent) bool {
	frontChannel := strings.Contains(q.parameters.Get("response_type"), "token")
	return remembered.Covers(strings.Fields(q.parameters.Get(authrequest.ConsentParameter))) &&
		!slices.Contains(strings.Fields(q.parameters.Get("prompt")), "consent") &&
		q.Client.MayReuseConsent(q.parameters.Get("redirect_uri"), frontChannel)
}

// acceptConsent is the body of an accepted consent request.
type acceptConsent struct {
	Scopes      []string        `json:"grant_scope"`
	Audience    []string        `json:"grant_access_token_audience"`
	Details     json.RawMessage `json:"grant_authorization_details" doc:"the granted authorization details: a list of the requested ones, or of details within them"`
	Remember    bool            `json:"remember"`
	RememberFor int64           `json:"remember_for"`
	Session     struct {
		AccessToken json.RawMessage `json:"access_token"`
		IDToken     json.RawMessage `json:"id_token"`
	} `json:"session"`
}

// accept serves PUT /oauth2/auth/requests/consent/accept.
func (h *consentRequestHandler) accept(r *Request) (*Response, error) {
	var body acceptConsent
	id, err := decodeAnswer(r, consentChallenge, authrequest.StepConsent, &body)
	if err != nil {
		return nil, err
	}
	answer, err := body.answer()
	if err != nil {
		return nil, err
	}
	return h.answer(r, id, answer)
}

func (b *acceptConsent) answer() (*authrequest.ConsentAnswer, error) {
	if b.RememberFor < 0 {
		return nil, invalid("The member remember_for must not be negative.")
	}
	answer := &authrequest.ConsentAnswer{
		Scopes: b.Scopes, Resources: b.Audience, Remember: b.Remember, RememberFor: min(b.RememberFor, maxRemember),
	}
	details, err := detail.Parse(string(unlessNull(b.Details)))
	if err != nil {
		return nil, err
	}
	answer.Details = details
	if answer.ExtraClaims.IDToken, err = extraClaims("session.id_token", b.Session.IDToken, grant.ProtocolClaims()); err != nil {
		return nil, err
	}
	answer.ExtraClaims.AccessToken, err = extraClaims("session.access_token", b.Session.AccessToken, nil)
	return answer, err
}

// extraClaims returns an object of claims without the reserved ones, which Ory Hydra ignores
// too. It returns nil if no claim is left.
func extraClaims(name string, raw json.RawMessage, reserved []string) (json.RawMessage, error) {
	if unlessNull(raw) == nil {
		return nil, nil
	}
	claims, err := grant.AddedClaims(raw, reserved)
	if err != nil {
		return nil, invalid("The member " + name + " " + err.Error() + ".")
	}
	return claims, nil
}

// reject serves PUT /oauth2/auth/requests/consent/reject.
func (h *consentRequestHandler) reject(r *Request) (*Response, error) {
	var body reject
	id, err := decodeAnswer(r, consentChallenge, authrequest.StepConsent, &body)
	if err != nil {
		return nil, err
	}
	return h.answer(r, id, &authrequest.ConsentAnswer{Refusal: body.refusal()})
}

// answer stores the answer and returns the URL that continues the authorization request.
func (h *consentRequestHandler) answer(r *Request, id string, answer *authrequest.ConsentAnswer) (*Response, error) {
	ctx, now := r.Context(), h.now()
	lifetime := h.lifetime
	if answer.RememberFor > 0 {
		lifetime = time.Duration(answer.RememberFor) * time.Second
	}
	verifier := authrequest.NewVerifier((&authrequest.Request{ID: id}).Challenge(authrequest.StepConsent))
	err := h.requests.AnswerConsent(ctx, id, answer, authrequest.HashVerifier(verifier), lifetime, now)
	if errors.Is(err, authrequest.ErrAlreadyDecided) {
		pending, notFound := h.requests.Request(ctx, id, now)
		if notFound != nil {
			return nil, notFound
		}
		return nil, h.answeredBefore(pending)
	}
	if err != nil {
		return nil, err
	}
	h.log.LogAttrs(ctx, slog.LevelInfo, "consent app answered",
		slog.Bool("accepted", answer.Refusal == nil), slog.String("by", r.Actor.ID))
	return ok(redirect{h.authorizeURL + "?consent_verifier=" + url.QueryEscape(verifier)}), nil
}
