package admin

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/httpapi"
)

const loginChallenge = "login_challenge"

// LoginRequests finds pending login requests and stores the answers of the login app.
type LoginRequests interface {
	AuthorizationRequests
	// AnswerLogin returns authrequest.ErrNotFound for an unknown request,
	// authrequest.ErrAlreadyDecided for an answered request, authrequest.ErrOtherSubject if
	// the subject is not that of the session, and account.ErrDisabled for a disabled account.
	AnswerLogin(ctx context.Context, id, subject string, login *authrequest.LoginAnswer, verifier []byte, now time.Time) error
}

// loginRequestHandler serves the operations of the operator's login app.
type loginRequestHandler struct {
	requestDescriber

	requests LoginRequests
	now      func() time.Time
	log      *slog.Logger
}

func (h *loginRequestHandler) operations() []Operation {
	const path = "/oauth2/auth/requests/login"
	parameters := challengeParameters(loginChallenge)
	return []Operation{{
		ID: "getOAuth2LoginRequest", Method: http.MethodGet, Path: path, Scope: apikey.RequestsRead,
		Summary: "Get a login request.", Query: parameters,
		Responses: map[int]any{http.StatusOK: loginRequest{}, http.StatusGone: redirect{}},
		Do:        h.get,
	}, {
		ID: "acceptOAuth2LoginRequest", Method: http.MethodPut, Path: path + "/accept", Scope: apikey.RequestsWrite,
		Summary: "Accept a login request: the user is authenticated.", Query: parameters, Body: acceptLogin{},
		Responses: map[int]any{http.StatusOK: redirect{}, http.StatusGone: redirect{}},
		Action:    "login.accept",
		Do:        h.accept,
	}, {
		ID: "rejectOAuth2LoginRequest", Method: http.MethodPut, Path: path + "/reject", Scope: apikey.RequestsWrite,
		Summary: "Reject a login request: the client receives an error.", Query: parameters, Body: reject{},
		Responses: map[int]any{http.StatusOK: redirect{}, http.StatusGone: redirect{}},
		Action:    "login.reject",
		Do:        h.reject,
	}}
}

// loginRequest is a login request as the API returns it.
type loginRequest struct {
	authorizationRequest

	Challenge string `json:"challenge"`
	Skip      bool   `json:"skip"`
	Subject   string `json:"subject"`
	SessionID string `json:"session_id"`
}

// get serves GET /oauth2/auth/requests/login.
func (h *loginRequestHandler) get(r *Request) (*Response, error) {
	id, err := challenge(r, loginChallenge, authrequest.StepLogin)
	if err != nil {
		return nil, err
	}
	ctx := r.Context()
	pending, err := h.requests.Request(ctx, id, h.now())
	switch {
	case err != nil:
		return nil, err
	case pending.LoginSession == "":
		return nil, authrequest.ErrNotFound
	case pending.LoginAnswer != nil:
		return nil, h.answeredBefore(pending)
	}
	described, err := h.describe(ctx, pending)
	if err != nil {
		return nil, err
	}
	return ok(&loginRequest{
		authorizationRequest: described, Challenge: pending.Challenge(authrequest.StepLogin),
		Skip: pending.LoginSkip, Subject: pending.Subject, SessionID: pending.LoginSession,
	}), nil
}

// acceptLogin is the body of an accepted login request.
type acceptLogin struct {
	Subject         string          `json:"subject"`
	Remember        bool            `json:"remember"`
	RememberFor     int64           `json:"remember_for"`
	Extend          bool            `json:"extend_session_lifespan"`
	ACR             string          `json:"acr"`
	AMR             []string        `json:"amr"`
	Context         json.RawMessage `json:"context"`
	ForceSubject    string          `json:"force_subject_identifier"`
	ProviderSession string          `json:"identity_provider_session_id"`
}

// accept serves PUT /oauth2/auth/requests/login/accept.
func (h *loginRequestHandler) accept(r *Request) (*Response, error) {
	var body acceptLogin
	id, err := decodeAnswer(r, loginChallenge, authrequest.StepLogin, &body)
	if err != nil {
		return nil, err
	}
	if err := body.check(); err != nil {
		return nil, err
	}
	r.Target = body.Subject
	return h.answer(r, id, body.Subject, &authrequest.LoginAnswer{
		Remember: body.Remember, RememberFor: min(body.RememberFor, maxRemember), Extend: body.Extend,
		ACR: body.ACR, AMR: body.AMR, Context: unlessNull(body.Context),
		ForcedSubject: body.ForceSubject, IdentityProviderSessionID: body.ProviderSession,
	})
}

