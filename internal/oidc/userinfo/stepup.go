package userinfo

import (
	"net/http"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
)

// authenticationError reports a token whose user has authenticated with too low an acr, or too long
// ago, for what the operator requires at the client.
type authenticationError struct {
	description string
	acrValues   []string
	maxAge      *int64
}

// Error implements error.
func (e *authenticationError) Error() string { return e.description }

// response returns the error response. Its challenge has what is required.
//
// Spec: RFC 9470 §3.
func (e *authenticationError) response() *httpapi.Error {
	return &httpapi.Error{
		Status: http.StatusUnauthorized, Code: "insufficient_user_authentication", Description: e.description, Rule: refusal.TokenAuthentication, Err: e,
	}
}

// checkAuthentication returns an [*authenticationError] if the authentication behind a token does
// not suffice for the client. A token without auth_time is too old for any age.
//
// Spec: RFC 9470 §3, §5, §6.
func (h *Handler) checkAuthentication(c *client.Client, held *grant.WithAccount) error {
	insufficient := &authenticationError{acrValues: c.UserinfoACRValues, maxAge: c.UserinfoMaxAge}
	if _, reached := session.Strongest(held.Authorization.ACR, c.UserinfoACRValues); !reached && len(c.UserinfoACRValues) > 0 {
		insufficient.description = "A stronger authentication of the user is required."
		return insufficient
	}
	at := held.Authorization.AuthTime
	if c.UserinfoMaxAge != nil && (at == 0 || h.Now().Unix()-at > *c.UserinfoMaxAge) {
		insufficient.description = "A more recent authentication of the user is required."
		return insufficient
	}
	return nil
}
