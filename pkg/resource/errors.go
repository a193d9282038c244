package resource

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary/internal/dpop"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/refusal"
)

// Error is a rejected request. Status, Code, Description and Challenge are for the client, Err is not.
//
// Spec: RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3.
type Error struct {
	// Status is 400, 401 or 403.
	Status int
	// Code is the error code, such as invalid_token.
	Code        string
	Description string
	// Challenge is the value of the header WWW-Authenticate.
	Challenge string
	// Err is the cause, for the log of the service. It contains no credential.
	Err error
}

// Error returns the code and the cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Code + ": " + e.Description
	}
	return e.Code + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// challenge returns the challenge for an error, with the scheme that the next request has to use.
//
// Spec: RFC 6750 §3, RFC 9449 §7.1, RFC 9728 §5.1.
func (s *Server) challenge(proof bool, e *Error) httpapi.Challenge {
	c := httpapi.Challenge{Realm: s.config.Realm, Code: e.Code, Description: e.Description, ResourceMetadata: s.metadataURL}
	if proof {
		c.Scheme, c.Algs = dpop.Scheme, strings.Join(dpop.Algorithms(), " ")
	}
	return c
}

// refuse returns e with its challenge; proof selects the scheme DPoP.
func (s *Server) refuse(proof bool, e *Error) *Error {
	e.Challenge = s.challenge(proof, e).String()
	return e
}

// unpresented returns the error for a request without exactly one token, nil for nil. The challenge has
// no error code for a request without a token (RFC 6750 section 3.1).
func (s *Server) unpresented(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, httpapi.ErrAmbiguousToken):
		where := "in the Authorization header"
		if s.config.FormBody {
			where += " or in a form body"
		}
		return s.refuse(false, &Error{
			Status: http.StatusBadRequest, Code: "invalid_request", Description: "The access token must be sent once, " + where + ".",
			Err: refusal.Wrap(err, refusal.TokenAmbiguous, "the request has an access token in the query, or more than one"),
		})
	default:
		e := &Error{
			Status: http.StatusUnauthorized, Code: "invalid_token", Description: "An access token is required.",
			Err: refusal.Wrap(err, refusal.TokenMissing, "the request has no access token"),
		}
		e.Challenge = s.challenge(s.config.RequireBinding, &Error{}).String()
		return e
	}
}

// InvalidToken returns the error for a token that the service itself rejects.
func (s *Server) InvalidToken(token *Token, cause error) *Error {
	return s.invalidToken(token.Confirmation.JKT != "", cause)
}

func (s *Server) invalidToken(proof bool, cause error) *Error {
	return s.refuse(proof, &Error{Status: http.StatusUnauthorized, Code: "invalid_token", Description: "The access token is not active.", Err: cause})
}

func (s *Server) invalidProof(cause error) *Error {
	return s.refuse(true, &Error{
		Status: http.StatusUnauthorized, Code: "invalid_dpop_proof", Err: cause,
		Description: "The DPoP proof is missing, malformed, too old, used before, or for another method, URL or token.",
	})
}

func (s *Server) insufficientScope(token *Token, need Need) *Error {
	missing := slices.DeleteFunc(slices.Clone(need.Scopes), func(scope string) bool { return token.Allows(scope) })
	e := &Error{
		Status: http.StatusForbidden, Code: "insufficient_scope", Description: "The access token lacks the scope " + strings.Join(missing, " ") + ".",
		Err: refusal.New(refusal.TokenScopeMissing, "the token lacks a scope that is required",
			refusal.Registered("required_scopes", strings.Join(need.Scopes, " ")), refusal.Registered("token_scopes", strings.Join(token.Scopes, " "))),
	}
	c := s.challenge(token.Confirmation.JKT != "", e)
	c.Scope = strings.Join(need.Scopes, " ")
	e.Challenge = c.String()
	return e
}

func (s *Server) insufficientAuthentication(token *Token, need Need, description string) *Error {
	e := &Error{
		Status: http.StatusUnauthorized, Code: "insufficient_user_authentication", Description: description,
		Err: refusal.New(refusal.TokenAuthentication, "the authentication of the user does not suffice",
			refusal.Registered("required_acr_values", strings.Join(need.ACRValues, " ")), refusal.Registered("token_acr", token.ACR), refusal.At("token_auth_time", token.AuthTime)),
	}
	c := s.challenge(token.Confirmation.JKT != "", e)
	c.ACRValues = strings.Join(need.ACRValues, " ")
	if need.MaxAge != nil {
		c.MaxAge = strconv.FormatInt(int64(need.MaxAge.Seconds()), 10)
	}
	e.Challenge = c.String()
	return e
}
