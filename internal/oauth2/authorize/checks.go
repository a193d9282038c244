package authorize

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
)

// endpoint is a place where authorization requests are checked.
type endpoint uint

// The endpoints. A further one is a bit here and a column of the table.
const (
	atAuthorize    endpoint = 1 << iota // the authorization endpoint
	atDevice                            // the device authorization endpoint
	atVerification                      // the authorization endpoint, for the user of a device
	atOwnPage                           // a page of this server that requires a session
	atApp                               // the authorization endpoint, after the consent app has granted
	atBackchannel                       // the backchannel authentication endpoint
)

// check is one check of one parameter. It sets the member of the request that it checks.
type check struct {
	parameter string
	endpoints endpoint
	check     func(*Requests, *AuthorizationRequest) error
}

// checks is the table of all checks in their order: parameter, endpoints and function. The
// response mode is first, since the errors of the others are sent by it.
//
//nolint:gochecknoglobals // never written
var checks = []check{
	{"response_mode", atAuthorize, checkResponseMode},
	{"state", atAuthorize, checkRedirectLength},
	{"registration", atAuthorize, checkRegistration},
	{"response_type", atAuthorize, checkResponseType},
	{"scope", atAuthorize | atDevice | atVerification | atBackchannel, checkScope},
	{detail.Parameter, atAuthorize | atDevice | atVerification | atBackchannel, checkDetails},
	{"resource", atAuthorize | atDevice | atVerification | atBackchannel, checkResource},
	{"claims", atAuthorize | atDevice | atVerification | atBackchannel, checkClaims},
	{"scope", atAuthorize, checkOpenIDRequested},
	{"scope", atApp, checkOpenIDGranted},
	{"scope", atBackchannel, checkOpenIDForBackchannel},
	{"code_challenge", atAuthorize, checkChallenge},
	{"dpop_jkt", atAuthorize, checkDPoPKey},
	{"nonce", atAuthorize, checkNonce},
	{"prompt", atAuthorize | atOwnPage, checkPrompt},
	{"max_age", atAuthorize | atVerification | atOwnPage, checkMaxAge},
	{"id_token_hint", atAuthorize | atBackchannel, checkHint},
	{"claims", atAuthorize, checkRequirements},
	{"acr_values", atAuthorize | atVerification | atOwnPage | atBackchannel, checkACRValues},
	{"security_profile", atAuthorize, checkProfile},
	{"", atDevice | atBackchannel, checkLength}, // of all parameters
}

// check runs the checks of an endpoint and returns the error of the first that fails.
func (q *Requests) check(a *AuthorizationRequest, at endpoint) error {
	for _, c := range checks {
		if c.endpoints&at == 0 {
			continue
		}
		if err := c.check(q, a); err != nil {
			return c.explain(err)
		}
	}
	return nil
}

// explain adds to an error response without a cause the parameter that was checked.
func (c *check) explain(err error) error {
	response, ok := errors.AsType[*oauth2.Error](err)
	if !ok || c.parameter == "" || refusal.Of(err) != nil {
		return err
	}
	response.Err = refusal.Wrap(response.Err, oauth2.ErrorOf(err).Rule, response.Description, refusal.Registered(refusal.ParameterAttr, c.parameter))
	return err
}

// The values of which a response_type consists.
const (
	responseCode    = "code"
	responseToken   = "token"
	responseIDToken = "id_token"
)

// The values of response_mode.
const (
	modeQuery    = "query"
	modeFragment = "fragment"
	modeFormPost = "form_post"
)

// The values of prompt.
//
// Spec: OpenID Connect Core §3.1.2.1, Initiating User Registration via OpenID Connect §4.
const (
	promptNone    = "none"
	promptLogin   = "login"
	promptConsent = "consent"
	promptSelect  = "select_account"
	promptCreate  = "create"
)

// responseType is a response_type, its values in the order of [client.ResponseType].
type responseType string

