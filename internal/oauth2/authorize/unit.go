package authorize

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/url"
	"slices"
	"time"

	"github.com/ory/fosite"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2/assertion"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
)

// unit is the work of one request. fosite asks its storage for many small
// things; they are all answered from the one row that the unit holds.
type unit struct {
	now    time.Time
	client *client.Client
	known  *scope.Set // the scopes at the time of the request
	form   url.Values

	held  *grant.GrantWithAccount // what tokens are made from: the grant to be written, or the one that a claim returned
	state string                  // authorize: the client's

	asserted *assertion.Assertion // in place of a grant: what a trusted issuer said

	asked  bool                 // by hooks
	detail *grant.Authorization // of the grant, as a hook wants it to be from now on
	extra  grant.ExtraClaims    // what a hook says in a token without a grant

	generation int64    // of the refresh token to hand out
	scopes     []string // of the access token; narrower than the grant's if asked for
	resources  []string
	access     scope.Access        // the two above, and the claims that the tokens may release by name
	granted    scope.ClaimsRequest // what was granted by name
	allowed    scope.Access        // the part of the grant that the client may still have
	expiresIn  time.Duration       // of the access token, once it is made

	// cause explains a verdict of fosite's on the code.
	cause *refusal.Cause

	// err is the first failure of the database. fosite turns those into verdicts
	// on what the client sent, so the endpoint asks here before it believes fosite.
	err error
}

type unitKey struct{}

func withUnit(ctx context.Context, u *unit) context.Context {
	return context.WithValue(ctx, unitKey{}, u)
}

// unitOf returns the unit of the request that ctx belongs to. Without one, a
// route was wired past its endpoint, and nothing may be given out.
func unitOf(ctx context.Context) *unit {
	u, ok := ctx.Value(unitKey{}).(*unit)
	if !ok {
		return &unit{err: errNoUnit}
	}
	return u
}

// fail keeps the first failure of the database and returns it.
func (u *unit) fail(err error) error {
	if u.err == nil {
		u.err = err
	}
	return err
}

// verdict returns what to believe of fosite's err: a failure of ours comes first.
func (u *unit) verdict(err error) error {
	if u.err != nil {
		return u.err
	}
	return fromEngine(u.explain(err))
}

// requester returns the authorization request that a held grant came from, as
// fosite wants to see it.
func (u *unit) requester() *fosite.Request {
	r := fosite.NewRequest()
	r.ID = u.held.ID.String()
	r.Client = u.engineClient()
	r.RequestedAt = u.now
	r.RequestedScope = u.scopes
	r.GrantedScope = u.scopes
	r.RequestedAudience = u.resources
	r.GrantedAudience = u.resources
	r.Session = newEngineSession(u.held.Subject)
	r.Form = url.Values{"redirect_uri": {u.held.Authorization.RedirectURI}}
	if challenge := u.held.Authorization.Challenge; challenge != "" {
		r.Form.Set("code_challenge", challenge)
		r.Form.Set("code_challenge_method", "S256")
	}
	return r
}

// engineClient returns the client of the unit as fosite wants to see it.
func (u *unit) engineClient() engineClient {
	return engineClient{Client: u.client, scopes: u.known.Allowed(u.client)}
}

// mayRefresh reports whether the client gets a refresh token for the scopes of the
// access token.
func (u *unit) mayRefresh() bool {
	return slices.ContainsFunc(u.scopes, grant.IsOfflineScope) && u.client.AllowsGrantType(client.GrantRefreshToken)
}

// hold makes the unit work on held. Until [unit.take] says otherwise, its tokens have all
// of the scopes and resources that were granted, and release no claims.
func (u *unit) hold(held *grant.GrantWithAccount) {
	u.held, u.generation, u.scopes, u.resources = held, held.RefreshGeneration, held.Scopes, held.Resources
}

// take makes access what the unit's tokens give.
func (u *unit) take(access scope.Access) {
	u.scopes, u.resources, u.access = access.Scopes, access.Resources, access
}

// mercy is how long after its spending a code may come again from its own client
// without ending the grant: a double submit is not a theft.
const mercy = 2 * time.Second

// doubleSubmit reports whether a spent code comes again from whom it was given
// to: the same client (which the store has seen to), the same redirect URI and
// the right verifier, within moments. A thief has no verifier.
func (u *unit) doubleSubmit(held *grant.GrantWithAccount) bool {
	return u.now.Sub(held.CodeRedeemedAt) <= mercy &&
		u.form.Get("redirect_uri") == held.Authorization.RedirectURI &&
		verifierFits(u.form.Get("code_verifier"), held.Authorization.Challenge)
}

// verifierFits reports whether verifier answers challenge by S256 (RFC 7636
// section 4.6). No challenge fits nothing.
func verifierFits(verifier, challenge string) bool {
	sum := sha256.Sum256([]byte(verifier))
	got := base64.RawURLEncoding.EncodeToString(sum[:])
	return challenge != "" && subtle.ConstantTimeCompare([]byte(got), []byte(challenge)) == 1
}
