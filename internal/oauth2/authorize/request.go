package authorize

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/profile"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
)

// AuthorizationRequest is an authorization request, whose members the checks set.
type AuthorizationRequest struct {
	client       *client.Client
	redirectURI  string
	state        string
	responseType responseType
	responseMode string
	responseJWT  bool // the response is one JWT

	registered   *scope.Set          // the scopes at the time of the request
	requested    scope.Access        // scopes, resources and details of the request
	claims       scope.ClaimsRequest // the parameter claims
	access       scope.Access        // of the client if the user agrees
	challenge    string
	jkt          string // of the key to which the code is bound; empty for none
	nonce        string
	prompt       []string
	maxAge       *int64 // seconds; nil for any
	hint         string // the subject of id_token_hint
	requirements requirements
	form         url.Values
	at           *grant.Locator // of the grant, if the request fixes it
	pushed       bool           // the client pushes or has pushed it
	device       *device        // nil for the request of a client for itself
	backchannel  time.Duration  // the lifetime of a backchannel authentication request; 0 for others
	ownPage      string         // the page of this server that requires a session; empty for clients
	trial        *trial         // of the administrators' console; nil for the request of a client
}

// device is the device that a request is for.
type device struct {
	at        grant.Locator
	expiresAt time.Time
}

func (a *AuthorizationRequest) prompts(value string) bool { return slices.Contains(a.prompt, value) }

// grantsLess reports whether a requested scope is not granted.
func (a *AuthorizationRequest) grantsLess() bool {
	return len(oauth2.Missing(strings.Fields(a.form.Get("scope")), a.access.Scopes)) > 0
}

// downscope removes access that is not within limits. The limits are the scopes that a page has
// shown, since the client may have more now, or the answer of a consent app.
func (a *AuthorizationRequest) downscope(limits scope.Limits) {
	a.access = a.registered.Downscope(a.access, limits)
}

// plan returns the kinds of tokens that the grant of the request leads to.
func (a *AuthorizationRequest) plan(codeLifetime time.Duration, now time.Time) tokens.GrantPlan {
	p := tokens.GrantPlan{
		GrantType: client.GrantAuthorizationCode, CodeLifetime: codeLifetime, Longest: a.registered.Resources().Longest(a.access.Resources),
		Code: a.responseType.has(responseCode), AccessToken: a.responseType.has(responseToken),
		Refresh: slices.ContainsFunc(a.access.Scopes, grant.IsOfflineScope) && a.client.AllowsGrantType(client.GrantRefreshToken),
	}
	if a.device != nil {
		p.GrantType, p.CodeLifetime = client.GrantDeviceCode, a.device.expiresAt.Sub(now)
	}
	if a.backchannel > 0 {
		p.GrantType, p.CodeLifetime = client.GrantCIBA, a.backchannel
	}
	return p
}

// locator returns the locator of the grant: that of the pushed request, or a new one.
func (a *AuthorizationRequest) locator(l *tokens.Lifetimes, now time.Time) grant.Locator {
	if a.at != nil {
		return *a.at
	}
	return l.NewLocator(a.client, a.plan(l.Code, now), now)
}

// storedParameters returns the parameters that are stored while a request waits for its user.
// Others, which a client may send by mistake, can be credentials.
func storedParameters() []string {
	return []string{
		"client_id", "redirect_uri", "response_type", "response_mode", "state", "scope", "resource", "audience",
		"code_challenge", "code_challenge_method", "dpop_jkt", "nonce", "prompt", "max_age", "claims", "acr_values",
		"login_hint", "display", "ui_locales", "claims_locales", detail.Parameter,
	}
}

// maxParameters and maxEncoded bound the stored parameters of a request, in bytes, before and
// after they are encoded, since anonymous clients can send requests.
const (
	maxParameters = 16 << 10
	maxEncoded    = 24 << 10
)

// encode returns the request as a query string from which it can be checked again later. For
// the consent page it also has the scopes to consent to, under a name of this server.
func (a *AuthorizationRequest) encode() (string, error) {
	form := url.Values{
		authrequest.ConsentParameter: {strings.Join(a.access.ScopesToConsent(), " ")},
		authrequest.SubjectParameter: {a.hint},
	}
	if a.ownPage != "" {
		form.Set(authrequest.PageParameter, a.ownPage)
	}
	if a.trial != nil {
		form.Set(authrequest.TrialParameter, a.trial.sealed)
	}
	size := 0
	for _, name := range storedParameters() {
		values, ok := a.form[name]
		if !ok {
			continue
		}
		form[name] = values
		for _, value := range values {
			size += len(value)
		}
	}
	most := maxEncoded
	if details := a.form.Get(detail.Parameter); details != "" { // with a limit of its own
		size -= len(details)
		most += len(url.QueryEscape(details))
	}
	encoded := form.Encode()
	if size > maxParameters || len(encoded) > most {
		return "", oauth2.InvalidRequest("The request is too long")
	}
	return encoded, nil
}