// has reports whether value is part of the response.
func (t responseType) has(value string) bool {
	return slices.Contains(strings.Fields(string(t)), value)
}

// hasTokens reports whether the response has tokens, which pass through the browser.
func (t responseType) hasTokens() bool { return t.has(responseToken) || t.has(responseIDToken) }

// checkResponseMode also reads the response_type, which decides the default. A response that
// may have a token is never sent in the query.
//
// Spec: OAuth 2.0 Multiple Response Type Encoding Practices §2.1, §3; JWT Secured Authorization
// Response Mode §2.3.
func checkResponseMode(_ *Requests, a *AuthorizationRequest) error {
	a.responseType = responseType(client.ResponseType(a.form.Get("response_type")))
	if a.responseType.hasTokens() {
		a.responseMode = modeFragment
	}
	var mode string
	mode, a.responseJWT = splitMode(a.form.Get("response_mode"))
	switch mode {
	case "", modeQuery:
	case modeFragment, modeFormPost:
		a.responseMode = mode
	default:
		a.responseJWT = false
		return oauth2.InvalidRequest("This response_mode is not supported")
	}
	return nil
}

// reservedLength is the number of bytes that a response may need in addition to the redirect
// URI, state and issuer: for a code and session_state, or an error.
const reservedLength = 512

// reservedForJWT is the number of bytes that a response as a JWT may need in addition: header, claims,
// signature and, as a third more, encodings.
const reservedForJWT = 1024

// checkRedirectLength refuses a request whose response would exceed the limit, before the user
// signs in. The length of tokens in a fragment is checked when they are issued.
func checkRedirectLength(q *Requests, a *AuthorizationRequest) error {
	if a.responseMode == modeFormPost {
		return nil
	}
	length := len(a.redirectURI) + len(encodeParameters(commonParameters(a, q.Issuer, nil))) + reservedLength
	if a.responseJWT {
		length = length*4/3 + reservedForJWT
	}
	if length > q.MaxRedirectURL {
		return errTooLong("The response to this state", length, q.MaxRedirectURL)
	}
	return nil
}

// checkRegistration refuses registration in the request, which must not be ignored.
//
// Spec: OpenID Connect Core §7.2.1.
func checkRegistration(_ *Requests, a *AuthorizationRequest) error {
	if a.form.Has("registration") {
		return oauth2.NewError(oauth2.CodeRegistrationNotSupported, "Registration in the request is not supported")
	}
	return nil
}

// checkResponseType refuses response types that the operator or the registration of the
// client does not allow.
//
// Spec: RFC 6749 §3.1.1; OpenID Connect Core §3.2.2.1, §3.3.2.1; RFC 9700 §2.1.2.
func checkResponseType(q *Requests, a *AuthorizationRequest) error {
	t := a.responseType
	isOffered := t == client.ResponseTypeCode || q.LegacyResponseTypes && slices.Contains(client.LegacyResponseTypes(), string(t))
	switch {
	case t == "":
		return oauth2.InvalidRequest("The parameter response_type is missing")
	case !isOffered || !a.client.AllowsResponseType(string(t)):
		return oauth2.StandardError(oauth2.CodeUnsupportedResponseType)
	case t.has(responseCode) && !a.client.AllowsGrantType(client.GrantAuthorizationCode),
		t.hasTokens() && !a.client.AllowsGrantType(client.GrantImplicit):
		return oauth2.StandardError(oauth2.CodeUnauthorizedClient)
	case t.has(responseToken) && (a.client.DPoPBoundAccessTokens || a.client.CertificateBoundAccessTokens):
		return oauth2.NewError(oauth2.CodeUnsupportedResponseType, "The access tokens of this client are bound to a key, which this response_type cannot prove")
	case t.hasTokens() && strings.TrimSuffix(a.form.Get("response_mode"), suffixJWT) == modeQuery:
		return oauth2.InvalidRequest("The response to this response_type must not be sent with response_mode query")
	}
	return nil
}

