package authorize

import (
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/session"
)

// ServeHTTP serves GET and POST /oauth2/auth: new authorization requests, and users who
// return from a page or an app.
//
// Spec: RFC 6749 §3.1, §4.1; OpenID Connect Core §3.1.2, §6; RFC 9101; RFC 9126 §4; RFC 9207; RFC 9700 §2.1, §4.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch form := r.Form; {
	case form.Has("client_id"):
		h.begin(w, r)
	case form.Has("continue"):
		h.resume(w, r, form.Get("continue"))
	case form.Has("login_verifier"):
		h.afterLogin(w, r, form.Get("login_verifier"))
	case form.Has("consent_verifier"):
		h.afterConsent(w, r, form.Get("consent_verifier"))
	default:
		h.begin(w, r)
	}
}

// begin serves a new request, which its client may have pushed.
func (h *Handler) begin(w http.ResponseWriter, r *http.Request) {
	var (
		now     = h.Now()
		request *AuthorizationRequest
		browser browserSession
		err     error
	)
	if id, ok := authrequest.ParsePushed(r.Form.Get("request_uri")); ok {
		request, browser, err = (&pushedReader{&h.Config}).read(r, id, now)
	} else if request, err = h.Requests.read(r.Context(), r.Form); err == nil && r.Method != http.MethodPost {
		browser, err = h.browser(r, request.client.ID, now)
	}
	if err != nil {
		h.refuse(w, r, request, err)
		return
	}
	if r.Method == http.MethodPost && request.trial != nil {
		h.refuse(w, r, nil, errTrial("a trial begins with GET, which sends the session of the administrator"))
		return
	}
	if r.Method == http.MethodPost {
		// A browser does not send the session cookie with a POST from another site, but with
		// the GET of the redirect.
		h.send(w, r, request, nil, func(stored *authrequest.Request) string {
			return httpapi.AddQuery(h.AuthorizeURL, "continue="+stored.ID)
		})
		return
	}
	h.dispatch(w, r, &flow{request: request, browserSession: browser, now: now})
}

// browser returns the session of the browser with the consent of its user. It costs one statement if the browser has a
// session cookie.
func (h *Handler) browser(r *http.Request, clientID string, now time.Time) (browserSession, error) {
	s, c, err := session.Current(r.Context(), h.Store, h.Cookies.Session(r), clientID, now)
	return browserSession{s, c}, err
}

// resume continues a request after a page of this server. A request that a device app or
// consent app has answered needs a verifier to continue.
func (h *Handler) resume(w http.ResponseWriter, r *http.Request, id string) {
	stored, browser, err := h.load(r, id)
	if err == nil && (stored.ConsentAnswer != nil || stored.HasUserCode()) {
		err = h.expired(r, id)
	}
	h.continueFlow(w, r, stored, browser, err)
}

// continueFlow continues a stored request, unless loading it ended in err.
func (h *Handler) continueFlow(w http.ResponseWriter, r *http.Request, stored *authrequest.Request, browser browserSession, err error) {
	if err != nil {
		h.refuse(w, r, nil, err)
		return
	}
	request, err := h.Requests.readStored(r.Context(), stored)
	if request != nil {
		r = pages.WithPreferences(r, pages.Preferences{UILocales: request.form.Get("ui_locales"), Since: stored.CreatedAt})
	}
	if err != nil {
		h.refuse(w, r, request, err)
		return
	}
	h.dispatch(w, r, &flow{request: request, stored: stored, browserSession: browser, now: h.Now()})
}

// dispatch takes the next step of a request.
func (h *Handler) dispatch(w http.ResponseWriter, r *http.Request, f *flow) {
	if f.session == nil && h.Cookies.Session(r) != "" {
		h.Cookies.HideState(w, r)
	}
	if err := f.trialRefused(); err != nil {
		h.refuse(w, r, nil, err)
		return
	}
	d := &dispatcher{&h.Config}
	if err := d.readState(r.Context(), f); err != nil {
		h.refuse(w, r, f.request, err)
		return
	}
	next, err := d.next(f)
	switch next {
	case stepSignIn:
		h.signIn(w, r, f, err)
	case stepFactor:
		h.ask(w, r, f, err, h.SignIn.FactorURL)
	case stepPassword:
		h.ask(w, r, f, err, h.SignIn.PasswordURL)
	case stepTerms:
		h.ask(w, r, f, err, h.SignIn.TermsURL)
	case stepConsent:
		h.askConsent(w, r, f, err)
	case stepRefuse:
		h.refuse(w, r, f.request, err)
	case stepDenied:
		h.Cookies.UnbindRequest(w, f.stored.ID)
		h.refuse(w, r, f.request, err)
	case stepRespond:
		h.respond(w, r, f)
	}
}

// refuse writes the error response.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, a *AuthorizationRequest, err error) {
	(&responder{&h.Config}).refuse(w, r, a, err)
}