// dropped returns the requested access that the response lacks.
func (a *AuthorizationRequest) dropped() oauth2.Dropped {
	d := oauth2.Dropped{
		Resources: a.registered.DroppedResources(a.requested.Resources, a.access.Resources), Details: a.requested.Details.Types(a.access.Details),
	}
	if a.form.Get("claims") != "" {
		d.Claims = a.registered.DroppedClaims(a.claims, a.access.Claims)
	}
	if !a.grantsLess() {
		return d
	}
	allowed := a.registered.Allowed(a.client)
	for _, name := range oauth2.Missing(strings.Fields(a.form.Get("scope")), a.access.Scopes) {
		switch {
		case grant.IsOfflineScope(name) && !a.responseType.has(responseCode):
			d.NotApplicable = append(d.NotApplicable, name)
		case slices.Contains(allowed, name):
			d.NotGranted = append(d.NotGranted, name)
		case a.registered.Get(name) != nil || slices.Contains(a.client.Scopes(), name):
			d.NotAllowed = append(d.NotAllowed, name)
		default:
			d.Unknown++
		}
	}
	return d
}

// RequestObjects opens request objects, as [requestobject.Opener] does.
type RequestObjects interface {
	// Open returns the parameters of a request, those of its request object if it has one.
	Open(ctx context.Context, c *client.Client, form url.Values) (url.Values, error)
}

// HintVerifier verifies ID tokens of this server.
type HintVerifier interface {
	// VerifyHint also accepts keys that have left the key set. It returns
	// [jwks.ErrUnknownKey] for a key that was deleted.
	VerifyHint(token string) (payload []byte, err error)
}

// Requests reads and checks authorization requests. All of its members are set.
type Requests struct {
	Issuer         string
	Clients        Clients
	Scopes         scope.Source
	RequestObjects RequestObjects
	Hints          HintVerifier
	Sealer         authrequest.Sealer // of trials
	Lifetimes      *tokens.Lifetimes
	MaxRedirectURL int  // bounds the Location of a response, in bytes
	SignUp         bool // allows prompt=create
	// LegacyResponseTypes allows the implicit and hybrid response types to clients that
	// registered them.
	LegacyResponseTypes bool
	// RequirePushed requires that all clients push their requests.
	RequirePushed bool
	// Profile is the security profile of the server.
	Profile profile.Profile
}

// read reads a new request. The client_id must be outside of a request object; the parameters
// of the object are then read as if they had been sent without it. An error with a nil request
// is for the user, since it is not known where a response may go; other errors are the
// response to the client.
//
// The error for an invalid object goes to the redirect_uri outside of it, if that is
// registered: the one inside cannot be trusted.
//
// Spec: RFC 6749 §4.1.1; OpenID Connect Core §3.1.2.1, §3.1.2.2, §6; RFC 9101 §5, §6.3; RFC 9700 §4.1.
func (q *Requests) read(ctx context.Context, form url.Values) (*AuthorizationRequest, error) {
	if sealed, ok := authrequest.SealedTrial(form.Get("request_uri")); ok {
		return q.readTrial(ctx, sealed)
	}
	c, err := q.client(ctx, form)
	if err != nil {
		return nil, err
	}
	opened, err := q.open(ctx, c, form)
	if err != nil {
		a, unregistered := newRequest(c, form)
		if unregistered != nil {
			return nil, err
		}
		if invalid := checkResponseMode(q, a); invalid != nil {
			return a, invalid
		}
		return a, err
	}
	a, err := q.readParameters(ctx, opened, false)
	if err == nil {
		err = q.checkPush(a)
	}
	return a, err
}

// open returns the parameters of a request of c, those of its request object if it has one, without
// those that only this server sets.
func (q *Requests) open(ctx context.Context, c *client.Client, form url.Values) (url.Values, error) {
	opened, err := q.RequestObjects.Open(ctx, c, form)
	if err == nil {
		opened.Del(authrequest.SubjectParameter)
	}
	return opened, err
}

