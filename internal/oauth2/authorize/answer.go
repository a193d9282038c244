package authorize

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
)

// answer writes the grant, then the answer to the client: what was sent exists.
// A grant that leads to nothing more, since all of its tokens are in the answer, is
// written too: it ends them, and answers its request only once.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, a *asked, here present, waiting *authrequest.Request, now time.Time) {
	if a.device != nil {
		h.allowDevice(w, r, a, here, waiting, now)
		return
	}
	u := &unit{now: now, client: a.client, known: a.known, state: a.state}
	u.hold(h.newGrant(a, here, waiting, now))
	u.take(a.access)
	given, err := h.authorize(withUnit(r.Context(), u), a, u)
	if err == nil {
		err = h.Grants.InsertGrant(r.Context(), &u.held.Grant)
	}
	switch {
	case errors.Is(err, grant.ErrExists):
		// The person came back to a request that was answered: its code is out.
		h.writeAuthorizeError(w, r, nil, errExpired("This sign-in was finished already", a.client))
		return
	case err != nil:
		h.writeAuthorizeError(w, r, a, err)
		return
	}
	if waiting != nil {
		h.Cookies.UnbindRequest(w, waiting.ID)
	}
	noteDropped(r.Context(), a.dropped(), a.client, &u.held.ID)
	h.respond(w, r, a, append(given, h.sessionState(w, r, a, here.session)...))
}

// newGrant returns the grant that the request asks for, with the person behind it.
func (h *Handler) newGrant(a *asked, here present, waiting *authrequest.Request, now time.Time) *grant.GrantWithAccount {
	s := here.session
	g := grant.Grant{
		Kind: grant.KindCode, ClientID: a.client.ID, Subject: s.Subject, SessionID: s.ID,
		Scopes: a.access.Scopes, Resources: a.access.Resources,
		CreatedAt: now, Seed: newSeed(),
		Authorization: grant.Authorization{
			RedirectURI: a.redirectURI, Challenge: a.challenge, Nonce: a.nonce,
			AuthTime: s.AuthTime.Unix(), ACR: acr(waiting, s), AMR: s.AMR,
			ExtraClaims: extra(waiting, here),
		},
	}
	a.access.StoreIn(&g.Authorization)
	if waiting != nil {
		g.Locator = waiting.Grant
	} else {
		g.Locator = h.newRef(a, now)
	}
	if a.answers.has(answerCode) {
		g.CodeExpiresAt = now.Add(h.Lifetimes.Code)
	} else {
		g.Kind = grant.KindImplicit
	}
	g.ExpiresAt, g.EndsAt = h.ends(a, now)
	g.TokensUntil = now
	if a.answers.has(answerToken) {
		g.TokensUntil = wholeSecond(now.Add(h.accessLifetime(a.client, client.GrantImplicit)))
	}
	return &grant.GrantWithAccount{Grant: g, Username: s.Username, Claims: s.Claims}
}

// ends returns when a grant of now ends unused, and when in any case: with the last
// token that there can be under it.
func (h *Handler) ends(a *asked, now time.Time) (idle, absolute time.Time) {
	way, code := client.GrantAuthorizationCode, h.Lifetimes.Code
	if a.device != nil {
		way, code = client.GrantDeviceCode, a.device.until.Sub(now)
	}
	if a.wantsRefresh() {
		absolute = now.Add(h.Lifetimes.RefreshAbsolute)
		if idle = now.Add(h.refreshLifetime(a.client, way)); absolute.Before(idle) {
			idle = absolute
		}
		return idle, absolute
	}
	var lasting time.Duration
	if a.answers.has(answerCode) {
		lasting = code + h.accessLifetime(a.client, way)
	}
	if a.answers.has(answerToken) {
		lasting = max(lasting, h.accessLifetime(a.client, client.GrantImplicit))
	}
	if lasting == 0 {
		lasting = h.idTokenLifetime(a.client, client.GrantImplicit)
	}
	absolute = now.Add(lasting)
	return absolute, absolute
}

// authorize runs fosite's authorization pipeline over the canonical request and
// returns what it made.
func (h *Handler) authorize(ctx context.Context, a *asked, u *unit) ([]parameter, error) {
	request, err := h.engine.NewAuthorizeRequest(ctx, engineRequest(ctx, a))
	if err := u.verdict(err); err != nil {
		return nil, fmt.Errorf("authorize: %w", err)
	}
	for _, scope := range a.access.Scopes {
		request.GrantScope(scope)
	}
	for _, resource := range a.access.Resources {
		request.GrantAudience(resource)
	}
	response, err := h.engine.NewAuthorizeResponse(ctx, request, newEngineSession(u.held.Subject))
	if err := u.verdict(err); err != nil {
		return nil, fmt.Errorf("authorize: %w", err)
	}
	return parametersOf(a, u, response.GetParameters())
}

// errIncomplete reports an answer that lacks what its response type promises.
var errIncomplete = errors.New("authorize: the answer is incomplete")

// parametersOf takes out of what fosite made all that the response type promises,
// and nothing else.
//
// Spec: RFC 6749 §4.1.2, §4.2.2; OpenID Connect Core §3.2.2.5, §3.3.2.5.
func parametersOf(a *asked, u *unit, made url.Values) ([]parameter, error) {
	var answer []parameter
	if a.answers.has(answerCode) {
		answer = append(answer, parameter{"code", made.Get("code")})
	}
	if a.answers.has(answerToken) {
		answer = append(answer,
			parameter{"access_token", made.Get("access_token")}, parameter{"token_type", "Bearer"},
			parameter{"expires_in", strconv.FormatInt(int64(u.expiresIn.Seconds()), 10)})
		if a.grantsLess() {
			answer = append(answer, parameter{"scope", strings.Join(a.access.Scopes, " ")})
		}
	}
	if a.answers.has(answerIDToken) {
		answer = append(answer, parameter{"id_token", made.Get("id_token")})
	}
	if slices.ContainsFunc(answer, func(p parameter) bool { return p.value == "" && p.name != "scope" }) {
		return nil, errIncomplete
	}
	return answer, nil
}

// engineRequest returns the request as fosite should see it: what it would
// misread or check again, and worse, is left out. It insists on a state, so it
// gets one; the answer carries the client's.
func engineRequest(ctx context.Context, a *asked) *http.Request {
	form := url.Values{
		"client_id":     {a.client.ID},
		"redirect_uri":  {a.redirectURI},
		"response_type": {string(a.answers)},
		"state":         {"-"},
	}
	if len(a.access.Scopes) > 0 {
		form.Set("scope", strings.Join(a.access.Scopes, " "))
	}
	if len(a.access.Resources) > 0 {
		form["audience"] = a.access.Resources
	}
	if a.nonce != "" {
		form.Set("nonce", a.nonce)
	}
	if a.challenge != "" {
		form.Set("code_challenge", a.challenge)
		form.Set("code_challenge_method", "S256")
	}
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/oauth2/auth"}, Header: http.Header{}, Form: form}
	return r.WithContext(ctx)
}

func newSeed() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return b
}
