package refusal

import "maps"

// Explanation explains a rule to administrators.
type Explanation struct {
	// Meaning says why the request was rejected, and Fix what to do; Fix is empty if there is
	// nothing to do.
	Meaning, Fix string
}

// Explanation returns the explanation of the rule. docs/refusals.md has the same texts.
func (r Rule) Explanation() Explanation { return explanations()[r] }

// explanations returns the explanation of each rule.
func explanations() map[Rule]Explanation {
	all := map[Rule]Explanation{}
	for _, part := range []map[Rule]Explanation{codeExplanations(), clientExplanations(), exchangeExplanations(), tokenExplanations(), pageExplanations(), serverExplanations()} {
		maps.Copy(all, part)
	}
	return all
}

const (
	signInAgain = "The application begins a new sign-in."
	readCause   = "The cause names the parameter; correct the request of the application."
)

func codeExplanations() map[Rule]Explanation {
	return map[Rule]Explanation{
		CodeMalformed:        {"The code is not from this server: truncated, invented, or from a system secret that was removed.", "Send the code exactly as it was received, percent-decoded once."},
		CodeUnknown:          {"No such code, or its grant ended so long ago that it was purged.", signInAgain},
		CodeExpired:          {"The code expired before the client redeemed it.", "Redeem the code immediately; compare code_lifetime and the time between the two requests."},
		CodeSpent:            {"The same client sent the code twice within a second; the first response remains valid.", "Redeem each code once: disable retries and double submits of the callback."},
		CodeReplayed:         {"WARN. The code was used again later; its grant and tokens are revoked.", "Redeem each code once. If the client did, an attacker has the code: look at the logs and referrers of the client."},
		CodeOtherClient:      {"The code was issued to issued_to.", "Use the client_id that began the sign-in. The administrators' console alone redeems the code of a trial."},
		RefreshMalformed:     {"The refresh token is not from this server: truncated, invented, or from a system secret that was removed.", "Store refresh tokens in full, of any length."},
		RefreshUnknown:       {"No such refresh token, or its grant was purged.", signInAgain},
		RefreshExpired:       {"The refresh token was unused for too long, or its grant has ended (grant_ends_at).", signInAgain + " Lifespans can be longer for a client."},
		RefreshReplayed:      {"WARN. A rotated refresh token was used again after refresh_grace; the grant is revoked.", "Look for two instances that share a token, or a stolen token."},
		RefreshOtherClient:   {"The refresh token was issued to issued_to.", "Use the client_id that received the token."},
		DeviceCodeMalformed:  {"The device code is not from this server: truncated, invented, or from a system secret that was removed.", "Send the device_code exactly as it was received."},
		DeviceCodeUnknown:    {"No such device code, or it was purged.", "The device begins again."},
		DeviceCodeExpired:    {"The user did not decide in time.", "The device begins again; device_code_lifetime can be longer."},
		DeviceCodeReplayed:   {"WARN. The device code was used again later; its grant and tokens are revoked.", "Redeem each device code once."},
		DeviceOtherClient:    {"The device code was issued to issued_to.", "Use the client_id that began the request."},
		DeviceSlowDown:       {"The device polls faster than its interval.", "Wait for the interval of the response, and five seconds longer after slow_down."},
		DeviceDenied:         {"The user, or your app, denied the device.", ""},
		AuthReqIDMalformed:   {"The auth_req_id is not from this server: truncated, invented, or from a system secret that was removed.", "Send the auth_req_id exactly as it was received."},
		AuthReqIDUnknown:     {"No such auth_req_id, or it was purged.", "The client begins again."},
		AuthReqIDExpired:     {"No user decided the backchannel authentication request in time, or its hint names no user.", "The client begins again, with a longer requested_expiry of up to 600 seconds if users need it."},
		AuthReqIDReplayed:    {"The auth_req_id was redeemed before; the tokens of the first response remain valid.", "Redeem each auth_req_id once: with ping, do not poll as well."},
		AuthReqIDOtherClient: {"The auth_req_id was issued to issued_to.", "Use the client_id that began the request."},
		BackchannelDenied:    {"The user, or your app, denied the backchannel authentication request, or the user blocks the client.", ""},
		GrantRevoked:         {"The grant was revoked at revoked_at; revoked_why is the reason.", signInAgain},
		GrantEnded:           {"The grant has ended.", signInAgain},
		SessionEnded:         {"The user signed out before the code was exchanged.", signInAgain},
		GroupNotAllowed:      {"The user is in none of the groups that may use the client (allowed_groups).", "Put the user into one of the groups, or allow another group on the page of the application."},
		AccountDisabled:      {"The account is disabled or deleted.", "Enable the account on the page of the user."},
		AccountTokensRevoked: {"All grants of the account from before revoked_at were revoked, for example by a password change.", signInAgain},
		ClientTokensRevoked:  {"All grants of the client from before revoked_at were revoked.", signInAgain},
		KeyMismatch:          {"The code or refresh token is bound to a key, and the DPoP proof has another one, or is missing.", "Use the key with which the grant began."},
		VerifierMissing:      {"The authorization request had a code_challenge, but the token request has no code_verifier.", "Enable PKCE for the token request too."},
		VerifierMismatch:     {"The code_verifier does not match the authorization request: often two tabs that share storage.", "Store the verifier per sign-in, under its state."},
		VerifierUnexpected:   {"The token request has a code_verifier, but the authorization request had no code_challenge.", "Send code_challenge with the authorization request, or no verifier."},
		ChallengeMissing:     {"The client must use PKCE.", "Enable PKCE with S256 in the application."},
		ChallengeMalformed:   {"The code_challenge is not S256, or not 43 base64url characters.", "Send BASE64URL(SHA256(code_verifier)) without padding, and code_challenge_method=S256."},
		RedirectURIMissing:   {"The redirect_uri is required and missing.", "Send the redirect_uri, the same one in both requests."},
		RedirectURIMismatch:  {"The redirect_uri is not exactly a registered one, or not that of the authorization request: compare scheme, host, port, path and trailing slash.", "Register the address that the application sends, or correct the application."},
	}
}

