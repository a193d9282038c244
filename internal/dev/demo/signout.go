package demo

import (
	"crypto/rand"
	"net/http"
	"net/url"
)

// signOut serves POST /signout: it ends the session here and redirects to the provider to end
// the session there.
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

// signedOut serves GET /signed-out, the post-logout redirect URI.
//
// Spec: OpenID Connect RP-Initiated Logout §3.
func (a *app) signedOut(w http.ResponseWriter, r *http.Request) error {
	// The state stays valid until it expires: it grants nothing, and reloading the page shows
	// it again.
	browser, ok := a.signouts.get(r.URL.Query().Get("state"))
	if !ok || !a.isBrowser(r, browser) {
		return &refusal{
			status: http.StatusBadRequest, title: "This sign-out did not start here",
			advice: "The state in the response was not issued to this browser. Nothing was changed.",
		}
	}
	a.show(w, r, http.StatusOK, "signed-out", nil)
	return nil
}

// signOutLocally serves POST /forget: it ends only the session of this app. The next sign-in
// may need no password.
func (a *app) signOutLocally(w http.ResponseWriter, r *http.Request) error {
	a.drop(r)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}
