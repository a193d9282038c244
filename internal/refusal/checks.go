package refusal

import (
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/profile"
)

// Check is one step of the decision about a request: what has to hold, and the rules that reject the
// request if it does not.
type Check struct {
	// Name says what is checked, for administrators.
	Name string
	// Spec is the section of the specification that the check follows; empty for none.
	Spec  string
	Phase Phase
	Rules []Rule
	// Parameters are the parameters that an authorization request is checked for; see
	// [Endpoint.Place].
	Parameters []string
}

// Phase is the part of a flow to which a check belongs.
type Phase string

// Values of [Phase]. Checks outside of flows have none.
const (
	PhaseRequest Phase = "request"
	PhaseSignIn  Phase = "sign-in"
	PhaseConsent Phase = "consent"
)

// Endpoint is a kind of request, with its checks in their order.
type Endpoint struct {
	Name   string
	routes []string // patterns of paths; one with * at its end matches all that begin so
	Checks []Check
}

// Place returns the index of the check that rejected a request by the rule, and -1 if it is not
// known. If several checks have the rule, the parameter of the request decides, and otherwise the
// first one counts: the request has passed the checks before it.
func (e *Endpoint) Place(rule Rule, parameter string) int {
	if at := slices.IndexFunc(e.Checks, func(c Check) bool {
		return parameter != "" && slices.Contains(c.Parameters, parameter) && slices.Contains(c.Rules, rule)
	}); at >= 0 {
		return at
	}
	return slices.IndexFunc(e.Checks, func(c Check) bool { return slices.Contains(c.Rules, rule) })
}

// EndpointOf returns the endpoint of a route. The admin API has all routes that no other endpoint has.
func EndpointOf(route string) *Endpoint {
	all := Endpoints()
	i := slices.IndexFunc(all, func(e Endpoint) bool {
		return slices.ContainsFunc(e.routes, func(pattern string) bool {
			prefix, isPrefix := strings.CutSuffix(pattern, "*")
			return route == pattern || isPrefix && (strings.HasPrefix(route, prefix+"/") || route == prefix)
		})
	})
	if i < 0 {
		i = len(all) - 1
	}
	return &all[i]
}

// ByAnyCheck are the rules of failures of the server, which can happen at any step.
func ByAnyCheck() []Rule { return []Rule{Unexplained, Unavailable, InternalError} }

// Endpoints returns the kinds of requests, the admin API last.
func Endpoints() []Endpoint {
	return []Endpoint{
		{"authorization endpoint", []string{"/oauth2/auth"}, authorizeChecks()},
		{"pushed authorization request endpoint", []string{"/oauth2/par"}, slices.Concat(arrivalChecks(), clientChecks(), pushChecks())},
		{"token endpoint", []string{"/oauth2/token"}, slices.Concat(arrivalChecks(), clientChecks(), tokenChecks())},
		{"device authorization endpoint", []string{"/oauth2/device/auth"}, slices.Concat(arrivalChecks(), clientChecks(), deviceChecks())},
		{"backchannel authentication endpoint", []string{"/oauth2/ciba"}, slices.Concat(arrivalChecks(), clientChecks(), backchannelChecks())},
		{"introspection endpoint", []string{"/oauth2/introspect"}, slices.Concat(arrivalChecks(), clientChecks(), introspectionChecks())},
		{"revocation endpoint", []string{"/oauth2/revoke"}, slices.Concat(arrivalChecks(), clientChecks(), revocationChecks())},
		{"userinfo endpoint", []string{"/userinfo"}, slices.Concat(arrivalChecks(), userinfoChecks())},
		{"demo resource", []string{"/demo/resource"}, slices.Concat(arrivalChecks(), resourceChecks())},
		{"logout endpoint", []string{"/oauth2/sessions/logout"}, slices.Concat(arrivalChecks(), logoutChecks())},
		{"client registration", []string{"/connect/register*", "/oauth2/register*"}, slices.Concat(arrivalChecks(), registrationChecks())},
		{"administrators' console", []string{"/console*"}, slices.Concat(ownPageChecks(), consoleChecks())},
		{"page", []string{
			"/", "/login*", "/signup*", "/consent*", "/recover*", "/invitation*", "/verify*", "/undo*", "/not-me*", "/device", "/oauth2/device/verify",
			"/account*", "/setup*", "/language", "/passkeys*", "/oauth2/sessions/check", "/oauth2/fallbacks*",
		}, slices.Concat(ownPageChecks(), pageChecks())},
		{"admin API", nil, slices.Concat(arrivalChecks(), adminChecks())},
	}
}