// checkScope reads the requested scopes. offline_access is ignored without a code.
//
// Spec: RFC 6749 §3.3, OpenID Connect Core §11.
func checkScope(_ *Requests, a *AuthorizationRequest) error {
	for name := range strings.FieldsSeq(a.form.Get("scope")) {
		if !scope.IsToken(name) {
			return oauth2.NewError(oauth2.CodeInvalidScope, "The parameter scope is malformed")
		}
		isUseless := grant.IsOfflineScope(name) && !a.responseType.has(responseCode)
		if !slices.Contains(a.requested.Scopes, name) && !isUseless {
			a.requested.Scopes = append(a.requested.Scopes, name)
		}
	}
	return nil
}

// checkResource reads the requested resources, each of which the client may request. A token request
// can narrow them; the access token of a response is for all of them, and bound to no key.
//
// Spec: RFC 8707 §2.1.
func checkResource(_ *Requests, a *AuthorizationRequest) (err error) {
	a.requested.Resources, err = oauth2.RequestedResources(a.form, a.registered, a.client)
	if err == nil && a.responseType.has(responseToken) {
		err = oauth2.CheckTarget(a.registered, a.requested.Resources, false)
	}
	return err
}

// checkClaims reads the requested claims, and decides what the client gets if the user agrees.
// Unknown scopes and claims are ignored; the response lists the scopes that were granted.
//
// Spec: OpenID Connect Core §3.1.2.1, §5.4, §5.5.
func checkClaims(_ *Requests, a *AuthorizationRequest) error {
	var err error
	if a.claims, err = scope.ParseClaimsRequest(a.form.Get("claims")); err != nil {
		malformed := oauth2.InvalidRequest("The parameter claims is malformed")
		malformed.Err = err
		return malformed
	}
	a.access = a.registered.Request(a.requested.Scopes, a.requested.Resources, a.claims, a.registered.LimitsOf(a.client))
	a.access.Details = a.requested.Details // checkDetails refuses others
	return nil
}

// lacksOpenID reports whether the response has an ID token, which the scope openid does not
// allow.
func lacksOpenID(a *AuthorizationRequest) bool {
	return a.responseType.has(responseIDToken) && !slices.Contains(a.access.Scopes, oauth2.ScopeOpenID)
}

// checkOpenIDRequested refuses an ID token without the scope openid.
//
// Spec: OpenID Connect Core §3.1.2.1.
func checkOpenIDRequested(_ *Requests, a *AuthorizationRequest) error {
	if lacksOpenID(a) {
		return oauth2.NewError(oauth2.CodeInvalidScope, "An ID token needs the scope openid")
	}
	return nil
}

// checkOpenIDGranted refuses an ID token if the consent app has not granted the scope openid.
func checkOpenIDGranted(_ *Requests, a *AuthorizationRequest) error {
	if lacksOpenID(a) {
		return oauth2.NewError(oauth2.CodeAccessDenied, "The scope openid was not granted")
	}
	return nil
}

// checkChallenge accepts S256 only. Public clients, and clients that registered so, must use
// it. It ignores the parameters if no code is requested.
//
// Spec: RFC 7636 §4.3, RFC 9700 §2.1.1.
func checkChallenge(_ *Requests, a *AuthorizationRequest) error {
	if !a.responseType.has(responseCode) {
		return nil
	}
	a.challenge = a.form.Get("code_challenge")
	method := a.form.Get("code_challenge_method")
	switch {
	case a.challenge == "" && method != "":
		return oauth2.InvalidRequest("The parameter code_challenge is missing").
			Because(refusal.New(refusal.ChallengeMissing, "the request has a code_challenge_method without code_challenge"))
	case a.challenge == "" && (a.client.IsPublic() || a.client.RequirePKCE):
		return oauth2.InvalidRequest("This client must use PKCE, and code_challenge is missing").
			Because(refusal.New(refusal.ChallengeMissing, "the client must use PKCE and sent no code_challenge"))
	case a.challenge == "":
		return nil
	case method != "S256":
		return oauth2.InvalidRequest("The only supported code_challenge_method is S256").
			Because(refusal.New(refusal.ChallengeMalformed, "code_challenge_method is not S256"))
	case !isChallenge(a.challenge):
		return oauth2.InvalidRequest("The parameter code_challenge must be 43 base64url characters").
			Because(refusal.New(refusal.ChallengeMalformed, "code_challenge is not 43 base64url characters"))
	}
	return nil
}

