package login

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/pages"
)

// ConsentPage serves GET /consent: request is the id of the authorization request.
//
// Spec: OpenID Connect Core §3.1.2.4; RFC 9700 §4.16.
func (h *Handler) ConsentPage(w http.ResponseWriter, r *http.Request) {
	v, err := h.visit(r, r.Form.Get("request"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if v.session == nil {
		h.back(w, v)
		return
	}
	person, err := h.person(r.Context(), v.session.Subject)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	scopes, err := h.describeScopes(r.Context(), v.scopes())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.Pages.Consent(w, http.StatusOK, h.consentForm(v, person, scopes))
}

// Consent serves POST /consent: the fields request, decision and remember.
//
// Spec: OpenID Connect Core §3.1.2.4.
func (h *Handler) Consent(w http.ResponseWriter, r *http.Request) {
	v, err := h.visit(r, r.PostForm.Get("request"))
	if err == nil {
		err = h.decide(r, v)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.back(w, v)
}

// decide takes down what the person said. Where it is not to be taken from them,
// because they signed out meanwhile, somebody else signed in in another tab, or it
// was said before, nothing is, and the authorization endpoint goes on from there.
func (h *Handler) decide(r *http.Request, v *visit) error {
	if v.session == nil || r.URL.Query().Get(shownTo) != v.session.ID {
		return nil
	}
	now := h.Now()
	decision, remember := authrequest.Denied, (*consent.Consent)(nil)
	switch r.PostForm.Get("decision") {
	case "deny":
	case "accept":
		decision, remember = authrequest.Accepted, h.consent(v, v.remembers() && r.PostForm.Get("remember") == "on", now)
	default:
		return malformed("no decision")
	}
	ctx := r.Context()
	err := h.Requests.RecordDecision(ctx, v.request.ID, decision, v.session.Subject, remember, now)
	switch {
	case errors.Is(err, authrequest.ErrAlreadyDecided):
		return nil
	case errors.Is(err, authrequest.ErrNotFound):
		return h.expired("run out while deciding", v.client)
	case err != nil:
		return fmt.Errorf("record decision: %w", err)
	}
	h.Log.LogAttrs(ctx, slog.LevelInfo, "decided", slog.String("decision", string(decision)),
		slog.String("subject", v.session.Subject), slog.String("client_id", v.client.ID))
	return nil
}

// consent is what to remember of a decision: for the person if they wish, and
// else until the session ends, so that a client that asks again in it, or asks
// with prompt=none, is answered without a page.
func (h *Handler) consent(v *visit, lasting bool, now time.Time) *consent.Consent {
	c := &consent.Consent{
		Subject: v.session.Subject, ClientID: v.client.ID, SessionID: v.session.ID,
		Scopes: v.scopes(), GivenAt: now, ExpiresAt: v.session.EndsAt,
	}
	if lasting {
		c.SessionID, c.ExpiresAt = "", now.Add(h.Lifetimes.Consent)
	}
	return c
}

// remembers reports whether a consent can stand for a later request without a question. The
// authorization endpoint asks the same of the client.
func (v *visit) remembers() bool {
	front := slices.ContainsFunc(strings.Fields(v.asked.Get("response_type")), func(part string) bool {
		return part != client.ResponseTypeCode
	})
	return v.client.MayReuseConsent(v.asked.Get("redirect_uri"), front)
}

// shownTo names, in the address that takes the form, the session that the form
// was shown in: the page says who decides, and nobody else's answer is taken for
// theirs.
const shownTo = "session"

func (h *Handler) consentForm(v *visit, person string, scopes []pages.Scope) pages.Consent {
	page := pages.Consent{
		Client: v.shownClient(), RedirectHost: v.redirectHost(),
		Action:  h.Issuer + "/consent?" + shownTo + "=" + url.QueryEscape(v.session.ID),
		Request: v.request.ID, Person: person, Username: cmp.Or(v.session.Username, v.session.Subject), Scopes: scopes,
		Remember: v.remembers(),
	}
	if !h.Elsewhere {
		page.SwitchURL = h.anotherURL(v)
	}
	if slices.ContainsFunc(v.scopes(), grant.IsOfflineScope) && v.client.AllowsGrantType(client.GrantRefreshToken) {
		page.Lifetime = h.Lifetimes.Grant
	}
	return page
}

// person is the display name of a subject, or nothing.
func (h *Handler) person(ctx context.Context, subject string) (string, error) {
	a, err := h.Accounts.Account(ctx, subject)
	if errors.Is(err, account.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read account: %w", err)
	}
	name, _ := a.Claims["name"].(string)
	return name, nil
}