// arrivalChecks are the checks before the handler of an endpoint.
func arrivalChecks() []Check {
	return []Check{
		{Name: "an endpoint has this path and method", Spec: "RFC 9110 §15.5", Rules: []Rule{NotFound, MethodNotAllowed}},
		{Name: "the body and the parameters can be read", Spec: "RFC 6749 §3.1, §3.2", Rules: []Rule{BodyTooLarge, BodyTooSlow, RequestMalformed, CertificateMalformed}},
		{Name: "the network is within its limits, and the server is not overloaded", Spec: "RFC 6585 §4", Rules: []Rule{RateLimited, Overloaded}},
	}
}

// ownPageChecks are the checks before a page of this server.
func ownPageChecks() []Check {
	own := Check{Name: "the request comes from a page of this server", Rules: []Rule{WrongAddress, CrossOrigin, NotNavigation}}
	return slices.Insert(arrivalChecks(), 1, own)
}

// authorizeChecks are those of package authorize, whose table has the order of the parameters.
func authorizeChecks() []Check {
	checks := append(arrivalChecks(),
		Check{Name: "this browser began the request, which waits for its user", Rules: []Rule{RequestExpired, WrongBrowser}},
		Check{Name: "the client is registered and enabled", Spec: "RFC 6749 §4.1.1", Rules: []Rule{ClientMissing, ClientUnknown, ClientDisabled}},
	)
	checks = append(checks, parameterChecks()...)
	checks = append(checks, byProfile("the request was pushed, if the security profile of the client requires that", "RFC 9126 §5, FAPI 2.0 §5.3.2.2", profile.Pushed))
	for i := range checks {
		checks[i].Phase = PhaseRequest
	}
	return append(checks,
		Check{Name: "the user is signed in", Spec: "OpenID Connect Core §3.1.2.3", Phase: PhaseSignIn, Rules: []Rule{LoginRequired, AccountDisabled}},
		Check{Name: "the user may use the client", Phase: PhaseSignIn, Rules: []Rule{GroupNotAllowed}},
		Check{Name: "the authentication reaches the level", Spec: "OpenID Connect Core §5.5.1.1, RFC 9470 §5", Phase: PhaseSignIn, Rules: []Rule{ACRUnmet}},
		Check{Name: "the user consents", Spec: "OpenID Connect Core §3.1.2.4", Phase: PhaseConsent, Rules: []Rule{ConsentRequired, AccessDenied, AppRefused}},
		encryptable(),
		Check{Name: "all that was requested is granted", Spec: "RFC 6749 §3.3", Phase: PhaseConsent, Rules: []Rule{ScopesDropped}},
	)
}

// encryptable is the check of an ID token that the client receives encrypted.
func encryptable() Check {
	return Check{
		Name: "the ID token or response can be encrypted for the client", Spec: "OpenID Connect Core §10.2", Phase: PhaseConsent, Rules: []Rule{KeysUnavailable},
		Parameters: []string{"id_token", "response"},
	}
}