// isChallenge reports whether s can be the base64url form of a SHA-256.
func isChallenge(s string) bool {
	return len(s) == 43 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

// checkNonce requires a nonce if an ID token passes the browser: only by the nonce can the
// client recognise the response to its own request.
//
// Spec: OpenID Connect Core §3.2.2.1, §3.3.2.11.
func checkNonce(_ *Requests, a *AuthorizationRequest) error {
	a.nonce = a.form.Get("nonce")
	if a.nonce == "" && a.responseType.has(responseIDToken) {
		return oauth2.InvalidRequest("The parameter nonce is missing")
	}
	return nil
}

func checkPrompt(q *Requests, a *AuthorizationRequest) error {
	for prompt := range strings.FieldsSeq(a.form.Get("prompt")) {
		switch prompt {
		case promptNone, promptLogin, promptConsent, promptSelect:
		case promptCreate:
			if !q.SignUp {
				return oauth2.InvalidRequest("The prompt create is not supported")
			}
		default:
			return oauth2.InvalidRequest("A value of prompt is not supported")
		}
		a.prompt = append(a.prompt, prompt)
	}
	if a.prompts(promptNone) && len(a.prompt) > 1 {
		return oauth2.InvalidRequest("The prompt none must not be combined with others")
	}
	return nil
}

func checkMaxAge(_ *Requests, a *AuthorizationRequest) error {
	a.maxAge = a.client.DefaultMaxAge
	given := a.form.Get("max_age")
	if given == "" {
		return nil
	}
	seconds, err := strconv.ParseInt(given, 10, 64)
	if err != nil || seconds < 0 {
		return oauth2.InvalidRequest("The parameter max_age must be a number of seconds")
	}
	a.maxAge = &seconds
	return nil
}

// checkHint reads the subject of id_token_hint, an ID token of this server for the client,
// which may have expired. A hint whose key was deleted is ignored: it is older than every
// session.
//
// Spec: OpenID Connect Core §3.1.2.1.
func checkHint(q *Requests, a *AuthorizationRequest) error {
	a.hint = a.form.Get(authrequest.SubjectParameter)
	hint := a.form.Get("id_token_hint")
	if hint == "" {
		return nil
	}
	payload, err := q.Hints.VerifyHint(hint)
	switch {
	case errors.Is(err, jwks.ErrStale):
		return err
	case errors.Is(err, jwks.ErrUnknownKey):
		return nil
	case err != nil:
		return oauth2.InvalidRequest("The id_token_hint is not an ID token of this server").
			Because(refusal.New(refusal.HintInvalid, "the id_token_hint does not verify as an ID token of this server"))
	}
	var claims struct {
		Issuer   string `json:"iss"`
		Subject  string `json:"sub"`
		Audience string `json:"aud"`
		Expiry   int64  `json:"exp"` // may be past; missing in a signed userinfo response
	}
	if err := json.Unmarshal(payload, &claims); err != nil ||
		claims.Issuer != q.Issuer || claims.Audience != a.client.ID || claims.Subject == "" || claims.Expiry == 0 {
		return oauth2.InvalidRequest("The id_token_hint is not an ID token for this client").
			Because(refusal.New(refusal.HintInvalid, "the id_token_hint was issued to another client"))
	}
	a.hint = claims.Subject
	return nil
}

// checkLength refuses a request that is too long to be stored.
func checkLength(_ *Requests, a *AuthorizationRequest) error {
	_, err := a.encode()
	return err
}