// Limits on the members of an answer.
const (
	maxName     = 255                  // bytes of a subject (OpenID Connect Core §2), an acr or an amr value
	maxMethods  = 16                   // amr values
	maxContext  = 8 << 10              // bytes
	maxRemember = 10 * 365 * 24 * 3600 // seconds
)

func (b *acceptLogin) check() error {
	switch {
	case b.Subject == "":
		return invalid("The member subject must not be empty.")
	case !isPlain(b.Subject):
		return invalid("The member subject must be at most 255 bytes without control characters.")
	case !isPlain(b.ForceSubject):
		return invalid("The member force_subject_identifier must be at most 255 bytes without control characters.")
	case !isPlain(b.ProviderSession):
		return invalid("The member identity_provider_session_id must be at most 255 bytes without control characters.")
	case b.RememberFor < 0:
		return invalid("The member remember_for must not be negative.")
	case len(b.Context) > maxContext:
		return invalid("The member context must be at most 8192 bytes.")
	}
	return checkAuthentication(b.ACR, b.AMR)
}

// checkAuthentication checks the members acr and amr.
func checkAuthentication(acr string, amr []string) error {
	switch {
	case !isPlain(acr):
		return invalid("The member acr must be at most 255 bytes without control characters.")
	case len(amr) > maxMethods:
		return invalid("The member amr must have at most 16 values.")
	}
	for _, method := range amr {
		if method == "" || !isPlain(method) || strings.ContainsFunc(method, unicode.IsSpace) {
			return invalid("A value of the member amr must be 1 to 255 bytes without spaces.")
		}
	}
	return nil
}

// isPlain reports whether text is at most maxName bytes and has no control characters.
func isPlain(text string) bool {
	return len(text) <= maxName && !strings.ContainsFunc(text, unicode.IsControl)
}

// unlessNull returns raw, or nil if it is the JSON value null.
func unlessNull(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
}

// reject serves PUT /oauth2/auth/requests/login/reject.
func (h *loginRequestHandler) reject(r *Request) (*Response, error) {
	var body reject
	id, err := decodeAnswer(r, loginChallenge, authrequest.StepLogin, &body)
	if err != nil {
		return nil, err
	}
	return h.answer(r, id, authrequest.NoSubject, &authrequest.LoginAnswer{Refusal: body.refusal()})
}

// answer stores the answer and returns the URL that continues the authorization request. If
// the app authenticated another user than that of the session, the URL starts the request
// again with prompt=login.
func (h *loginRequestHandler) answer(r *Request, id, subject string, login *authrequest.LoginAnswer) (*Response, error) {
	ctx, now := r.Context(), h.now()
	verifier := authrequest.NewVerifier((&authrequest.Request{ID: id}).Challenge(authrequest.StepLogin))
	err := h.requests.AnswerLogin(ctx, id, subject, login, authrequest.HashVerifier(verifier), now)
	if errors.Is(err, authrequest.ErrAlreadyDecided) || errors.Is(err, authrequest.ErrOtherSubject) {
		pending, notFound := h.requests.Request(ctx, id, now)
		switch {
		case notFound != nil:
			return nil, notFound
		case errors.Is(err, authrequest.ErrOtherSubject):
			return ok(redirect{h.requestURL(pending, "login")}), nil
		default:
			return nil, h.answeredBefore(pending)
		}
	}
	if err != nil {
		return nil, err
	}
	h.log.LogAttrs(ctx, slog.LevelInfo, "login app answered", slog.String("subject", subject),
		slog.Bool("accepted", login.Refusal == nil), slog.String("by", r.Actor.ID))
	return ok(redirect{h.authorizeURL + "?login_verifier=" + url.QueryEscape(verifier)}), nil
}

// reject is the error that the client receives when an app rejects a request.
type reject struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Hint        string `json:"error_hint"`
}

// Limits on the error of an app, in bytes: it is sent in a URL.
const (
	maxError       = 64
	maxDescription = 512
)

func (b *reject) refusal() *authrequest.Refusal {
	refusal := &authrequest.Refusal{Code: truncate(httpapi.Description(b.Error), maxError), Description: httpapi.Description(b.Description)}
	if refusal.Code == "" {
		refusal.Code = "request_denied"
	}
	if refusal.Description == "" {
		refusal.Description = "The resource owner denied the request"
	}
	if b.Hint != "" {
		refusal.Description += " " + httpapi.Description(b.Hint)
	}
	refusal.Description = truncate(refusal.Description, maxDescription)
	return refusal
}

func truncate(text string, length int) string { return text[:min(len(text), length)] }