// parameterChecks are those of the parameters of an authorization request.
func parameterChecks() []Check {
	return []Check{
		{Name: "a request object is valid", Spec: "RFC 9101 §6", Rules: []Rule{RequestObject, KeysUnavailable}},
		byProfile("it is signed, short-lived and for this server, if the security profile of the client requires that", "FAPI 2.0 Message Signing §5.3.1, FAPI 1.0 Advanced §5.2.2",
			profile.SignedRequest, profile.RequestAudience, profile.RequestLifetime, profile.Algorithms),
		{Name: "redirect_uri is an address of the client", Spec: "RFC 9700 §2.1, RFC 6749 §3.1.2.3", Rules: []Rule{RedirectURIMissing, RedirectURIMismatch}},
		{Name: "response_mode, state", Spec: "OAuth 2.0 Multiple Response Types §2.1", Rules: []Rule{ParameterInvalid}, Parameters: []string{"response_mode", "state", "registration"}},
		{Name: "the client may use the response_type", Spec: "RFC 6749 §3.1.1", Rules: []Rule{ParameterMissing, ParameterInvalid, ResponseTypeUnsupported, GrantTypeNotRegistered}, Parameters: []string{"response_type"}},
		{Name: "the client may have the scope and the resource", Spec: "RFC 6749 §3.3, RFC 8707 §2.1", Rules: []Rule{ParameterInvalid, ScopeNotAllowed, ResourceNotAllowed, ResourceMalformed, ResourcesNotShared, ResourceNeedsBinding}, Parameters: []string{"scope", "authorization_details", "resource", "claims"}},
		{Name: "the authorization details match their types", Spec: "RFC 9396 §5", Rules: []Rule{DetailsInvalid}},
		{Name: "code_challenge, dpop_jkt", Spec: "RFC 7636 §4.3, RFC 9700 §2.1.1, RFC 9449 §10", Rules: []Rule{ChallengeMissing, ChallengeMalformed, ParameterInvalid}, Parameters: []string{"code_challenge", "dpop_jkt"}},
		{Name: "nonce, prompt, max_age, id_token_hint, acr_values", Spec: "OpenID Connect Core §3.1.2.1", Rules: []Rule{ParameterInvalid, HintInvalid}, Parameters: []string{"nonce", "prompt", "max_age", "id_token_hint", "acr_values"}},
		byProfile("response_type, response_mode and the other parameters are as the security profile of the client requires", "RFC 9700 §2.1, FAPI 2.0 §5.3.2.2, FAPI 1.0 Advanced §5.2.2",
			"security_profile", profile.ResponseType, profile.SignedResponse, profile.Redirect, profile.PKCE, profile.Scope, profile.Nonce, profile.State, profile.ClientAuthentication, profile.Algorithms),
	}
}

// pushChecks are those of a pushed request, which is checked as at the authorization endpoint.
func pushChecks() []Check {
	checks := []Check{{Name: "the request has no request_uri", Spec: "RFC 9126 §2.1", Rules: []Rule{ParameterInvalid}}, proofCheck("RFC 9449 §10.1")}
	return append(checks, parameterChecks()...)
}

// clientChecks are those of package clientauth.
func clientChecks() []Check {
	return []Check{
		{Name: "the request has the credentials of one client, once", Spec: "RFC 6749 §2.3", Rules: []Rule{AuthMalformed, AuthAmbiguous, ClientMissing}},
		{Name: "the client is registered and enabled", Spec: "RFC 6749 §3.2.1", Rules: []Rule{ClientUnknown, ClientDisabled}},
		{Name: "the client uses its authentication method", Spec: "RFC 7591 §2, OpenID Connect Core §9", Rules: []Rule{AuthMethodMismatch}},
		{Name: "the client secret, assertion or certificate is valid", Spec: "RFC 6749 §2.3.1, RFC 7523 §3, RFC 8705 §2", Rules: []Rule{
			SecretThrottled, SecretMismatch, AuthFailed, CertificateMissing, CertificateUntrusted, CertificateMismatch, KeysUnavailable, AssertionSignature, AssertionAudience, AssertionExpired, AssertionReplayed,
		}},
		byProfile("the security profile of the client allows the method and the assertion", "FAPI 2.0 §5.3.2.1, FAPI 1.0 Advanced §5.2.2",
			profile.ClientAuthentication, profile.AssertionAudience, profile.Algorithms),
	}
}

// grantStateRules are the rules of a grant that was valid and is no more.
func grantStateRules() []Rule {
	return []Rule{AccountDisabled, GrantRevoked, SessionEnded, AccountTokensRevoked, ClientTokensRevoked, GrantEnded}
}

