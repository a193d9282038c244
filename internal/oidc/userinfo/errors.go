package userinfo

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/dpop"
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
			httpapi.Is(dpop.ErrInvalid, httpapi.Error{
				Status: http.StatusUnauthorized, Code: "invalid_dpop_proof", Rule: refusal.DPoPInvalid,
				Description: "The DPoP proof is missing, malformed, too old, used before, or for another method, URL or token.",
			}),
			httpapi.Is(dpop.ErrNonce, httpapi.Error{
				Status: http.StatusUnauthorized, Code: "use_dpop_nonce", Rule: refusal.DPoPNonce,
				Description: "The DPoP proof needs the nonce of the DPoP-Nonce header.",
			}),
			httpapi.Is(errScope, httpapi.Error{
				Status: http.StatusForbidden, Code: "insufficient_scope", Description: "The access token lacks the scope openid.",
				Rule: refusal.TokenScopeMissing,
			}),
			httpapi.As((*authenticationError).response),
			httpapi.Is(client.ErrKeysUnavailable, httpapi.Error{
				Code: "invalid_request", Rule: refusal.KeysUnavailable,
				Description: "The response cannot be encrypted: the client has no suitable key.",
			}),
		},
		Challenge: h.challenge,
	}
}

// challenge returns the challenge of an error, with the scheme that the next request has to use.
//
// Spec: RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3.
func (h *Handler) challenge(r *http.Request, e *httpapi.Error) string {
	if e.Status >= http.StatusInternalServerError {
		return ""
	}
	c := httpapi.Challenge{Realm: h.Issuer, Code: e.Code, Description: e.Description}
	if e.Code == "insufficient_scope" {
		c.Scope = "openid"
	}
	if insufficient, ok := errors.AsType[*authenticationError](e.Err); ok {
		c.ACRValues = strings.Join(insufficient.acrValues, " ")
		if insufficient.maxAge != nil {
			c.MaxAge = strconv.FormatInt(*insufficient.maxAge, 10)
		}
	}
	presented, err := httpapi.AccessToken(r)
	cause := refusal.Of(e.Err)
	if err == nil && presented.DPoP || cause != nil && cause.Rule == refusal.TokenBinding {
		c.Scheme, c.Algs = dpop.Scheme, strings.Join(dpop.Algorithms(), " ")
	}
	return c.String()
}