func clientExplanations() map[Rule]Explanation {
	return map[Rule]Explanation{
		ClientUnknown:           {"No client has this client_id.", "Compare the client_id of the application with the list of applications."},
		ClientDisabled:          {"The client is disabled.", "Enable the client."},
		ClientMissing:           {"The request has no client_id.", "Enter the client_id in the application."},
		AuthMethodMismatch:      {"The client registered registered_auth_method and used used_auth_method.", "Set the method of the application, or change token_endpoint_auth_method."},
		AuthAmbiguous:           {"The request uses more than one authentication method.", "Send the credentials once: in the header, in the body, or as an assertion."},
		AuthMalformed:           {"The Authorization header or the parameters of an assertion are malformed.", "Percent-encode client_id and secret before Base64."},
		AuthFailed:              {"The credentials are invalid in another way; see the cause.", "The cause names the error in the assertion."},
		SecretMismatch:          {"The secret is wrong; after a rotation see previous_secret_valid_until.", "Enter the newest secret in the application, without spaces, or make a new one."},
		SecretThrottled:         {"Too many wrong secrets were sent for this client.", "Correct the secret of the application, then wait for retry_after_seconds."},
		AssertionInvalid:        {"An assertion of a trusted issuer is invalid; see the cause.", "The cause names the claim; compare it with the trusted issuer."},
		AssertionSignature:      {"Neither a registered key nor the secret verifies the client assertion.", "Register the key with which the application signs, in jwks or at jwks_uri."},
		AssertionAudience:       {"client_assertion_audience does not allow the aud of the client assertion.", "Set aud to the issuer."},
		AssertionExpired:        {"The client assertion has expired.", "Compare the clocks of both machines."},
		AssertionReplayed:       {"The jti of the client assertion was used before.", "Make a new assertion with a new jti for each request."},
		KeysUnavailable:         {"The client has no usable key, or its jwks_uri cannot be fetched.", "Open the jwks_uri from this server, or register the keys themselves."},
		SecurityProfile:         {"A rule of the security profile of the client rejects the request; the cause names the rule and its section.", "Change the application as the rule says, or give the client another profile. clients check lists what its registration lacks."},
		GrantTypeNotRegistered:  {"The client did not register this grant type.", "Add it to grant_types, if the application needs it."},
		GrantTypeUnsupported:    {"The server does not support this grant type.", "Use authorization_code, refresh_token, client_credentials, the device code, a JWT assertion or token exchange."},
		ResponseTypeUnsupported: {"The server does not support this response type, or the client did not register it.", "Use response_type=code; see legacy_response_types for others."},
		ParameterMissing:        {"A required parameter is missing.", readCause},
		ParameterInvalid:        {"A parameter is malformed or not allowed; see the cause.", readCause},
		ScopeNotAllowed:         {"The scope is malformed, or the client may not have it.", "Add the scope to the client, or remove it from the request."},
		ScopeExceedsGrant:       {"A refresh request names a scope that was not granted, or that the client lost since.", "Request no more than was granted; a new sign-in can grant more."},
		ScopesDropped:           {"The request succeeded with less than requested; see dropped scopes.", "Add the scopes to the client, or remove them from the request."},
		ResourceNotAllowed:      {"The client may not request this resource or audience.", "Add it to the audience of the client, or the client to the resource."},
		ResourceMalformed:       {"A resource is not an absolute URI without a fragment.", "Send the identifier of the resource, such as https://api.example."},
		ResourcesNotShared:      {"An access token for several resources is requested, and one of them must be alone, or they differ in format or algorithm.", "Name one resource in each token request, or allow shared tokens for the resources."},
		ResourceNeedsBinding:    {"The resource requires access tokens that are bound to a key or certificate of the client, and the token request proves none.", "Switch DPoP on in the application, or bind the tokens of the client to its certificate."},
		RequestObject:           {"The request object is invalid; see the cause.", "The cause names the fault: signature, aud, iss, lifetime or a parameter."},
		HintInvalid:             {"The signature of the hint is invalid, or the hint is from another client.", "Send an ID token that this client received, or no hint."},
		UserHintInvalid:         {"The request does not have exactly one of login_hint, id_token_hint and login_hint_token, or the one that it has is invalid.", "Send one hint: a username or email address, an ID token of this server, or a JWT that the client signed."},
		UserHintUnknown:         {"The hint names no user who may use the client. Unless ciba_reveal_users is on, the client received a response, and the request expires.", "Compare the hint with the username and the verified addresses of the user, and the groups with allowed_groups."},
		BackchannelLimit:        {"The client or the user has too many backchannel authentication requests, or the client sent too many hints without a user; limit is the setting.", "Wait, or raise the limit."},
		LoginRequired:           {"The request has prompt=none, and the user must sign in, change a password or accept terms.", "The application repeats the request without prompt=none."},
		ConsentRequired:         {"The request has prompt=none, and the user must consent.", "The application repeats the request without prompt=none, or its client skips consent."},
		AccessDenied:            {"The user denied the request, or is not allowed to use the client or page.", ""},
		ACRUnmet:                {"The server cannot offer the required authentication, or the user declined it.", "The user adds a second factor or a passkey, or the application requires less."},
		MetadataInvalid:         {"The client metadata is invalid; the cause names the member.", "Correct the member; see the description of client metadata."},
		RegistrationClosed:      {"registration is closed.", "Register the client in the console, or open registration."},
		RegistrationToken:       {"The registration or initial access token is missing, wrong, or from another client.", "Send the token that came with the registration of this client."},
		SoftwareStatement:       {"The software statement is invalid, or its issuer is not trusted.", "Trust the issuer, or register without a statement."},
		DetailsInvalid: {
			"The authorization_details are malformed, of an unknown type, more than was granted, or have a member or value that the type does not allow or that cannot be shown to the user.",
			"Compare the request with the schema and the sentences of the type, and add the type to the authorization_details_types of the client.",
		},
	}
}