func tokenChecks() []Check {
	return []Check{
		{Name: "the client may use the grant_type", Spec: "RFC 6749 §5.2", Rules: []Rule{ParameterInvalid, GrantTypeUnsupported, GrantTypeNotRegistered}},
		proofCheck("RFC 9449 §5"),
		byProfile("the tokens are bound and signed as the security profile of the client requires", "FAPI 2.0 §5.3.2.1, §5.4.1, FAPI 1.0 Advanced §5.2.2, §8.6",
			profile.SenderConstraint, profile.CertificateBinding, profile.Algorithms),
		{Name: "the request has a code, refresh token, device code or assertion of this server or a trusted issuer", Spec: "RFC 6749 §4.1.3, §6", Rules: []Rule{
			ParameterMissing, CodeMalformed, RefreshMalformed, DeviceCodeMalformed, AuthReqIDMalformed, AssertionInvalid,
		}},
		{Name: "it was issued to this client", Spec: "RFC 6749 §4.1.3, §6", Rules: []Rule{
			AuthReqIDUnknown, AuthReqIDOtherClient,
			CodeUnknown, RefreshUnknown, DeviceCodeUnknown, CodeOtherClient, RefreshOtherClient, DeviceOtherClient, KeyMismatch,
		}},
		{Name: "its grant is valid", Spec: "RFC 6749 §5.2", Rules: grantStateRules()},
		{Name: "it was not used before, and has not expired", Spec: "RFC 6749 §4.1.2, RFC 9700 §4.14", Rules: []Rule{
			CodeSpent, CodeReplayed, CodeExpired, RefreshReplayed, RefreshExpired, DeviceCodeReplayed, DeviceCodeExpired, DeviceSlowDown, DeviceDenied,
			AuthReqIDReplayed, AuthReqIDExpired, BackchannelDenied,
		}},
		{Name: "redirect_uri is that of the authorization request", Spec: "RFC 6749 §4.1.3", Rules: []Rule{RedirectURIMissing, RedirectURIMismatch}},
		{Name: "code_verifier matches the code_challenge", Spec: "RFC 7636 §4.6", Rules: []Rule{VerifierMissing, VerifierUnexpected, VerifierMismatch}},
		{Name: "the client may exchange the token", Spec: "RFC 8693 §2.1, §4.4, §5", Rules: []Rule{
			ExchangeNotAllowed, SubjectTokenNotAllowed, ActorNotAllowed, ExchangeTooDeep, TokenAuthentication,
		}},
		{Name: "your token hook allows the tokens", Rules: []Rule{HookDenied, HookFailed}},
		{Name: "the user may use the client", Rules: []Rule{GroupNotAllowed, AccessDenied}},
		{Name: "the scope, the resource and the authorization details were granted", Spec: "RFC 6749 §6, RFC 8707 §2.2, RFC 9396 §6", Rules: []Rule{ScopeExceedsGrant, ScopeNotAllowed, ResourceNotAllowed, ResourceMalformed, ResourcesNotShared, ResourceNeedsBinding, DetailsInvalid}},
		encryptable(),
		{Name: "all that was granted is still allowed", Spec: "RFC 6749 §3.3", Rules: []Rule{ScopesDropped}},
	}
}

// proofCheck is the check of a DPoP proof.
func proofCheck(spec string) Check {
	return Check{Name: "a DPoP proof is valid, and there if the client must send one", Spec: spec, Rules: []Rule{DPoPMissing, DPoPInvalid, DPoPNonce, DPoPReplayed, SecurityProfile}}
}

// byProfile is a check of rules of the security profile of the client.
func byProfile(name, spec string, rules ...profile.RuleName) Check {
	c := Check{Name: name, Spec: spec, Rules: []Rule{SecurityProfile}}
	for _, rule := range rules {
		c.Parameters = append(c.Parameters, string(rule))
	}
	return c
}

func deviceChecks() []Check {
	return []Check{
		{Name: "the client may use the grant type", Spec: "RFC 8628 §3.1", Rules: []Rule{GrantTypeNotRegistered}},
		{Name: "the client may have the scope, the resource and the authorization details", Spec: "RFC 6749 §3.3, RFC 8707 §2.1, RFC 9396 §5", Rules: []Rule{ScopeNotAllowed, ResourceNotAllowed, ResourceMalformed, DetailsInvalid}},
		{Name: "the other parameters are valid", Rules: []Rule{ParameterMissing, ParameterInvalid, ScopesDropped}},
	}
}

