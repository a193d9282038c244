package authorize

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
)

// Hooks are the operator's programs that have a say in tokens; nil is none.
type Hooks struct {
	Token   tokenhook.Caller // about every token of the token endpoint
	Refresh tokenhook.Caller // about those for a refresh token, before the other
}

// has reports whether somebody is asked about what comes by a grant type. What the
// authorization endpoint gives out itself nobody is asked about.
func (h *Hooks) has(grantType string) bool {
	return grantType != client.GrantImplicit && (h.Token != nil || h.Refresh != nil && grantType == client.GrantRefreshToken)
}

// errUnasked reports that a token was about to be made past the hooks.
var errUnasked = errors.New("no hook was asked")

// askBefore asks the hooks about a code or refresh token before it is claimed: what
// they refuse, or fail to answer, is still good afterwards. Where the claim is bound to
// fail nobody is asked, and the claim says why.
//
// It costs a statement, where there are hooks.
func (h *Handler) askBefore(ctx context.Context, u *unit) error {
	way := u.way()
	if !h.Hooks.has(way) || way != client.GrantAuthorizationCode && way != client.GrantRefreshToken {
		return nil
	}
	held, err := h.foresee(ctx, u)
	if err != nil || held == nil {
		return err
	}
	return h.askAbout(ctx, u, held)
}

// askDevice is askBefore for the device whose person has allowed the grant.
func (h *Handler) askDevice(ctx context.Context, u *unit, ref grant.Locator) error {
	if !h.Hooks.has(u.way()) {
		return nil
	}
	held, err := h.Grants.LiveGrant(ctx, ref, "", u.now)
	if errors.Is(err, grant.ErrNotFound) || err == nil && !held.CodeRedeemedAt.IsZero() {
		return nil // the claim says so
	}
	if err != nil {
		return err
	}
	return h.askAbout(ctx, u, held)
}

// askAbout asks the hooks about the grant that is about to be claimed.
func (h *Handler) askAbout(ctx context.Context, u *unit, held *grant.GrantWithAccount) error {
	access, err := u.narrow(held)
	if err != nil {
		return nil //nolint:nilerr // the claim returns the error later
	}
	about := h.about(u, access.Scopes, access.Resources)
	about.Extra = held.Authorization.ExtraClaims
	about.Person = tokenhook.Person{
		Subject: held.Subject, KnownAs: held.SubjectFor(h.Subjects.Of(u.client, held.Subject)), Username: held.Username, Issuer: h.Issuer,
		AuthTime: held.Authorization.AuthTime, ACR: held.Authorization.ACR, AMR: held.Authorization.AMR, Nonce: held.Authorization.Nonce, Now: u.now,
	}
	if len(about.RequestedScopes) == 0 {
		about.RequestedScopes = held.Scopes
	}
	extra, err := h.ask(ctx, u, about)
	if err != nil {
		return err
	}
	held.Authorization.ExtraClaims = extra
	u.detail = &held.Authorization
	return nil
}

// askAlone asks the hooks about a token without a grant, for subject.
func (h *Handler) askAlone(ctx context.Context, u *unit, subject string) (err error) {
	if !h.Hooks.has(u.way()) {
		return nil
	}
	about := h.about(u, u.scopes, u.resources)
	about.Assertion = u.form.Get("assertion")
	about.Person = tokenhook.Person{Subject: subject, KnownAs: subject, Issuer: h.Issuer, Now: u.now}
	u.extra, err = h.ask(ctx, u, about)
	return err
}

func (h *Handler) about(u *unit, scopes, resources []string) *tokenhook.Subject {
	return &tokenhook.Subject{
		GrantType: u.way(), ClientID: u.client.ID, RequestedScopes: strings.Fields(u.form.Get("scope")), Scopes: scopes, Audience: resources,
		Style: tokenhook.Style{TopLevel: h.ClaimStyle.TopLevel, Mirror: h.ClaimStyle.Mirror},
	}
}

// ask asks one hook after the other. The second hears what the first has said.
func (h *Handler) ask(ctx context.Context, u *unit, about *tokenhook.Subject) (grant.ExtraClaims, error) {
	var err error
	if h.Hooks.Refresh != nil && about.GrantType == client.GrantRefreshToken {
		if about.Extra, err = tokenhook.Refresh(ctx, h.Hooks.Refresh, about); err != nil {
			return grant.ExtraClaims{}, refusedByHook(err)
		}
	}
	if h.Hooks.Token != nil {
		if about.Extra, err = tokenhook.Tokens(ctx, h.Hooks.Token, about); err != nil {
			return grant.ExtraClaims{}, refusedByHook(err)
		}
	}
	u.asked = true
	return about.Extra, nil
}

// refusedByHook gives err the words of the protocol. A hook that fails is a fault of
// ours as far as the client can see; where there is too much to ask, it is of the moment.
func refusedByHook(err error) error {
	if errors.Is(err, tokenhook.ErrDenied) {
		return hookDenied(err)
	}
	if errors.Is(err, tokenhook.ErrFailed) {
		return refusal.Wrap(err, refusal.HookFailed, "a hook gave no usable answer")
	}
	return err
}

func hookDenied(err error) error {
	denied := oauth2.StandardError(oauth2.CodeAccessDenied)
	denied.Status, denied.Rule, denied.Reason, denied.Err = http.StatusForbidden, refusal.HookDenied, "a hook denied the tokens", err
	return denied
}

// foresee returns the grant that the code or refresh token of the request would claim,
// as it is now, or nil if the claim is bound to fail.
func (h *Handler) foresee(ctx context.Context, u *unit) (*grant.GrantWithAccount, error) {
	kind, sent := tokens.Refresh, u.form.Get("refresh_token")
	if u.way() == client.GrantAuthorizationCode {
		kind, sent = tokens.Code, u.form.Get("code")
	}
	handle, err := h.Codec.Parse(kind, sent)
	if err != nil {
		return nil, nil //nolint:nilerr // the claim returns the error
	}
	held, err := h.Grants.LiveGrant(ctx, handle.Ref, "", u.now)
	switch {
	case errors.Is(err, grant.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case held.ClientID != u.client.ID || !h.Codec.Belongs(kind, handle, held.Seed):
		return nil, nil
	}
	good := h.refreshable(u, handle, held)
	if kind == tokens.Code {
		good = u.redeemable(held)
	}
	if !good {
		return nil, nil
	}
	return held, nil
}

// redeemable reports whether the code of a grant is good for the request.
func (u *unit) redeemable(held *grant.GrantWithAccount) bool {
	challenge, verifier := held.Authorization.Challenge, u.form.Get("code_verifier")
	return held.CodeRedeemedAt.IsZero() && u.now.Before(held.CodeExpiresAt) &&
		u.form.Get("redirect_uri") == held.Authorization.RedirectURI &&
		(challenge == "" && verifier == "" || verifierFits(verifier, challenge))
}

// refreshable reports whether a refresh token is the current one of its grant, or only
// late.
func (h *Handler) refreshable(u *unit, handle tokens.Handle, held *grant.GrantWithAccount) bool {
	current := held.RefreshGeneration == int64(handle.Generation)
	return u.now.Before(held.ExpiresAt) && (current || h.replay(u, handle, held))
}
