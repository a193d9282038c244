package authorize

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/ciba"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/scope"
)

// CheckBackchannel checks the parameters of a backchannel authentication request of c that other
// authorization requests have too. The request lives for lifetime from now.
//
// Spec: CIBA Core §7.1, §7.2.
func (q *Requests) CheckBackchannel(ctx context.Context, c *client.Client, form url.Values, now time.Time, lifetime time.Duration) (*ciba.Checked, error) {
	form = maps.Clone(form)
	form.Del("claims")                     // no parameter of backchannel authentication requests
	form.Del(authrequest.SubjectParameter) // only this server sets it
	a := &AuthorizationRequest{client: c, form: form, responseType: responseCode, backchannel: lifetime}
	var err error
	if a.registered, err = q.Scopes.Scopes(ctx); err != nil {
		return nil, err
	}
	if err := q.check(a, atBackchannel); err != nil {
		return nil, err
	}
	dropped := a.dropped()
	dropped.Note(ctx, c, nil)
	return &ciba.Checked{
		At: q.Lifetimes.NewLocator(c, a.plan(q.Lifetimes.Code, now), now), Access: a.access, ACRValues: a.requirements.acr, HintSubject: a.hint,
	}, nil
}

// checkOpenIDForBackchannel requires the scope openid.
//
// Spec: CIBA Core §7.1.
func checkOpenIDForBackchannel(_ *Requests, a *AuthorizationRequest) error {
	if !slices.Contains(a.access.Scopes, oauth2.ScopeOpenID) {
		return oauth2.NewError(oauth2.CodeInvalidScope, "A backchannel authentication request needs the scope openid, and the client must be allowed to have it")
	}
	return nil
}

// BackchannelGrant returns the grant of a request that its user has allowed, with the access that the
// client may still have, and what that lacks of the request.
//
// Spec: CIBA Core §8, §10.1.1.
func (q *Requests) BackchannelGrant(ctx context.Context, c *client.Client, r *ciba.Request, by *ciba.Approval, now time.Time) (*grant.Grant, error) {
	a := &AuthorizationRequest{client: c, responseType: responseCode, backchannel: r.ExpiresAt.Sub(now), form: url.Values{
		"client_id": {c.ID}, "scope": {strings.Join(r.Details.Scopes, " ")}, "audience": r.Details.Resources, // also those that are no URIs
	}}
	if details := r.Details.AuthorizationDetails.Text(); details != "" {
		a.form.Set(detail.Parameter, details)
	}
	var err error
	if a.registered, err = q.Scopes.Scopes(ctx); err != nil {
		return nil, err
	}
	if !c.AllowsGrantType(client.GrantCIBA) {
		return nil, oauth2.StandardError(oauth2.CodeUnauthorizedClient)
	}
	if err := q.check(a, atBackchannel); err != nil {
		return nil, err
	}
	a.downscope(scope.Limits{Scopes: by.Scopes, Resources: a.access.Resources, Details: detail.Limits{Listed: true, List: a.access.Details}})
	g := &grant.Grant{
		Locator: r.Grant, Kind: grant.KindCIBA, ClientID: c.ID, Subject: by.Subject, Scopes: a.access.Scopes, Resources: a.access.Resources,
		CreatedAt: now, TokensUntil: now,
		Authorization: grant.Authorization{AuthTime: by.AuthTime.Unix(), ACR: by.ACR, AMR: by.AMR},
	}
	a.access.StoreIn(&g.Authorization)
	g.ExpiresAt, g.EndsAt = q.Lifetimes.GrantEnd(c, a.plan(q.Lifetimes.Code, now), now)
	return g, nil
}
