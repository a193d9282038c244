package oauth2

import "github.com/ostiary/ostiary/internal/refusal"

// The error codes of RFC 6749 §4.1.2.1 and §5.2, OpenID Connect Core §3.1.2.6, RFC 8707
// §2, and OpenID Connect Core Unmet Authentication Requirements.
const (
	CodeInvalidRequest           = "invalid_request"
	CodeInvalidClient            = "invalid_client"
	CodeInvalidGrant             = "invalid_grant"
	CodeInvalidScope             = "invalid_scope"
	CodeInvalidTarget            = "invalid_target"
	CodeUnauthorizedClient       = "unauthorized_client"
	CodeUnsupportedGrantType     = "unsupported_grant_type"
	CodeUnsupportedResponseType  = "unsupported_response_type"
	CodeAccessDenied             = "access_denied"
	CodeServerError              = "server_error"
	CodeTemporarilyUnavailable   = "temporarily_unavailable"
	CodeLoginRequired            = "login_required"
	CodeInteractionRequired      = "interaction_required"
	CodeConsentRequired          = "consent_required"
	CodeUnmetAuthentication      = "unmet_authentication_requirements"
	CodeRegistrationNotSupported = "registration_not_supported"
	CodeInvalidRequestURI        = "invalid_request_uri"
	CodeInvalidRequestObject     = "invalid_request_object"
	CodeInvalidDPoPProof         = "invalid_dpop_proof"
	CodeUseDPoPNonce             = "use_dpop_nonce"
	CodeInvalidDetails           = "invalid_authorization_details" // RFC 9396 §5
	// CodeInsufficientAuthentication is that of RFC 9470 section 3.
	CodeInsufficientAuthentication = "insufficient_user_authentication"
)

// The error codes of RFC 8628 §3.5.
const (
	CodeAuthorizationPending = "authorization_pending"
	CodeSlowDown             = "slow_down"
	CodeExpiredToken         = "expired_token"
)

// The error codes of CIBA Core §13.
const (
	CodeUnknownUserID         = "unknown_user_id"
	CodeInvalidBindingMessage = "invalid_binding_message"
	CodeExpiredLoginHintToken = "expired_login_hint_token"
)

// describe returns the default description of errors with code.
func describe(code string) string {
	switch code {
	case CodeInvalidRequest:
		return "The request lacks a parameter, or one of its parameters is malformed"
	case CodeInvalidDPoPProof:
		return "The DPoP proof is missing, malformed, too old, used before, or for another key, method, URL or token"
	case CodeInvalidGrant:
		return "The code or token is invalid, expired, revoked, already used, or belongs to another client, redirect URI or verifier"
	case CodeInvalidScope:
		return "The scope is unknown, malformed, or more than was granted"
	case CodeUnauthorizedClient:
		return "The client may not use this grant type"
	case CodeUnsupportedResponseType:
		return "The client may not use this response type"
	case CodeInvalidTarget:
		return "The client may not request this resource"
	case CodeInvalidDetails:
		return "The authorization_details are more than was granted"
	case CodeInvalidClient:
		return "Client authentication failed"
	case CodeAccessDenied:
		return "The request was denied"
	default:
		return "The server met an unexpected condition"
	}
}

// ruleOf returns the rule of an error code, for errors without a cause: their description
// is then the explanation. It is empty where the HTTP status decides.
func ruleOf(code string) refusal.Rule {
	switch code {
	case CodeInvalidRequest, CodeRegistrationNotSupported:
		return refusal.ParameterInvalid
	case CodeInvalidClient:
		return refusal.ClientUnknown
	case CodeInvalidScope:
		return refusal.ScopeNotAllowed
	case CodeInvalidTarget:
		return refusal.ResourceNotAllowed
	case CodeInvalidDetails:
		return refusal.DetailsInvalid
	case CodeUnauthorizedClient:
		return refusal.GrantTypeNotRegistered
	case CodeInvalidBindingMessage:
		return refusal.ParameterInvalid
	case CodeUnknownUserID:
		return refusal.UserHintUnknown
	case CodeExpiredLoginHintToken:
		return refusal.UserHintInvalid
	case CodeUnsupportedGrantType:
		return refusal.GrantTypeUnsupported
	case CodeUnsupportedResponseType:
		return refusal.ResponseTypeUnsupported
	case CodeAccessDenied:
		return refusal.AccessDenied
	case CodeLoginRequired, CodeInteractionRequired:
		return refusal.LoginRequired
	case CodeConsentRequired:
		return refusal.ConsentRequired
	case CodeUnmetAuthentication:
		return refusal.ACRUnmet
	case CodeExpiredToken:
		return refusal.DeviceCodeExpired
	case CodeSlowDown:
		return refusal.DeviceSlowDown
	default:
		return ""
	}
}
