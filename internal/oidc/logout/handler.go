// Package logout serves the end-session endpoint: sign-out that a relying party starts,
// with confirmation by the user, front-channel logout of the other clients and a
// redirect back.
//
// Only a valid ID token of the session that the browser holds replaces the confirmation,
// because only a client of that session can send it. Any other site can link here.
package logout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
)

// Clients reads clients, from a cache.
type Clients interface {
	Client(ctx context.Context, id string) (*client.Client, error)
}

// Browser reads and clears the session cookie.
type Browser interface {
	Session(r *http.Request) string // empty without a cookie
	ClearSession(w http.ResponseWriter)
}

// SessionManager ends sessions, as [session.Manager] does.
type SessionManager interface {
	// End ends the session and its grants, and returns the ids of the clients that
	// participated in it.
	End(ctx context.Context, id string) ([]string, error)
}

// Pages renders the pages of the logout flow.
type Pages interface {
	SignOut(w http.ResponseWriter, r *http.Request, status int, page pages.SignOut)
	SignedOut(w http.ResponseWriter, r *http.Request, status int, page pages.SignedOut)
	Error(w http.ResponseWriter, r *http.Request, status int, page pages.Error)
}

// Handler serves the end-session endpoint.
type Handler struct {
	Issuer string
	Path   string // of the endpoint, relative to the issuer
	// App is the URL of a custom logout app, which then confirms every logout. It may be
	// empty.
	App string
	// After is the redirect of a logout without post_logout_redirect_uri. It may be empty
	// for the built-in page.
	After    string
	Keys     [][]byte // MAC keys of the confirmation page: the first signs, all verify
	Verifier Verifier
	Clients  Clients
	Sessions session.Reader
	Manager  SessionManager
	Requests Requests // unused without App
	Browser  Browser
	Pages    Pages
	Subjects client.Subjects
	// MaxRedirectURL is the maximum length of a redirect with its state, in bytes.
	MaxRedirectURL int

	Now func() time.Time
	Log *slog.Logger
}

// ServeHTTP serves GET and POST /oauth2/sessions/logout.
//
// Spec: OpenID Connect RP-Initiated Logout §2, §3, §4.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := h.serve(w, r); err != nil {
		h.fail(w, r, err)
	}
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) error {
	cookie := h.Browser.Session(r)
	if r.Method == http.MethodPost && cookie == "" && r.PostForm.Get("ticket") == "" {
		return h.redirectToGET(w, r)
	}
	q, confirmed, err := h.requested(r)
	if err != nil {
		return err
	}
	if cookie == "" {
		// Another site can post its own confirmation, without the cookie of this browser.
		h.finish(w, r, q, nil, false)
		return nil
	}
	s, err := h.session(r.Context(), cookie, q)
	if err != nil {
		return err
	}
	var frames []string
	intended := confirmed != ""
	switch {
	case s == nil:
	case confirmed == s.ID, h.hintMatches(q, s):
		if frames, err = h.end(r.Context(), s); err != nil {
			return err
		}
		intended = true
	case h.App != "":
		return h.redirectToApp(w, r, q, s)
	default:
		return h.confirm(w, r, q, s)
	}
	h.Browser.ClearSession(w)
	h.finish(w, r, q, frames, intended)
	return nil
}

// requested returns the logout request, and the id of the session that the user has
// confirmed to end, if any.
func (h *Handler) requested(r *http.Request) (q *logoutRequest, confirmed string, err error) {
	ctx := r.Context()
	if verifier := r.Form.Get("logout_verifier"); verifier != "" && h.App != "" {
		return h.confirmedByApp(ctx, verifier)
	}
	if sealed := r.PostForm.Get("ticket"); sealed != "" {
		return h.confirmedByUser(ctx, sealed)
	}
	if sealed := r.URL.Query().Get("request"); sealed != "" {
		q, err = h.redirected(ctx, sealed)
		return q, "", err
	}
	q, err = h.parser().parse(r)
	return q, "", err
}

