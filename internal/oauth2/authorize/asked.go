package authorize

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
)

// The values of prompt (OpenID Connect Core section 3.1.2.1; Initiating User
// Registration via OpenID Connect section 4).
const (
	promptNone    = "none"
	promptLogin   = "login"
	promptConsent = "consent"
	promptSelect  = "select_account"
	promptCreate  = "create"
)

// asked is a validated authorization request.
type asked struct {
	client      *client.Client
	redirectURI string
	state       string
	answers     responseType
	mode        string

	known     *scope.Set   // the scopes at the time of the request
	access    scope.Access // what the client gets if nobody narrows it further
	challenge string
	nonce     string
	prompt    []string
	maxAge    *int64          // seconds
	hint      string          // the subject that id_token_hint names
	claims    json.RawMessage // the claims parameter, whole
	demands   demands
	form      url.Values
	device    *device // nil for a request of a client's own
}

func (a *asked) prompts(value string) bool { return slices.Contains(a.prompt, value) }

// grantsLess reports whether there are scopes that were asked for and not granted.
func (a *asked) grantsLess() bool {
	_, all := part(strings.Fields(a.form.Get("scope")), a.access.Scopes)
	return !all
}

// wantsRefresh reports whether the answer may lead to refresh tokens.
func (a *asked) wantsRefresh() bool {
	return slices.ContainsFunc(a.access.Scopes, grant.IsOfflineScope) && a.client.AllowsGrantType(client.GrantRefreshToken)
}

// newRef returns where the grant of the answer will be stored.
func (h *Handler) newRef(a *asked, now time.Time) grant.Locator {
	_, end := h.ends(a, now)
	weekly := a.wantsRefresh() || end.Sub(now) > grant.LongestInHour
	return grant.Locator{Partition: grant.PartitionAt(now, weekly), ID: grant.NewID(now)}
}

// kept are the parameters of an authorization request that outlast a detour.
// Whatever else a client sends, by mistake or not, may be a credential.
func kept() []string {
	return []string{
		"client_id", "redirect_uri", "response_type", "response_mode", "state", "scope", "resource", "audience",
		"code_challenge", "code_challenge_method", "nonce", "prompt", "max_age", "claims", "acr_values",
		"login_hint", "display", "ui_locales", "claims_locales",
	}
}

// parameters returns the request as a query string from which it can be
// validated again after a detour. For the consent page it also says, under a name
// of ours, what the person must agree to.
func (a *asked) parameters() string {
	form := url.Values{
		authrequest.ConsentParameter: {strings.Join(a.access.ScopesToConsent(), " ")},
		authrequest.SubjectParameter: {a.hint},
	}
	for _, name := range kept() {
		if values, ok := a.form[name]; ok {
			form[name] = values
		}
	}
	return form.Encode()
}

// size returns how many bytes of parameters outlast a detour, before they are encoded.
func (a *asked) size() (n int) {
	for _, name := range kept() {
		for _, value := range a.form[name] {
			n += len(value)
		}
	}
	return n
}

// narrow leaves what is within limits: what a page has shown, since the client may have
// more by now than when the user began to read, or what a consent app has granted.
func (a *asked) narrow(limits scope.Limits) { a.access = a.known.Downscope(a.access, limits) }

// read validates an authorization request. An error with a nil asked is for the
// person's eyes: it is not yet known where an answer may go. Otherwise the error
// is the answer to the client.
//
// Everything is checked here, before anybody signs in; fosite would find some of
// it only after consent.
//
// Spec: RFC 6749 §4.1.1; OpenID Connect Core §3.1.2.1, §3.1.2.2; RFC 7636 §4.3; RFC 9700 §4.1.
func (h *Handler) read(ctx context.Context, form url.Values) (*asked, error) {
	c, err := h.sender(ctx, form)
	if err != nil {
		return nil, err
	}
	a, err := address(c, form)
	if err != nil {
		return nil, err
	}
	if a.known, err = h.Scopes.Scopes(ctx); err != nil {
		return a, err
	}
	return a, h.fill(a)
}

