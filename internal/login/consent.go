package login

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/pages"
)

// Consent serves the consent page.
type Consent struct {
	*Config

	flows *flows
}

// Page serves GET /consent: request is the ID of the authorization request.
//
// Spec: OpenID Connect Core §3.1.2.4, RFC 9700 §4.16.
func (h *Consent) Page(w http.ResponseWriter, r *http.Request) {
	f, err := h.flows.open(r, r.Form.Get("request"))
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	if f.session == nil {
		h.flows.resume(w, f.request.ID)
		return
	}
	name, err := h.flows.displayName(r.Context(), f)
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	scopes, err := describeScopes(r.Context(), h.Scopes, f.scopes())
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	resources, err := resourceNames(r.Context(), h.Scopes, f.parameters)
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	details, err := describeDetails(r.Context(), h.Scopes, f.details())
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	if len(details) < len(f.details()) { // the operator has changed the types: the authorization endpoint refuses the request
		h.flows.resume(w, f.request.ID)
		return
	}
	for i := range scopes {
		scopes[i].Optional = f.client.IsOptionalScope(scopes[i].Name)
	}
	page := h.form(f, name, scopes, resources)
	page.Details = details
	h.Pages.Consent(w, f.localize(r), http.StatusOK, page)
}

// Submit serves POST /consent: the fields request, decision and remember, and one for each
// optional scope and each authorization detail that the user accepts.
//
// Spec: OpenID Connect Core §3.1.2.4, RFC 9396 §7.
func (h *Consent) Submit(w http.ResponseWriter, r *http.Request) {
	f, err := h.flows.open(r, r.PostForm.Get("request"))
	if err == nil {
		err = h.decide(r, f)
	}
	h.flows.end(w, r, f, err)
}

// decide records the decision, unless the page was shown to another user or the user has
// signed out since. The authorization endpoint then continues without a decision.
func (h *Consent) decide(r *http.Request, f *flow) error {
	if f.session == nil || r.URL.Query().Get(sessionParameter) != f.session.ID {
		return nil
	}
	switch r.PostForm.Get("decision") {
	case "deny":
		return h.flows.decide(r.Context(), f, authrequest.Denied, nil)
	case "accept":
		remembered := f.mayRememberConsent() && r.PostForm.Get("remember") == "on"
		c := h.consent(r, f, remembered)
		if len(f.details()) > 0 && len(c.Details)+len(c.Scopes) == 0 { // the user took away everything
			return h.flows.decide(r.Context(), f, authrequest.Denied, nil)
		}
		return h.flows.decide(r.Context(), f, authrequest.Accepted, c)
	default:
		return malformed("no decision")
	}
}

// consent returns the consent to store: for all sessions of the user if they asked to
// remember it, else until the session ends, so that a further request in the session, or
// one with prompt=none, gets its response without a page.
func (h *Consent) consent(r *http.Request, f *flow, remembered bool) *consent.Consent {
	now := h.Now()
	c := &consent.Consent{
		Subject: f.session.Subject, ClientID: f.client.ID, SessionID: f.session.ID,
		Scopes: f.acceptedScopes(r), Details: f.acceptedDetails(r), GivenAt: now, ExpiresAt: f.session.EndsAt,
	}
	if remembered {
		c.SessionID, c.ExpiresAt = "", now.Add(h.Lifetimes.Consent)
	}
	return c
}

// acceptedScopes returns the scopes that the user accepts on the form: all but the optional ones
// whose box is not ticked.
func (f *flow) acceptedScopes(r *http.Request) []string {
	return slices.DeleteFunc(f.scopes(), func(name string) bool {
		return f.client.IsOptionalScope(name) && !r.PostForm.Has(pages.ScopeField(name))
	})
}

// mayRememberConsent reports whether a stored consent can satisfy a later request. The
// authorization endpoint decides it by the same property of the client.
func (f *flow) mayRememberConsent() bool {
	if f.isTrial() {
		return false
	}
	front := slices.ContainsFunc(strings.Fields(f.parameters.Get("response_type")), func(part string) bool {
		return part != client.ResponseTypeCode
	})
	return f.client.MayReuseConsent(f.parameters.Get("redirect_uri"), front)
}

func (h *Consent) form(f *flow, name string, scopes []pages.Scope, resources []string) pages.Consent {
	page := pages.Consent{
		Client: f.clientView(), RedirectHost: f.redirectHost(),
		Action:  h.Issuer + "/consent?" + sessionQuery(f.session),
		Request: f.request.ID, DisplayName: name, Username: cmp.Or(f.session.Username, f.session.Subject), Scopes: scopes, Resources: resources,
		Remember: f.mayRememberConsent(),
	}
	if !h.LoginApp {
		page.SwitchURL = h.flows.otherAccountURL(f)
	}
	if slices.ContainsFunc(f.scopes(), grant.IsOfflineScope) && f.client.AllowsGrantType(client.GrantRefreshToken) {
		page.Lifetime = h.Lifetimes.Grant
	}
	return page
}
