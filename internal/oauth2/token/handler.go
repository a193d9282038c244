// Package token serves the token endpoint. Each grant type is one file that implements
// [Grant]; the handler runs the phases that every grant shares: client authentication, allowed
// grant type, hooks, redemption, downscoping, issuing and the response.
package token

import (
	"context"
	"net/http"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/onetime"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
)

// Handler serves the token endpoint.
type Handler struct {
	Config

	grants []Grant
}

// Response is a successful token response.
//
// Spec: RFC 6749 §5.1, OpenID Connect Core §3.1.3.3.
type Response struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	Scope        string `json:"scope"`
	// IssuedTokenType is the type of the token of a token exchange (RFC 8693 section 2.2.1).
	IssuedTokenType string `json:"issued_token_type,omitempty"`

	Details detail.List `json:"authorization_details,omitempty"` // RFC 9396 §7
}

// ServeHTTP serves POST /oauth2/token.
//
// Spec: RFC 6749 §3.2, §4.1.3, §4.4, §5, §6; RFC 7523 §2.1; RFC 7636 §4.5; RFC 8628 §3.4;
// RFC 8693 §2; RFC 9396 §6, §7; RFC 9449 §5; OpenID Connect Core §3.1.3, §12; CIBA Core §10.1.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	response, err := h.exchange(w, r)
	if err != nil {
		oauth2.WriteError(w, r, err)
		return
	}
	h.Issued(r.PostForm.Get("grant_type"))
	httpapi.JSON(w, http.StatusOK, response)
}

// exchange authenticates the client and runs the token request. It uses up the client's assertion and
// proof even if the request is rejected.
func (h *Handler) exchange(w http.ResponseWriter, r *http.Request) (*Response, error) {
	ctx, once := onetime.Collect(r.Context())
	var response *Response
	x, err := h.authenticate(ctx, r)
	if err == nil {
		x.once = once
		response, err = h.run(ctx, w, x)
	}
	if used := h.OneTime.ClaimAll(ctx, h.Now(), once.Take()...); used != nil {
		return nil, used
	}
	return response, err
}

// run runs the phases of a token request after the authentication of the client. The client of a trial
// proves no key: this server has none of its keys.
func (h *Handler) run(ctx context.Context, w http.ResponseWriter, x *Exchange) (*Response, error) {
	g, err := h.grantOf(x)
	if err != nil {
		return nil, err
	}
	if err := h.prove(ctx, w, x); err != nil {
		return nil, err
	}
	if err := h.checkProfile(x); err != nil {
		return nil, err
	}
	if err := h.OneTime.ClaimAll(ctx, x.Now, x.once.Take()...); err != nil {
		return nil, err
	}
	candidate, err := g.Check(ctx, x)
	if err != nil {
		return nil, err
	}
	if x.HooksFollow {
		if err := h.Hooks.call(ctx, x, &candidate.Basis); err != nil {
			return nil, err
		}
	}
	redeemed, err := candidate.Redeem(ctx)
	if err != nil {
		return nil, err
	}
	if g := redeemed.Grant; g != nil && !x.Client.Admits(g.Released.Groups) {
		return nil, errNotAdmitted(g.Subject)
	}
	basis := candidate.Basis
	basis.Grant = redeemed.Grant
	access, dropped, err := x.downscope(&basis)
	if err != nil {
		return nil, err
	}
	issued, err := h.issue(ctx, x, &basis, &redeemed, access)
	if err != nil {
		return nil, err
	}
	dropped.Note(ctx, x.Client, basis.grant())
	if client.IsBuiltIn(x.Client.ID) && basis.Grant != nil {
		// The consoles read the ID token alone, so that nothing that was issued stays usable.
		if err := h.Grants.RevokeGrant(ctx, basis.Grant.Locator, x.Client.ID, grant.RevokedByClient, x.Now); err != nil {
			return nil, err
		}
	}
	if !x.trial {
		h.Used(x.Client.ID)
	}
	tokenType := tokens.TypeFor(x.Sender)
	if redeemed.IssuedType == typeIDToken {
		tokenType = "N_A" // RFC 8693 section 2.2.1
	}
	return &Response{
		AccessToken: issued.AccessToken, TokenType: tokenType, IssuedTokenType: redeemed.IssuedType, ExpiresIn: int64(issued.ExpiresIn.Seconds()),
		RefreshToken: issued.RefreshToken, IDToken: issued.IDToken, Scope: strings.Join(x.Registered.InToken(access).Scopes, " "), Details: access.Details,
	}, nil
}

// authenticate authenticates the client and reads the registered scopes.
func (h *Handler) authenticate(ctx context.Context, r *http.Request) (*Exchange, error) {
	x := &Exchange{Now: h.Now(), Form: r.PostForm, HTTP: r}
	var err error
	if x.Client, err = h.Authenticator.Authenticate(ctx, r); err != nil {
		return nil, err
	}
	x.Registered, err = h.Scopes.Scopes(ctx)
	return x, err
}

// grantOf returns the grant type of the request, if the client may use it and the request has
// its credential.
func (h *Handler) grantOf(x *Exchange) (Grant, error) {
	grantType := x.Form.Get("grant_type")
	if grantType == "" {
		return nil, oauth2.InvalidRequest("The parameter grant_type is missing")
	}
	g, ok := find(h.grants, grantType)
	if !ok {
		return nil, oauth2.NewError(oauth2.CodeUnsupportedGrantType, "This grant_type is not supported")
	}
	if !x.Client.AllowsGrantType(grantType) {
		return nil, oauth2.StandardError(oauth2.CodeUnauthorizedClient).Because(refusal.New(refusal.GrantTypeNotRegistered,
			"the client did not register the grant type", refusal.Registered("used_grant_type", grantType),
			refusal.Registered("registered_grant_types", strings.Join(x.Client.GrantTypes, " "))))
	}
	x.spec = g.Spec()
	if name := x.spec.Credential; name != "" && x.Form.Get(name) == "" {
		return nil, oauth2.InvalidRequest("The parameter " + name + " is missing").
			Because(refusal.New(refusal.ParameterMissing, "the parameter "+name+" is missing"))
	}
	x.HooksFollow = h.Hooks.follow(x.Client, x.spec)
	x.AccessUntil = h.Lifetimes.AccessUntil(x.Client, grantType, x.Registered.LongestToken(x.Client), x.Now)
	return g, nil
}

// issue issues the tokens. It refuses if hooks were not called that should have been.
func (h *Handler) issue(ctx context.Context, x *Exchange, b *Basis, redeemed *Redeemed, access scope.Access) (tokens.Tokens, error) {
	if h.Hooks.follow(x.Client, x.spec) && !x.hooksCalled {
		return tokens.Tokens{}, errHooksNotCalled
	}
	x.request = tokens.Request{
		Now: x.Now, Client: x.Client, GrantType: x.spec.Type, Registered: x.Registered,
		Access: access, Refresh: redeemed.Refresh.issues(x.Client, access.Scopes), Nonce: redeemed.Nonce,
		Grant: b.Grant, Subject: b.Subject, Trust: b.Trust, ExtraClaims: x.ExtraClaims, Sender: x.Sender, AuthReqID: redeemed.AuthReqID,
	}
	return redeemed.Issuer.Issue(ctx, &x.request)
}

// grant returns the grant of the basis, or nil.
func (b *Basis) grant() *grant.Grant {
	if b.Grant == nil {
		return nil
	}
	return &b.Grant.Grant
}