// sender returns the client that a request is from.
func (h *Handler) sender(ctx context.Context, form url.Values) (*client.Client, error) {
	c, err := h.Clients.Client(ctx, form.Get("client_id"))
	if err == nil {
		refusal.SetClient(ctx, c.ID)
	}
	if errors.Is(err, client.ErrNotFound) || err == nil && c.Disabled {
		return nil, oauth2.NewError(oauth2.CodeInvalidClient, "The application that sent you here is not known")
	}
	return c, err
}

// address begins to read a request, by where its answer may go.
func address(c *client.Client, form url.Values) (*asked, error) {
	redirectURI := form.Get("redirect_uri")
	if !c.MatchRedirectURI(redirectURI) {
		refused := oauth2.NewError(oauth2.CodeInvalidRequest, "The application asked to send you to an address that is not registered for it").
			Because(redirectURIMismatch(c, redirectURI))
		return nil, &pageError{response: refused, detail: redirectURIDetail(c, redirectURI)}
	}
	return &asked{client: c, redirectURI: redirectURI, state: form.Get("state"), mode: modeQuery, form: form}, nil
}

func (h *Handler) fill(a *asked) error {
	for _, step := range []func(*asked) error{
		readMode, h.readLength, readUnsupported, h.readResponse, readAccess, readPKCE, readNonce, h.readPrompt, readMaxAge,
		h.readHint, readDemands,
	} {
		if err := step(a); err != nil {
			return err
		}
	}
	return nil
}

// readUnsupported refuses what would otherwise be ignored at the client's peril
// (OpenID Connect Core section 7.2.1).
func readUnsupported(a *asked) error {
	if a.form.Has("registration") {
		return oauth2.NewError(oauth2.CodeRegistrationNotSupported, "Registration in the request is not supported")
	}
	return nil
}

// readAccess reads the scopes, resources and claims that the client requests, and keeps
// those that it may have. Unknown scopes and claims are ignored (OpenID Connect Core
// section 3.1.2.1), and the answer says which scopes were granted. So is offline_access
// where no code could lead to it (section 11).
//
// Spec: RFC 6749 §3.3, RFC 8707 §2.1, OpenID Connect Core §5.4, §5.5.
func readAccess(a *asked) error {
	var scopes []string
	for name := range strings.FieldsSeq(a.form.Get("scope")) {
		if !scope.IsToken(name) {
			return oauth2.NewError(oauth2.CodeInvalidScope, "The parameter scope is malformed")
		}
		useless := grant.IsOfflineScope(name) && !a.answers.has(answerCode)
		if !slices.Contains(scopes, name) && !useless {
			scopes = append(scopes, name)
		}
	}
	requested := oauth2.Resources(a.form)
	for _, resource := range requested {
		if !slices.Contains(a.client.Audience, resource) {
			return oauth2.StandardError(oauth2.CodeInvalidTarget)
		}
	}
	claims, err := scope.ParseClaimsRequest(a.form.Get("claims"))
	if err != nil {
		return &oauth2.Error{Code: oauth2.CodeInvalidRequest, Description: "The parameter claims is malformed", Status: 400, Err: err}
	}
	a.claims = json.RawMessage(a.form.Get("claims"))
	a.access = a.known.Request(scopes, requested, claims, a.known.LimitsOf(a.client))
	if a.answers.has(answerIDToken) && !slices.Contains(a.access.Scopes, oauth2.ScopeOpenID) {
		return oauth2.NewError(oauth2.CodeInvalidScope, "An ID token needs the scope openid")
	}
	return nil
}

