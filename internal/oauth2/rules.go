package oauth2

import (
	"cmp"
	"errors"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2/assertion"
	"github.com/ostiary/ostiary/internal/oauth2/requestobject"
	"github.com/ostiary/ostiary/internal/oauth2/tokenhook"
	"github.com/ostiary/ostiary/internal/refusal"
)

// explained returns the rule and the words for an error response whose error carries no
// cause of its own.
func explained(refused *responseError) (refusal.Rule, string) {
	if object, ok := errors.AsType[*requestobject.Refusal](refused.cause); ok {
		return refusal.RequestObject, cmp.Or(object.Reason, object.Description)
	}
	if assertion, ok := errors.AsType[*assertion.Refusal](refused.cause); ok {
		return refusal.AssertionInvalid, assertion.Description
	}
	switch {
	case errors.Is(refused.cause, tokenhook.ErrDenied):
		return refusal.HookDenied, "a hook denied the tokens"
	case errors.Is(refused.cause, tokenhook.ErrFailed):
		return refusal.HookFailed, "a hook gave no usable answer"
	case refused.missed:
		return refusal.WrongBrowser, refused.Description
	case refused.over:
		return refusal.RequestExpired, refused.Description
	default:
		return ruleOf(refused.Code), refused.Description
	}
}

// ruleOf returns the rule of an error code: what the description says is then all that
// there is to explain.
func ruleOf(code string) refusal.Rule {
	switch code {
	case codeInvalidRequest, codeRegistrationUnsup:
		return refusal.ParameterInvalid
	case codeInvalidClient:
		return refusal.ClientUnknown
	case codeInvalidScope:
		return refusal.ScopeNotAllowed
	case codeInvalidTarget:
		return refusal.ResourceNotAllowed
	case codeUnauthorizedClient:
		return refusal.GrantTypeNotRegistered
	case codeUnsupportedGrant:
		return refusal.GrantTypeUnsupported
	case codeUnsupportedResponse:
		return refusal.ResponseTypeUnsupported
	case codeAccessDenied:
		return refusal.AccessDenied
	case codeLoginRequired:
		return refusal.LoginRequired
	case codeConsentRequired:
		return refusal.ConsentRequired
	case codeUnmetAuthentication:
		return refusal.ACRUnmet
	case codeExpiredToken:
		return refusal.DeviceCodeExpired
	case codeSlowDown:
		return refusal.DeviceSlowDown
	default:
		return "" // by the status
	}
}

// redirectURIMismatch explains that a received redirect URI is not registered for c.
func redirectURIMismatch(c *client.Client, received string) *refusal.Cause {
	registered := refusal.Registered("registered_redirect_uris", strings.Join(c.RedirectURIs, " "))
	switch {
	case received != "":
		return refusal.New(refusal.RedirectURIMismatch, "the redirect URI is not registered for the client",
			registered, refusal.Received("received_redirect_uri", received))
	case len(c.RedirectURIs) == 0:
		return refusal.New(refusal.RedirectURIMissing, "the client has no redirect URI registered")
	default:
		return refusal.New(refusal.RedirectURIMissing, "the request has no redirect_uri, and not exactly one is registered", registered)
	}
}

// redirectURIDetail tells the developer of c which redirect URI was received. It goes to
// the error page, or as error_description to the operator's: printable ASCII without
// quotation marks and backslashes (RFC 6749 section 4.1.2.1).
func redirectURIDetail(c *client.Client, received string) string {
	if received == "" {
		return "The client " + printable(c.ID) + " sent no redirect_uri"
	}
	return "The redirect_uri " + printable(refusal.Received("", received).Value) + " is not registered for the client " + printable(c.ID)
}

func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return '?'
		}
		return c
	}, text)
}