// backchannelChecks are those of package backchannelauth.
func backchannelChecks() []Check {
	return []Check{
		{Name: "the client may use the grant type", Spec: "CIBA Core §7.2", Rules: []Rule{GrantTypeNotRegistered}},
		{Name: "the client and the user are within their limits", Rules: []Rule{BackchannelLimit}},
		{Name: "a signed request is valid, and there if the client must sign", Spec: "CIBA Core §7.1.1", Rules: []Rule{RequestObject}},
		{Name: "the client may have the scope and the resource", Spec: "CIBA Core §7.1, RFC 8707 §2.1", Rules: []Rule{ScopeNotAllowed, ResourceNotAllowed}, Parameters: []string{"scope", "authorization_details", "resource"}},
		{Name: "the other parameters are valid", Spec: "CIBA Core §7.1", Rules: []Rule{ParameterMissing, ParameterInvalid, ScopesDropped}},
		{Name: "one hint names a user who may use the client", Spec: "CIBA Core §7.1, §13", Rules: []Rule{UserHintInvalid, HintInvalid, UserHintUnknown, GroupNotAllowed}},
	}
}

// presentedToken returns the checks of an access token.
func presentedToken(spec string) []Check {
	return []Check{
		{Name: "the token is an access token of this server, and its signature verifies", Spec: spec, Rules: []Rule{TokenMalformed, TokenSignature}},
		{Name: "the token has not expired", Spec: spec, Rules: []Rule{TokenExpired}},
		{Name: "the token and its grant are not revoked, and its user and client may use it", Spec: spec, Rules: append(
			[]Rule{TokenInactive, TokenRevoked, ClientUnknown, ClientDisabled, RefreshMalformed, RefreshUnknown, RefreshExpired, RefreshReplayed, KeyMismatch, GroupNotAllowed}, grantStateRules()...)},
		{Name: "the receiver of the token is in its audience", Spec: spec, Rules: []Rule{TokenAudience, RefreshOtherClient, CodeOtherClient}},
	}
}

func introspectionChecks() []Check {
	return slices.Concat([]Check{
		{Name: "on the admin listener, the caller has an API key with the scope", Spec: "RFC 6750 §3.1", Rules: []Rule{APIKeyInvalid, APIScopeMissing, TokenMissing, TokenAmbiguous, AccessDenied}},
		{Name: "the client may introspect tokens, and has sent one", Spec: "RFC 7662 §2.1", Rules: []Rule{GrantTypeNotRegistered, ParameterInvalid, ParameterMissing}},
	}, presentedToken("RFC 7662 §2.2"), []Check{
		{Name: "the response can be encrypted for the client", Spec: "RFC 9701 §5", Rules: []Rule{KeysUnavailable}, Parameters: []string{"response"}},
	})
}

func revocationChecks() []Check {
	return slices.Concat([]Check{
		{Name: "the request has a token", Spec: "RFC 7009 §2.1", Rules: []Rule{ParameterInvalid, ParameterMissing}},
	}, presentedToken("RFC 7009 §2.1"))
}

// boundToken are the checks of the access token of a request to a resource of this server.
func boundToken() []Check {
	return slices.Concat([]Check{
		{Name: "the request has one access token", Spec: "RFC 6750 §2", Rules: []Rule{TokenMissing, TokenAmbiguous}},
	}, presentedToken("RFC 6750 §3.1"), []Check{
		{Name: "the token is presented as it was issued: as a bearer token, or with its key or certificate", Spec: "RFC 9449 §7, RFC 8705 §3", Rules: []Rule{TokenBinding}},
		proofCheck("RFC 9449 §7.1"),
	})
}

func resourceChecks() []Check {
	return append(boundToken(),
		Check{Name: "the parameters can be read", Spec: "RFC 9470 §3", Rules: []Rule{ParameterInvalid}},
		Check{Name: "the authentication of the user suffices", Spec: "RFC 9470 §3", Rules: []Rule{TokenAuthentication}},
	)
}

func userinfoChecks() []Check {
	return slices.Concat(boundToken(), []Check{
		{Name: "the token has the scope openid", Spec: "OpenID Connect Core §5.3.1", Rules: []Rule{TokenScopeMissing}},
		{Name: "the authentication of the user suffices", Spec: "RFC 9470 §3", Rules: []Rule{TokenAuthentication}},
		{Name: "the response can be encrypted for the client", Spec: "OpenID Connect Core §5.3.2", Rules: []Rule{KeysUnavailable}},
	})
}