// session returns the session of the browser, or nil if it has ended.
func (h *Handler) session(ctx context.Context, cookie string, q *logoutRequest) (*session.Session, error) {
	id := ""
	if q.client != nil {
		id = q.client.ID
	}
	s, _, err := session.Current(ctx, h.Sessions, cookie, id, h.Now())
	return s, err
}

// hintMatches reports whether the ID token of the request was issued in session s. It
// compares the sid that the client knows and not the subject: a custom login app may have
// chosen another subject identifier for this client.
func (h *Handler) hintMatches(q *logoutRequest, s *session.Session) bool {
	return h.App == "" && q.sid != "" && q.sid == h.Subjects.Session(q.client, s.ID)
}

// end ends the session and returns the front-channel logout URLs of its clients.
func (h *Handler) end(ctx context.Context, s *session.Session) ([]string, error) {
	participants, err := h.Manager.End(ctx, s.ID)
	if err != nil && !errors.Is(err, session.ErrNotFound) {
		return nil, fmt.Errorf("end session: %w", err)
	}
	h.Log.LogAttrs(ctx, slog.LevelInfo, "signed out", slog.String("subject", s.Subject))
	return h.frontchannelURLs(ctx, participants, s.ID), nil
}

// finish redirects back to the client or shows the signed-out page. If clients have
// front-channel logout URLs, the page loads them first.
//
// Any site can register a client and link here. Unless a session was ended or the user has
// confirmed, which intended reports, the page only links to the URL of a client that
// registered itself.
func (h *Handler) finish(w http.ResponseWriter, r *http.Request, q *logoutRequest, frames []string, intended bool) {
	if !intended && q.redirect != "" && q.client.Dynamic {
		h.Pages.SignedOut(w, r, http.StatusOK, pages.SignedOut{Client: pageClient(q.client), ReturnURL: q.redirectURL()})
		return
	}
	page := pages.SignedOut{Client: pageClient(q.client), Next: cmp.Or(q.redirectURL(), h.After), Frames: frames}
	if page.Next != "" && len(frames) == 0 {
		httpapi.SeeOther(w, page.Next)
		return
	}
	if q.client != nil {
		page.ReturnURL = q.client.ClientURI
	}
	h.Pages.SignedOut(w, r, http.StatusOK, page)
}

func (h *Handler) url() string { return strings.TrimRight(h.Issuer, "/") + h.Path }

func (h *Handler) parser() *parser { return &parser{h.Issuer, h.Verifier, h.Clients, h.MaxRedirectURL} }

func (h *Handler) sealer() sealer { return sealer{h.Keys, h.Now()} }

// pageClient returns the client as pages show it, or nil without a client.
func pageClient(c *client.Client) *pages.Client {
	if c == nil {
		return nil
	}
	page := &pages.Client{
		Name: c.Name(), LogoURI: c.LogoURI, PolicyURI: c.PolicyURI, TermsURI: c.TermsURI, URI: c.ClientURI, Tagged: c.Localized, Theme: c.Theme,
	}
	if len(c.RedirectURIs) > 0 {
		if u, err := url.Parse(c.RedirectURIs[0]); err == nil {
			page.Host = u.Hostname()
		}
	}
	return page
}

// expiredRequest is the error code of confirmations that are too old or were used before.
const expiredRequest = "expired_request"

func invalidRequest(detail string) error { return httpapi.BadRequest("invalid_request", detail) }

// responses maps errors to responses. None of them redirects.
func responses() *httpapi.Errors {
	return &httpapi.Errors{
		Message:    "sign-out refused",
		RetryAfter: time.Second,
		Rule: func(e *httpapi.Error) refusal.Rule {
			if e.Status == http.StatusBadRequest {
				return refusal.LogoutInvalid
			}
			return ""
		},
	}
}

// fail shows the error page.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	response := responses().Prepare(w, r, err)
	page := pages.Error{Code: response.Code, RequestID: w.Header().Get("X-Request-Id")}
	if response.Status == http.StatusBadRequest {
		page.Detail = response.Description
		if response.Code != expiredRequest {
			page.Title = messages.New("error.logout.title")
			page.Text = messages.New("error.logout.text")
		}
	}
	h.Pages.Error(w, r, response.Status, page)
}
