package refusal

// Rule is the stable identifier of a check that rejects requests. It is a metric label, so it
// is always one of the constants below.
type Rule string

// The rules. docs/refusals.md explains each of them, and a test compares the two.
const (
	// Unexplained is a rejected request whose handler set no cause.
	Unexplained Rule = "unexplained"

	// Authorization codes, refresh tokens and device codes.

	CodeMalformed        Rule = "code_malformed"
	CodeUnknown          Rule = "code_unknown"
	CodeExpired          Rule = "code_expired"
	CodeSpent            Rule = "code_spent"
	CodeReplayed         Rule = "code_replayed"
	CodeOtherClient      Rule = "code_other_client"
	RefreshMalformed     Rule = "refresh_token_malformed"
	RefreshUnknown       Rule = "refresh_token_unknown"
	RefreshExpired       Rule = "refresh_token_expired"
	RefreshReplayed      Rule = "refresh_token_replayed"
	RefreshOtherClient   Rule = "refresh_token_other_client"
	DeviceCodeMalformed  Rule = "device_code_malformed"
	DeviceCodeUnknown    Rule = "device_code_unknown"
	DeviceCodeExpired    Rule = "device_code_expired"
	DeviceCodeReplayed   Rule = "device_code_replayed"
	DeviceOtherClient    Rule = "device_code_other_client"
	DeviceSlowDown       Rule = "device_slow_down"
	DeviceDenied         Rule = "device_denied"
	AuthReqIDMalformed   Rule = "auth_req_id_malformed"
	AuthReqIDUnknown     Rule = "auth_req_id_unknown"
	AuthReqIDExpired     Rule = "auth_req_id_expired"
	AuthReqIDReplayed    Rule = "auth_req_id_replayed"
	AuthReqIDOtherClient Rule = "auth_req_id_other_client"
	BackchannelDenied    Rule = "backchannel_request_denied"
	GrantRevoked         Rule = "grant_revoked"
	GrantEnded           Rule = "grant_ended"
	SessionEnded         Rule = "session_ended"
	AccountDisabled      Rule = "account_disabled"
	GroupNotAllowed      Rule = "group_not_allowed"
	AccountTokensRevoked Rule = "account_tokens_revoked"
	ClientTokensRevoked  Rule = "client_tokens_revoked" //nolint:gosec // a rule, not a credential
	KeyMismatch          Rule = "key_binding_mismatch"
	VerifierMissing      Rule = "verifier_missing"
	VerifierMismatch     Rule = "verifier_mismatch"
	VerifierUnexpected   Rule = "verifier_unexpected"
	ChallengeMissing     Rule = "code_challenge_missing"
	ChallengeMalformed   Rule = "code_challenge_malformed"
	RedirectURIMissing   Rule = "redirect_uri_missing"
	RedirectURIMismatch  Rule = "redirect_uri_mismatch"

	// Clients and their authentication.

	ClientUnknown           Rule = "client_unknown"
	ClientDisabled          Rule = "client_disabled"
	ClientMissing           Rule = "client_missing"
	AuthMethodMismatch      Rule = "auth_method_mismatch"
	AuthAmbiguous           Rule = "auth_ambiguous"
	AuthMalformed           Rule = "auth_malformed"
	AuthFailed              Rule = "client_authentication_failed"
	SecretMismatch          Rule = "client_secret_mismatch"
	SecretThrottled         Rule = "client_secret_throttled"
	AssertionInvalid        Rule = "assertion_invalid"
	AssertionSignature      Rule = "assertion_signature"
	AssertionAudience       Rule = "assertion_audience"
	AssertionExpired        Rule = "assertion_expired"
	AssertionReplayed       Rule = "assertion_replayed"
	KeysUnavailable         Rule = "client_keys_unavailable"
	SecurityProfile         Rule = "security_profile"
	GrantTypeNotRegistered  Rule = "grant_type_not_registered"
	GrantTypeUnsupported    Rule = "grant_type_unsupported"
	ResponseTypeUnsupported Rule = "response_type_unsupported"

	// Parameters.

	ParameterMissing     Rule = "parameter_missing"
	ParameterInvalid     Rule = "parameter_invalid"
	ScopeNotAllowed      Rule = "scope_not_allowed"
	ScopeExceedsGrant    Rule = "scope_exceeds_grant"
	ScopesDropped        Rule = "scopes_dropped"
	ResourceNotAllowed   Rule = "resource_not_allowed"
	DetailsInvalid       Rule = "authorization_details_invalid"
	ResourceMalformed    Rule = "resource_malformed"
	ResourcesNotShared   Rule = "resources_not_shared"
	ResourceNeedsBinding Rule = "resource_needs_binding"
	RequestObject        Rule = "request_object_invalid"
	HintInvalid          Rule = "id_token_hint_invalid"
	UserHintInvalid      Rule = "user_hint_invalid"
	UserHintUnknown      Rule = "user_hint_unknown"
	BackchannelLimit     Rule = "backchannel_limit"
	LoginRequired        Rule = "login_required"
	ConsentRequired      Rule = "consent_required"
	AccessDenied         Rule = "access_denied"
	ACRUnmet             Rule = "acr_unmet"

	ExchangeNotAllowed     Rule = "token_exchange_not_allowed"
	SubjectTokenNotAllowed Rule = "subject_token_not_allowed"
	ActorNotAllowed        Rule = "actor_not_allowed"
	ExchangeTooDeep        Rule = "token_exchange_too_deep"

	// Presented access tokens.

	TokenMissing        Rule = "token_missing"
	TokenAmbiguous      Rule = "token_ambiguous"
	TokenMalformed      Rule = "token_malformed"
	TokenSignature      Rule = "token_signature"
	TokenExpired        Rule = "token_expired"
	TokenRevoked        Rule = "token_revoked"
	TokenAudience       Rule = "token_audience"
	TokenInactive       Rule = "token_inactive"
	TokenScopeMissing   Rule = "token_scope_missing"
	TokenAuthentication Rule = "token_authentication_insufficient"
	TokenBinding        Rule = "token_binding"

	// Proofs of possession.

	DPoPMissing  Rule = "dpop_proof_missing"
	DPoPInvalid  Rule = "dpop_proof_invalid"
	DPoPReplayed Rule = "dpop_proof_replayed"
	DPoPNonce    Rule = "dpop_nonce_required"

	CertificateMissing   Rule = "client_certificate_missing"
	CertificateMalformed Rule = "client_certificate_malformed"
	CertificateUntrusted Rule = "client_certificate_untrusted"
	CertificateMismatch  Rule = "client_certificate_mismatch"

	// Pages and sign-in.

	RequestExpired         Rule = "authorization_request_expired"
	WrongBrowser           Rule = "other_browser"
	SignInUnknownUser      Rule = "sign_in_unknown_user"
	SignInPassword         Rule = "sign_in_wrong_password"
	SignInDisabled         Rule = "sign_in_account_disabled"
	SignInPasskey          Rule = "sign_in_passkey_invalid"
	SignInPasskeyChallenge Rule = "sign_in_passkey_challenge"
	PasskeyInvalid         Rule = "passkey_invalid"
	SignInThrottled        Rule = "sign_in_throttled"
	SignInSecondFactor     Rule = "sign_in_wrong_second_factor"
	SignInCode             Rule = "sign_in_wrong_code"
	SignUpInvalid          Rule = "sign_up_invalid"
	UserCodeUnknown        Rule = "user_code_unknown"
	UserCodeThrottled      Rule = "user_code_throttled"
	PageInvalid            Rule = "page_invalid"
	LogoutInvalid          Rule = "logout_invalid"
	SetupLinkInvalid       Rule = "setup_link_invalid"
	LinkInvalid            Rule = "link_invalid"

	// Registration and the admin API.

	MetadataInvalid    Rule = "client_metadata_invalid"
	RegistrationClosed Rule = "registration_closed"
	RegistrationToken  Rule = "registration_token_invalid"
	SoftwareStatement  Rule = "software_statement_invalid"
	APIKeyInvalid      Rule = "api_key_invalid"
	APIScopeMissing    Rule = "api_scope_missing"
	NotFound           Rule = "not_found"
	Conflict           Rule = "conflict"

	// Token hooks and custom login and consent apps.

	HookDenied Rule = "hook_denied"
	HookFailed Rule = "hook_failed"
	AppRefused Rule = "app_refused"

	// Before any handler.

	RequestMalformed Rule = "request_malformed"
	BodyTooLarge     Rule = "body_too_large"
	BodyTooSlow      Rule = "body_too_slow"
	MethodNotAllowed Rule = "method_not_allowed"
	WrongAddress     Rule = "wrong_address"
	CrossOrigin      Rule = "cross_origin"
	NotNavigation    Rule = "not_a_navigation"
	RateLimited      Rule = "rate_limited"
	Overloaded       Rule = "overloaded"
	Unavailable      Rule = "temporarily_unavailable"
	InternalError    Rule = "server_error"
)
