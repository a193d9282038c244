package oauth2

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/session"
)

// answer writes the grant, then the answer to the client: a code that was sent
// exists.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, a *asked, s *session.Session, waiting *grant.Request, now time.Time) {
	u := &unit{now: now, client: a.client, form: a.form, grant: h.newGrant(a, s, waiting, now)}
	code, err := h.authorize(withUnit(r.Context(), u), a, u)
	if err == nil {
		err = h.Grants.InsertGrant(r.Context(), u.grant)
	}
	switch {
	case errors.Is(err, grant.ErrExists):
		// The person came back to a request that was answered: its code is out.
		h.writeAuthorizeError(w, r, nil, refuse(codeInvalidRequest, "This sign-in was finished already. Please go back to the application"))
		return
	case err != nil:
		h.writeAuthorizeError(w, r, a, err)
		return
	}
	if waiting != nil {
		h.Cookies.Unbind(w, waiting.ID)
	}
	h.respond(w, a, []parameter{{"code", code}})
}

// newGrant returns the grant that the request asks for.
func (h *Handler) newGrant(a *asked, s *session.Session, waiting *grant.Request, now time.Time) *grant.Grant {
	g := &grant.Grant{
		Kind: grant.KindCode, ClientID: a.client.ID, Subject: s.Subject, SessionID: s.ID,
		Scopes: a.scopes, Resources: a.resources,
		CreatedAt: now, CodeExpiresAt: now.Add(h.Lifetimes.Code), Seed: newSeed(),
		Detail: grant.Detail{
			RedirectURI: a.redirectURI, Challenge: a.challenge, Nonce: a.nonce,
			AuthTime: s.AuthTime.Unix(), ACR: s.ACR, AMR: s.AMR, Claims: a.claims,
		},
	}
	if waiting != nil {
		g.Ref = waiting.Grant
	} else {
		g.Ref = a.newRef(now)
	}
	if a.wantsRefresh() {
		g.ExpiresAt, g.EndsAt = now.Add(h.Lifetimes.RefreshIdle), now.Add(h.Lifetimes.RefreshAbsolute)
	} else {
		g.EndsAt = g.CodeExpiresAt.Add(h.Lifetimes.AccessToken)
		g.ExpiresAt = g.EndsAt
	}
	return g
}

// authorize runs fosite's authorization pipeline over the canonical request and
// returns the code it made.
func (h *Handler) authorize(ctx context.Context, a *asked, u *unit) (string, error) {
	request, err := h.engine.NewAuthorizeRequest(ctx, engineRequest(ctx, a))
	if err := u.verdict(err); err != nil {
		return "", fmt.Errorf("authorize: %w", err)
	}
	for _, scope := range a.scopes {
		request.GrantScope(scope)
	}
	for _, resource := range a.resources {
		request.GrantAudience(resource)
	}
	response, err := h.engine.NewAuthorizeResponse(ctx, request, newEngineSession(u.grant.Subject))
	if err := u.verdict(err); err != nil {
		return "", fmt.Errorf("authorize: %w", err)
	}
	return response.GetCode(), nil
}

// engineRequest returns the request as fosite should see it: what it would
// misread or check again, and worse, is left out. It insists on a state, so it
// gets one; the answer carries the client's.
func engineRequest(ctx context.Context, a *asked) *http.Request {
	form := url.Values{
		"client_id":     {a.client.ID},
		"redirect_uri":  {a.redirectURI},
		"response_type": {"code"},
		"state":         {"-"},
	}
	if len(a.scopes) > 0 {
		form.Set("scope", strings.Join(a.scopes, " "))
	}
	if len(a.resources) > 0 {
		form["audience"] = a.resources
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