// readParameters reads a request without a request object, which its client may have pushed.
func (q *Requests) readParameters(ctx context.Context, form url.Values, pushed bool) (*AuthorizationRequest, error) {
	c, err := q.client(ctx, form)
	if err != nil {
		return nil, err
	}
	a, err := newRequest(c, form)
	if err != nil {
		return nil, err
	}
	a.pushed = pushed
	if err := q.checkRedirect(a); err != nil {
		return nil, err
	}
	if a.registered, err = q.Scopes.Scopes(ctx); err != nil {
		return a, err
	}
	return a, q.check(a, atAuthorize)
}

// readStored reads a stored request and checks it again: its client may have changed since.
func (q *Requests) readStored(ctx context.Context, stored *authrequest.Request) (*AuthorizationRequest, error) {
	form, err := url.ParseQuery(stored.Parameters)
	if err != nil {
		return nil, err
	}
	var a *AuthorizationRequest
	switch {
	case stored.ClientID == client.AccountConsoleID:
		return q.readOwnPage(form)
	case stored.Device:
		a, err = q.readDevice(ctx, stored, form)
	case form.Has(authrequest.TrialParameter):
		a, err = q.readTrial(ctx, form.Get(authrequest.TrialParameter))
	default:
		a, err = q.readParameters(ctx, form, false)
	}
	if err != nil {
		return a, err
	}
	a.downscope(scope.Limits{
		Scopes: strings.Fields(form.Get(authrequest.ConsentParameter)), Resources: a.access.Resources,
		Details: detail.Limits{Listed: true, List: a.access.Details}, // the page took away the others
	})
	return a, nil
}

// readDevice reads the stored request of a device.
func (q *Requests) readDevice(ctx context.Context, stored *authrequest.Request, form url.Values) (*AuthorizationRequest, error) {
	c, err := q.client(ctx, form)
	if err != nil {
		return nil, err
	}
	a := &AuthorizationRequest{client: c, form: form, responseType: responseCode, device: &device{stored.Grant, stored.ExpiresAt}}
	if a.registered, err = q.Scopes.Scopes(ctx); err != nil {
		return a, err
	}
	if !c.AllowsGrantType(client.GrantDeviceCode) {
		return a, oauth2.StandardError(oauth2.CodeUnauthorizedClient)
	}
	return a, q.check(a, atVerification)
}

// CheckDevice checks a device authorization request of c, whose device code lives from now
// until expiresAt. It returns the access of the client if the user agrees, and the locator of
// the grant.
//
// Spec: RFC 8628 §3.1.
func (q *Requests) CheckDevice(ctx context.Context, c *client.Client, form url.Values, now, expiresAt time.Time) (scope.Access, grant.Locator, error) {
	form = maps.Clone(form)
	form.Del("claims") // no parameter of device authorization requests
	a := &AuthorizationRequest{client: c, form: form, responseType: responseCode, device: &device{expiresAt: expiresAt}}
	var err error
	if a.registered, err = q.Scopes.Scopes(ctx); err != nil {
		return scope.Access{}, grant.Locator{}, err
	}
	if err := q.check(a, atDevice); err != nil {
		return scope.Access{}, grant.Locator{}, err
	}
	return a.access, q.Lifetimes.NewLocator(c, a.plan(q.Lifetimes.Code, now), now), nil
}

// client returns the client of a request.
func (q *Requests) client(ctx context.Context, form url.Values) (*client.Client, error) {
	c, err := q.Clients.Client(ctx, form.Get("client_id"))
	if err == nil {
		refusal.SetClient(ctx, c.ID)
	}
	if errors.Is(err, client.ErrNotFound) || err == nil && c.Disabled {
		return nil, oauth2.NewError(oauth2.CodeInvalidClient, "The client_id of the application is unknown")
	}
	return c, err
}

// newRequest returns a request whose redirect_uri is registered for c. Its other parameters
// are not checked.
func newRequest(c *client.Client, form url.Values) (*AuthorizationRequest, error) {
	redirectURI := form.Get("redirect_uri")
	if !c.MatchRedirectURI(redirectURI) {
		return nil, errRedirectURI(c, redirectURI)
	}
	return &AuthorizationRequest{client: c, redirectURI: redirectURI, state: form.Get("state"), responseMode: modeQuery, form: form}, nil
}