func exchangeExplanations() map[Rule]Explanation {
	return map[Rule]Explanation{
		ExchangeNotAllowed:     {"The client has no token_exchange, or does not authenticate.", "Set token_exchange of the client."},
		SubjectTokenNotAllowed: {"The policy of the client does not allow this subject or actor token: its client, issuer or audience is not in token_exchange.", "Send a token that is for this client, or extend subject_clients, subject_audiences, subject_issuers or actor_clients."},
		ActorNotAllowed:        {"The client or its actor_token may not act for the user: may_act of the subject token names another, or the actor token has an actor itself.", "Compare may_act with the sub of the actor token, or with the client_id."},
		ExchangeTooDeep:        {"The token would have more actors than max_depth of token_exchange, or come from more than 8 tokens.", "Exchange the token of the user, and not one that was exchanged."},
	}
}

func tokenExplanations() map[Rule]Explanation {
	return map[Rule]Explanation{
		TokenMissing:         {"The request has no access token.", "Send the header Authorization: Bearer."},
		TokenAmbiguous:       {"The request has two access tokens, or one in the query.", "Send the token once, in the header."},
		TokenMalformed:       {"The access token is not from this server: truncated, invented, an ID token, or from a system secret that was removed.", "Send the access_token of the token response, not the id_token."},
		TokenSignature:       {"The signature is invalid, or no key has the kid: a token of another issuer, or a removed key.", "Compare iss in the token with the issuer."},
		TokenExpired:         {"The access token expired at expired_at.", "The application refreshes its token."},
		TokenRevoked:         {"Only this access token was revoked; its grant is active.", "The application refreshes its token."},
		TokenAudience:        {"The audience of the access token is audience, not this endpoint or the client that sent it.", "Use a token without resource here; a resource server introspects with its own client, named as audience."},
		TokenInactive:        {"The access token has no user; or, at introspection, the token, its grant or its session was revoked or has ended.", signInAgain},
		TokenScopeMissing:    {"The access token lacks the scope openid.", "Request the scope openid."},
		TokenBinding:         {"A token that is bound to a key or a certificate was sent without it or with another one, or an unbound token was sent with the scheme DPoP.", "Present the token with the scheme of its token_type, and with the key or the certificate of its token request."},
		DPoPMissing:          {"The request has no DPoP proof: the client registered dpop_bound_access_tokens, or its access token is bound to a key.", "Switch DPoP on in the application, or off for the client."},
		DPoPInvalid:          {"The DPoP proof is malformed, too old, or for another method, URL or token; see the cause.", "Compare htm and htu with the request as the application sends it, and the clocks of both machines."},
		DPoPReplayed:         {"The jti of the DPoP proof was used before.", "Make a new proof with a new jti for each request."},
		CertificateMissing:   {"The request has no client certificate, and the client authenticates with one or has tokens that are bound to one.", "Let the application call the addresses in mtls_endpoint_aliases of the metadata, with its certificate. Behind a proxy, compare client_certificate_header and trusted_proxies."},
		CertificateMalformed: {"A trusted proxy forwarded a client certificate in another form than client_certificate_header, or a certificate that is too large.", "Compare the configuration of the proxy with docs/operations.md."},
		CertificateUntrusted: {"The chain of the client certificate does not lead to a certificate in mtls_ca_file, is not valid at this time, or is not for the authentication of clients; see the cause.", "Renew the certificate, send its intermediate certificates too, or add its authority to mtls_ca_file."},
		CertificateMismatch:  {"The client certificate is another one than the client registered, or than that of its refresh token.", "Register the certificate in jwks, or its name in tls_client_auth_subject_dn or another tls_client_auth parameter; a public client uses the certificate with which its grant began."},
		DPoPNonce:            {"The DPoP proof has no current nonce of this server.", "Repeat the request with the nonce of the DPoP-Nonce header, which libraries do automatically."},
		TokenAuthentication:  {"The user authenticated with a lower acr than userinfo_acr_values of the client, or longer ago than its userinfo_max_age.", "The application begins a new sign-in with the acr_values and max_age of the challenge."},
	}
}