// readPKCE accepts S256 alone, and demands it of public clients and of those
// that registered so (RFC 9700 section 2.1.1). It says nothing where no code is
// asked for.
func readPKCE(a *asked) error {
	if !a.answers.has(answerCode) {
		return nil
	}
	a.challenge = a.form.Get("code_challenge")
	method := a.form.Get("code_challenge_method")
	switch {
	case a.challenge == "" && method != "":
		return oauth2.NewError(oauth2.CodeInvalidRequest, "The parameter code_challenge is missing").
			Because(refusal.New(refusal.ChallengeMissing, "code_challenge_method came without code_challenge"))
	case a.challenge == "" && (a.client.IsPublic() || a.client.RequirePKCE):
		return oauth2.NewError(oauth2.CodeInvalidRequest, "This client must use PKCE, and code_challenge is missing").
			Because(refusal.New(refusal.ChallengeMissing, "the client must use PKCE and sent no code_challenge"))
	case a.challenge == "":
		return nil
	case method != "S256":
		return oauth2.NewError(oauth2.CodeInvalidRequest, "The only code_challenge_method is S256").
			Because(refusal.New(refusal.ChallengeMalformed, "code_challenge_method is not S256"))
	case !validChallenge(a.challenge):
		return oauth2.NewError(oauth2.CodeInvalidRequest, "The parameter code_challenge must be 43 base64url characters").
			Because(refusal.New(refusal.ChallengeMalformed, "code_challenge is not 43 base64url characters"))
	}
	return nil
}

// validChallenge reports whether s can be the base64url form of a SHA-256.
func validChallenge(s string) bool {
	return len(s) == 43 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

func (h *Handler) readPrompt(a *asked) error {
	for prompt := range strings.FieldsSeq(a.form.Get("prompt")) {
		switch prompt {
		case promptNone, promptLogin, promptConsent, promptSelect:
			a.prompt = append(a.prompt, prompt)
		case promptCreate:
			if !h.SignUp {
				return oauth2.NewError(oauth2.CodeInvalidRequest, "The prompt create is not supported")
			}
			a.prompt = append(a.prompt, prompt)
		default:
			return oauth2.NewError(oauth2.CodeInvalidRequest, "A value of prompt is not supported")
		}
	}
	if a.prompts(promptNone) && len(a.prompt) > 1 {
		return oauth2.NewError(oauth2.CodeInvalidRequest, "The prompt none stands alone")
	}
	return nil
}

func readMaxAge(a *asked) error {
	a.maxAge = a.client.DefaultMaxAge
	given := a.form.Get("max_age")
	if given == "" {
		return nil
	}
	seconds, err := strconv.ParseInt(given, 10, 64)
	if err != nil || seconds < 0 {
		return oauth2.NewError(oauth2.CodeInvalidRequest, "The parameter max_age must be a number of seconds")
	}
	a.maxAge = &seconds
	return nil
}

// readHint takes the subject from id_token_hint, an ID token of ours for this
// client, which may have expired. A hint whose key is gone is ignored: it is older than
// any session.
//
// Spec: OpenID Connect Core §3.1.2.1.
func (h *Handler) readHint(a *asked) error {
	a.hint = a.form.Get(authrequest.SubjectParameter)
	hint := a.form.Get("id_token_hint")
	if hint == "" {
		return nil
	}
	payload, err := h.Keys.VerifyHint(hint)
	switch {
	case errors.Is(err, jwks.ErrStale):
		return err
	case errors.Is(err, jwks.ErrUnknownKey):
		return nil
	case err != nil:
		return oauth2.NewError(oauth2.CodeInvalidRequest, "The id_token_hint is not an ID token of this server").
			Because(refusal.New(refusal.HintInvalid, "the id_token_hint does not verify as an ID token of this server"))
	}
	var claims struct {
		Issuer   string `json:"iss"`
		Subject  string `json:"sub"`
		Audience string `json:"aud"`
		Expiry   int64  `json:"exp"` // may be past; a signed userinfo answer has none
	}
	if err := json.Unmarshal(payload, &claims); err != nil ||
		claims.Issuer != h.Issuer || claims.Audience != a.client.ID || claims.Subject == "" || claims.Expiry == 0 {
		return oauth2.NewError(oauth2.CodeInvalidRequest, "The id_token_hint is not an ID token for this client").
			Because(refusal.New(refusal.HintInvalid, "the id_token_hint was issued to another client"))
	}
	a.hint = claims.Subject
	return nil
}
