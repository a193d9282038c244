package demo

import (
	"crypto/rand"
	"net/http"
	"net/url"
)

// signOut serves POST /signout: out of this app, and on to the provider, to be
// signed out there too.
//
// Spec: OpenID Connect RP-Initiated Logout §2.
func (a *app) signOut(w http.ResponseWriter, r *http.Request) error {
	v := a.session(r)
	if v == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	_, conn, err := a.provider.connect(r.Context())
	if err != nil {
		return err
	}
	state := rand.Text()
	a.signouts.put(state, a.browser(w, r))
	a.drop(r)

	back := a.cfg.BaseURL + "/signed-out"
	target, err := url.Parse(conn.endpoint.EndSession)
	if err != nil || conn.endpoint.EndSession == "" {
		http.Redirect(w, r, back+"?state="+state, http.StatusSeeOther)
		return nil //nolint:nilerr // without an end_session_endpoint only the local session ends
	}
	query := target.Query()
	query.Set("client_id", a.cfg.ClientID)
	query.Set("id_token_hint", v.identity().raw)
	query.Set("post_logout_redirect_uri", back)
	query.Set("state", state)
	target.RawQuery = query.Encode()
	http.Redirect(w, r, target.String(), http.StatusSeeOther)
	return nil
}

// signedOut serves GET /signed-out: back from the provider.
//
// Spec: OpenID Connect RP-Initiated Logout §3.
func (a *app) signedOut(w http.ResponseWriter, r *http.Request) error {
	// The state is left in place until it ends by itself: it proves who asked,
	// it opens nothing, and a reloaded page should say the same again.
	browser, ok := a.signouts.get(r.URL.Query().Get("state"))
	if !ok || !a.isBrowser(r, browser) {
		return &refusal{
			status: http.StatusBadRequest, title: "This sign-out did not start here",
			advice: "The answer carries a state that this browser was not given, so it changed nothing in this app.",
		}
	}
	a.show(w, r, http.StatusOK, "signed-out", nil)
	return nil
}

// forget serves POST /forget: out of this app only. The provider still knows
// the person, and the next sign-in may pass without a question.
func (a *app) signOutLocally(w http.ResponseWriter, r *http.Request) error {
	a.drop(r)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}