func pageExplanations() map[Rule]Explanation {
	return map[Rule]Explanation{
		RequestExpired:         {"The page was open for too long, or the step was completed in another tab.", "The user starts again at the application."},
		WrongBrowser:           {"The browser does not have the cookie of the request: cookies are blocked, or the request began at another address than the issuer.", "Open the server at the issuer only, and allow its cookies."},
		SignInUnknownUser:      {"No account has this username.", "Search for the user; the username may be another one."},
		SignInPassword:         {"The password is wrong, or the account has no password.", "Give the user a one-time link."},
		SignInDisabled:         {"The account is disabled.", "Enable the account on the page of the user."},
		SignInPasskey:          {"The response of the authenticator does not verify, or the passkey is unknown or of another account; the text has the reason.", "The user removes the passkey from the device, and adds a new one."},
		SignInPasskeyChallenge: {"The challenge is older than five minutes, or was used before.", "The user tries again."},
		PasskeyInvalid:         {"A new passkey was not saved: its registration does not verify; the text has the reason.", "The user tries again, or with another authenticator."},
		SignInThrottled:        {"There were too many attempts for the account or from the network.", "Wait, or unlock the account on the page of the user."},
		SignInCode:             {"The code that was mailed to sign in is wrong, expired or used, was sent for another authorization request, or the account has changed since.", "The user requests a new code, and enters it in the same browser."},
		SignInSecondFactor:     {"The code of the second factor is wrong, was used before, or the account has no such factor.", "Compare the clock of the device, or give the user a one-time link."},
		SignUpInvalid:          {"The form is invalid; field names the field.", ""},
		UserCodeUnknown:        {"No device waits for this user code.", "The device shows a new code."},
		UserCodeThrottled:      {"There were too many wrong user codes from the network.", "Wait, and compare the code on the device."},
		PageInvalid:            {"A page was opened outside of a flow, or with invalid parameters.", "Start at the application or at the first page."},
		LinkInvalid:            {"A link from a message or an administrator is unknown, expired, used or replaced, or its account has a new password or address or is disabled.", "Send a new link."},
		SetupLinkInvalid:       {"The setup link is unknown, expired or used, or an administrator exists.", "Sign in as an administrator; the command dev or serve prints a new link while there is none."},
		LogoutInvalid:          {"The logout request is invalid; see the cause.", "Register the post_logout_redirect_uri, and send id_token_hint or client_id."},
	}
}

