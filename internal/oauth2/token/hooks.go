package token

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/tokenhook"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
)

// Hooks are webhooks that can deny tokens and change their claims. They are called before a
// credential is redeemed, which therefore remains valid if they deny the request or fail.
type Hooks struct {
	Token   tokenhook.Caller // called for every grant type; nil for none
	Refresh tokenhook.Caller // called before Token for refresh tokens; nil for none

	Issuer     string
	Subjects   client.Subjects
	ClaimStyle tokens.ClaimStyle
}

// follow reports whether a hook is called for a client and grant type. None is called for a
// built-in client: a hook that fails would keep the administrators out who could repair it.
func (h *Hooks) follow(c *client.Client, s Spec) bool {
	return !client.IsBuiltIn(c.ID) && (h.Token != nil || h.Refresh != nil && s.RefreshHook)
}

// errHooksNotCalled reports that tokens were about to be issued without calling the hooks.
var errHooksNotCalled = errors.New("no hook was called")

// call calls the hooks and stores their results in x. It calls no hook if Redeem is bound to
// fail, which then returns the reason.
func (h *Hooks) call(ctx context.Context, x *Exchange, b *Basis) error {
	var subject *tokenhook.Subject
	switch {
	case b.Grant != nil:
		access, _, err := x.downscope(b)
		if err != nil {
			return nil //nolint:nilerr // Redeem fails with the same error
		}
		subject = h.aboutGrant(x, b.Grant, access)
	case b.Subject != "":
		subject = h.aboutClient(x, b)
	default:
		return nil
	}
	extra, err := h.callEach(ctx, x, subject)
	if err != nil {
		return err
	}
	x.hooksCalled = true
	if b.Grant == nil {
		x.ExtraClaims = extra
		return nil
	}
	b.Grant.Authorization.ExtraClaims = extra
	x.Authorization = &b.Grant.Authorization
	return nil
}

func (h *Hooks) aboutGrant(x *Exchange, g *grant.WithAccount, access scope.Access) *tokenhook.Subject {
	s := h.about(x, access)
	s.Extra = g.Authorization.ExtraClaims
	s.User = tokenhook.User{
		Subject: g.Subject, ClientSubject: g.SubjectFor(h.Subjects.Of(x.Client, g.Subject)), Username: g.Username, Issuer: h.Issuer,
		AuthTime: g.Authorization.AuthTime, ACR: g.Authorization.ACR, AMR: g.Authorization.AMR, Nonce: g.Authorization.Nonce, Now: x.Now,
	}
	if len(s.RequestedScopes) == 0 {
		s.RequestedScopes = g.Scopes
	}
	return s
}

// aboutClient returns the input of hooks for a token without a grant.
func (h *Hooks) aboutClient(x *Exchange, b *Basis) *tokenhook.Subject {
	s := h.about(x, b.Access)
	s.Assertion = x.Form.Get("assertion")
	s.User = tokenhook.User{Subject: b.Subject, ClientSubject: b.Subject, Issuer: h.Issuer, Now: x.Now}
	return s
}

func (h *Hooks) about(x *Exchange, access scope.Access) *tokenhook.Subject {
	return &tokenhook.Subject{
		GrantType: x.spec.Type, ClientID: x.Client.ID, RequestedScopes: strings.Fields(x.Form.Get("scope")),
		Scopes: access.Scopes, Audience: access.Resources,
		Style: tokenhook.Style{TopLevel: h.ClaimStyle.TopLevel, Mirror: h.ClaimStyle.Mirror},
	}
}

// callEach calls one hook after the other. The input of the second has the result of the first.
func (h *Hooks) callEach(ctx context.Context, x *Exchange, s *tokenhook.Subject) (grant.ExtraClaims, error) {
	var err error
	if h.Refresh != nil && x.spec.RefreshHook {
		if s.Extra, err = tokenhook.Refresh(ctx, h.Refresh, s); err != nil {
			return grant.ExtraClaims{}, hookError(err)
		}
	}
	if h.Token != nil {
		if s.Extra, err = tokenhook.Tokens(ctx, h.Token, s); err != nil {
			return grant.ExtraClaims{}, hookError(err)
		}
	}
	return s.Extra, nil
}

// hookError returns the error response for the error of a hook. A hook that fails is a
// failure of the server, and a temporary one if too many calls are waiting.
func hookError(err error) error {
	if !errors.Is(err, tokenhook.ErrDenied) {
		return refusal.Wrap(err, refusal.HookFailed, "a hook returned no valid response")
	}
	denied := oauth2.StandardError(oauth2.CodeAccessDenied)
	denied.Status, denied.Rule, denied.Reason, denied.Err = http.StatusForbidden, refusal.HookDenied, "a hook denied the tokens", err
	return denied
}
