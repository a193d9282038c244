package userinfo

import (
	"errors"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/refusal"
)

var (
	errBadToken = errors.New("token is not active")
	errScope    = errors.New("token lacks the scope openid")
)

// responses maps errors to responses. Each one below 500 has a challenge.
//
// Spec: RFC 6750 §3.
func (h *Handler) responses() *httpapi.Errors {
	return &httpapi.Errors{
		Message:    "userinfo refused",
		RetryAfter: time.Second,
		Table: []httpapi.Mapping{
			httpapi.Is(httpapi.ErrNoToken, httpapi.Error{
				Status: http.StatusUnauthorized, Code: "invalid_token", Description: "An access token is required.",
				// The challenge has no error code without a token (RFC 6750 §3.1).
				Rule: refusal.TokenMissing, Challenge: httpapi.Challenge{Realm: h.Issuer}.String(),
			}),
			httpapi.Is(httpapi.ErrAmbiguousToken, httpapi.Error{
				Code: "invalid_request", Rule: refusal.TokenAmbiguous,
				Description: "The access token must be sent once, in the Authorization header or in a form body.",
			}),
			httpapi.Is(errBadToken, httpapi.Error{
				Status: http.StatusUnauthorized, Code: "invalid_token", Description: "The access token is not active.", Rule: refusal.TokenInactive,
			}),
			httpapi.Is(errScope, httpapi.Error{
				Status: http.StatusForbidden, Code: "insufficient_scope", Description: "The access token lacks the scope openid.",
				Rule: refusal.TokenScopeMissing,
			}),
			httpapi.As(func(e *authenticationError) *httpapi.Error { return e.response(h.Issuer) }),
			httpapi.Is(client.ErrKeysUnavailable, httpapi.Error{
				Code: "invalid_request", Rule: refusal.KeysUnavailable,
				Description: "The response cannot be encrypted: the client has no suitable key.",
			}),
		},
		Challenge: func(_ *http.Request, e *httpapi.Error) string {
			if e.Status >= http.StatusInternalServerError {
				return ""
			}
			challenge := httpapi.Challenge{Realm: h.Issuer, Code: e.Code, Description: e.Description}
			if e.Code == "insufficient_scope" {
				challenge.Scope = "openid"
			}
			return challenge.String()
		},
	}
}
