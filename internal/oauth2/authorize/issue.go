package authorize

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2/engine"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/scope"
)

// respond writes the grant and then the authorization response.
func (h *Handler) respond(w http.ResponseWriter, r *http.Request, f *flow) {
	ctx, a := r.Context(), f.request
	if a.ownPage != "" {
		(&responder{&h.Config}).returnToPage(w, f)
		return
	}
	missing, err := h.joinSession(ctx, f)
	if err != nil {
		h.refuse(w, r, a, err)
		return
	}
	if missing != nil {
		f.browserSession = browserSession{}
		h.signIn(w, r, f, missing)
		return
	}
	if answer := f.consentAnswer(); answer != nil {
		a.downscope(scope.Limits{
			Scopes: answer.Scopes, Resources: answer.Resources, Details: detail.Limits{Listed: true, List: answer.Details},
		})
		if err := h.Requests.check(a, atApp); err != nil {
			h.refuse(w, r, a, err)
			return
		}
	}
	if err := h.Sessions.Touch(r, f.session); err != nil {
		// The response does not depend on it, and the next request tries again.
		h.Log.LogAttrs(ctx, slog.LevelWarn, "session not kept alive", slog.Any("error", err))
	}
	if a.device != nil {
		h.allowDevice(w, r, f)
		return
	}
	g := h.newGrant(f)
	parameters, err := h.issue(ctx, f, g)
	if err != nil {
		h.refuse(w, r, a, err)
		return
	}
	err = h.Grants.InsertGrant(ctx, &g.Grant)
	if errors.Is(err, grant.ErrExists) {
		// The user returned to a request that was answered before, with another code.
		h.refuse(w, r, nil, errExpired("This sign-in is already complete", a.client))
		return
	}
	if err != nil {
		h.refuse(w, r, a, err)
		return
	}
	if f.stored != nil {
		h.Cookies.UnbindRequest(w, f.stored.ID)
	}
	h.Used(a.client.ID)
	dropped := a.dropped()
	dropped.Note(ctx, a.client, &g.Grant)
	(&responder{&h.Config}).write(w, r, a, append(parameters, h.sessionState(w, r, f)...))
}

// newGrant returns the grant that the request leads to, with its user.
func (h *Handler) newGrant(f *flow) *grant.WithAccount {
	a, s, now := f.request, f.session, f.now
	g := grant.Grant{
		Kind: grant.KindCode, ClientID: a.client.ID, Subject: s.Subject, SessionID: s.ID,
		Scopes: a.access.Scopes, Resources: a.access.Resources,
		CreatedAt: now, Seed: make([]byte, 32), JWKThumbprint: a.jkt,
		Authorization: grant.Authorization{
			RedirectURI: a.redirectURI, Challenge: a.challenge, Nonce: a.nonce,
			AuthTime: s.AuthTime.Unix(), ACR: f.acr(), AMR: s.AMR,
			ExtraClaims: f.extraClaims(),
		},
	}
	_, _ = rand.Read(g.Seed) // never fails: crypto/rand ends the process instead
	a.access.StoreIn(&g.Authorization)
	plan := a.plan(h.Lifetimes.Code, now)
	if f.stored != nil {
		g.Locator = f.stored.Grant
	} else {
		g.Locator = a.locator(h.Lifetimes, now)
	}
	if plan.Code {
		g.CodeExpiresAt = now.Add(h.Lifetimes.Code)
	} else {
		g.Kind = grant.KindImplicit
	}
	g.ExpiresAt, g.EndsAt = h.Lifetimes.GrantEnd(a.client, plan, now)
	if a.trial != nil {
		g.Kind, g.EndsAt = grant.KindTrial, now.Add(authrequest.TrialLifetime)
		g.ExpiresAt = g.EndsAt
	}
	g.TokensUntil = now
	if plan.AccessToken {
		g.TokensUntil = h.Lifetimes.AccessUntil(a.client, client.GrantImplicit, plan.Longest, now)
	}
	return &grant.WithAccount{Grant: g, Username: s.Username, Claims: s.Claims, Released: s.Released}
}

// errIncomplete reports a response that lacks something of its response type.
var errIncomplete = errors.New("authorize: the response is incomplete")

// issue returns the parameters of the response type, made by fosite. Other parameters of
// fosite are left out.
//
// Spec: RFC 6749 §4.1.2, §4.2.2; OpenID Connect Core §3.2.2.5, §3.3.2.5.
func (h *Handler) issue(ctx context.Context, f *flow, g *grant.WithAccount) ([]parameter, error) {
	a := f.request
	made, err := h.Engine.Authorize(ctx, &engine.Authorization{
		RedirectURI: a.redirectURI, ResponseType: string(a.responseType), State: a.state, Nonce: a.nonce, Challenge: a.challenge,
		Tokens: &tokens.Request{
			Now: f.now, Client: a.client, GrantType: client.GrantImplicit, Registered: a.registered,
			Access: a.access, Nonce: a.nonce, ThroughBrowser: true, Grant: g,
		},
	})
	if err != nil {
		return nil, err
	}
	var response []parameter
	if a.responseType.has(responseCode) {
		response = append(response, parameter{"code", made.Code})
	}
	if a.responseType.has(responseToken) {
		response = append(response,
			parameter{"access_token", made.AccessToken}, parameter{"token_type", "Bearer"},
			parameter{"expires_in", strconv.FormatInt(int64(made.ExpiresIn.Seconds()), 10)})
		if scopes := a.registered.InToken(a.access).Scopes; a.grantsLess() || len(scopes) < len(a.access.Scopes) {
			response = append(response, parameter{"scope", strings.Join(scopes, " ")})
		}
		if details := a.access.Details.Text(); details != "" {
			response = append(response, parameter{detail.Parameter, details})
		}
	}
	if a.responseType.has(responseIDToken) {
		response = append(response, parameter{"id_token", made.IDToken})
	}
	if slices.ContainsFunc(response, func(p parameter) bool { return p.value == "" && p.name != "scope" }) {
		return nil, errIncomplete
	}
	return response, nil
}