func serverExplanations() map[Rule]Explanation {
	return map[Rule]Explanation{
		Unexplained:      {"The handler set no cause; please report it.", "Report it with the request and its time."},
		APIKeyInvalid:    {"The request to the admin API has no valid API key or access token.", "Create an API key, and send it as a bearer token."},
		APIScopeMissing:  {"The API key lacks the scope that the cause names.", "Create a key with the scope."},
		NotFound:         {"No endpoint or object has this path.", "Compare the path with the discovery document or the API description."},
		Conflict:         {"The object exists, or was changed at the same time.", "Read the object again, and repeat the change."},
		HookDenied:       {"Your token hook denied the request.", "The log of the hook has its reason."},
		HookFailed:       {"Your token hook did not respond, or its response is invalid.", "Call the hook from this server; see the log line of the request."},
		AppRefused:       {"Your login or consent app rejected the request.", "The log of the app has its reason."},
		RequestMalformed: {"The request cannot be parsed: encoding, repeated or misplaced parameters, content type.", "Send each parameter once, as application/x-www-form-urlencoded."},
		BodyTooLarge:     {"The body is too large.", "Send less; a long request can be a request object."},
		BodyTooSlow:      {"The body was sent too slowly.", ""},
		MethodNotAllowed: {"The endpoint does not support the method.", "The header Allow of the response names the methods."},
		WrongAddress:     {"The browser opened the server at another address than the issuer.", "Open the server at the issuer, or correct the proxy."},
		CrossOrigin:      {"A page of another origin (received_origin) submitted the form.", "If the origin is your own, the proxy changes Host or Origin; otherwise it is an attack."},
		NotNavigation:    {"Another page tried to load the URL in a frame, image or script.", ""},
		RateLimited:      {"The network exceeded the rate limit of the endpoint.", "Wait; if many users share the address, set trusted_proxies."},
		Overloaded:       {"No slot became free for this type of request.", "Add a replica or processors; see the queue metrics."},
		Unavailable:      {"The database or another dependency is unreachable; see the log line of the request.", "Look at the database."},
		InternalError:    {"An internal error; see the log line of the request.", "Report it with the log line."},
	}
}