func logoutChecks() []Check {
	return []Check{
		{Name: "this browser began the request, which waits for its user", Rules: []Rule{RequestExpired, WrongBrowser, PageInvalid}},
		{Name: "the hint, the client and the redirect are valid", Spec: "OpenID Connect RP-Initiated Logout §2, §3", Rules: []Rule{HintInvalid, LogoutInvalid, ParameterInvalid}},
	}
}

func registrationChecks() []Check {
	return []Check{
		{Name: "registration is open", Spec: "RFC 7591 §3", Rules: []Rule{RegistrationClosed}},
		{Name: "the registration token is valid", Spec: "RFC 7591 §3, RFC 7592 §2", Rules: []Rule{RegistrationToken, TokenMissing, TokenAmbiguous}},
		{Name: "the software statement is of a trusted issuer", Spec: "RFC 7591 §2.3", Rules: []Rule{SoftwareStatement}},
		{Name: "the metadata of the client is valid", Spec: "RFC 7591 §2, §3.2.2", Rules: []Rule{MetadataInvalid, ParameterInvalid}},
		{Name: "the client was not changed at the same time", Rules: []Rule{Conflict}},
	}
}

func consoleChecks() []Check {
	return []Check{
		{Name: "the sign-in is of this browser, and the form is one of the page", Rules: []Rule{PageInvalid}},
		{Name: "the administrator is signed in, and the role allows the page", Rules: []Rule{AccessDenied, APIScopeMissing, SessionEnded, ACRUnmet}},
		{Name: "the change is valid", Rules: []Rule{ParameterInvalid, ParameterMissing, MetadataInvalid}},
		{Name: "the object was not changed at the same time", Rules: []Rule{Conflict}},
	}
}

func pageChecks() []Check {
	return []Check{
		{Name: "this browser began the request, which waits for its user", Rules: []Rule{RequestExpired, WrongBrowser}},
		{Name: "the page was opened in its flow, with a form of this server", Rules: []Rule{PageInvalid, ParameterInvalid, ParameterMissing}},
		{Name: "the link is valid", Rules: []Rule{LinkInvalid, SetupLinkInvalid}},
		{Name: "the account and the network are within the limits of attempts", Spec: "NIST SP 800-63B-4 §3.2.2", Rules: []Rule{SignInThrottled, UserCodeThrottled}},
		{Name: "the user code is of a device that waits", Spec: "RFC 8628 §3.3", Rules: []Rule{UserCodeUnknown}},
		{Name: "the account exists", Rules: []Rule{SignInUnknownUser}},
		{Name: "the password, passkey or code is right", Spec: "Web Authentication Level 3 §7.2", Rules: []Rule{
			SignInPassword, SignInPasskeyChallenge, SignInPasskey, SignInSecondFactor, SignInCode,
		}},
		{Name: "the account is enabled", Rules: []Rule{SignInDisabled, AccountDisabled}},
		{Name: "a new account or passkey is valid", Spec: "Web Authentication Level 3 §7.1", Rules: []Rule{SignUpInvalid, PasskeyInvalid, Conflict}},
	}
}

func adminChecks() []Check {
	return []Check{
		{Name: "the caller has a valid API key", Spec: "RFC 6750 §3.1", Rules: []Rule{APIKeyInvalid, TokenMissing, TokenAmbiguous, CrossOrigin, WrongAddress, NotNavigation}},
		{Name: "an access token of the caller is presented as it was issued: as a bearer token, or with its key", Spec: "RFC 9449 §7", Rules: []Rule{TokenBinding}},
		proofCheck("RFC 9449 §7.1"),
		{Name: "the key has the scope of the operation", Spec: "RFC 6750 §3.1", Rules: []Rule{APIScopeMissing, AccessDenied}},
		{Name: "the parameters and the body are valid", Rules: []Rule{ParameterInvalid, ParameterMissing, MetadataInvalid, RequestExpired, PageInvalid}},
		{Name: "the object was not changed at the same time", Rules: []Rule{Conflict}},
		{Name: "the token is active", Spec: "RFC 7662 §2.2", Rules: append([]Rule{
			TokenMalformed, TokenSignature, TokenExpired, TokenInactive, TokenRevoked, TokenAudience, TokenScopeMissing, RefreshMalformed, RefreshUnknown, RefreshExpired,
		}, grantStateRules()...)},
	}
}
