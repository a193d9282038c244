package oidc

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
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
)

// Verifier verifies tokens that we signed.
type Verifier interface {
	// VerifyHint returns jwks.ErrBadToken for a token that is not ours, with
	// jwks.ErrUnknownKey where the key that it names is not known any more.
	VerifyHint(token string) (payload []byte, err error)
}

// Browser reads and clears the session cookie.
type Browser interface {
	Session(r *http.Request) string // empty if there is none
	ClearSession(w http.ResponseWriter)
}

// Sessions finds the live session of a cookie, or returns session.ErrNotFound.
type Sessions interface {
	SessionAndConsent(ctx context.Context, cookieHash []byte, clientID string, now time.Time) (*session.Session, *consent.Consent, error)
}

// SessionManager ends sessions, as [session.Manager] does.
type SessionManager interface {
	// End ends the session and its grants, and returns the client IDs that participated in it.
	End(ctx context.Context, id string) ([]string, error)
}

// Pages are what a person sees while signing out.
type Pages interface {
	SignOut(w http.ResponseWriter, status int, page pages.SignOut)
	SignedOut(w http.ResponseWriter, status int, page pages.SignedOut)
	Error(w http.ResponseWriter, status int, page pages.Error)
}

// Logout serves the end-session endpoint.
//
// An ID token that names the very session of this browser settles that the person
// means to sign out: only the relying party they used could bring it. Anybody
// else may have sent them here, so they are asked. Where the operator has an app for
// it, that asks, and is asked each time.
type Logout struct {
	Issuer   string
	Path     string   // of the endpoint itself, under the issuer
	App      string   // the operator's own, where people are sent to be asked; empty if there is none
	After    string   // where people go whom no client wants back; empty for a page of ours
	Keys     [][]byte // for the MAC of what the confirmation page carries: the first makes it, all are good
	Verifier Verifier
	Clients  Clients
	Sessions Sessions
	Manager  SessionManager
	Asked    SignOuts // not used without an App
	Browser  Browser
	Pages    Pages
	Subjects client.Subjects
	// MaxRedirectURL bounds the address that people are sent back to, in bytes.
	MaxRedirectURL int

	Now func() time.Time
	Log *slog.Logger
}

// wish is a sign-out that a relying party, or nobody in particular, asked for. Its
// redirect is established before it is made.
type wish struct {
	client   *client.Client // nil if nobody said who asks
	redirect string
	state    string
	sid      string // what the hint says, if there is one
	lostHint bool   // there was a hint, of a key that is gone
}

// settles reports whether the wish is about this very session, under the name that
// the client knows it by. Whose it is, the session says: the client may know them by
// a name that a login app chose.
func (l *Logout) settles(q *wish, s *session.Session) bool {
	return l.App == "" && q.sid != "" && q.sid == l.Subjects.Session(q.client, s.ID)
}

// ServeHTTP serves GET and POST /oauth2/sessions/logout.
//
// Spec: OpenID Connect RP-Initiated Logout sections 2 to 4.
func (l *Logout) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := l.serve(w, r); err != nil {
		l.refuse(w, r, err)
	}
}

func (l *Logout) serve(w http.ResponseWriter, r *http.Request) error {
	cookie, ticket := l.Browser.Session(r), r.PostForm.Get("ticket")
	if r.Method == http.MethodPost && ticket == "" && cookie == "" {
		return l.carry(w, r)
	}

	q, confirmed, err := l.wanted(r)
	if err != nil {
		return err
	}
	if cookie == "" {
		// Another site can post a confirmation of its own, and the cookie stays behind.
		l.finish(w, q, nil, false)
		return nil
	}

	s, err := l.session(r.Context(), cookie, q)
	if err != nil {
		return err
	}
	var frames []string
	meant := confirmed != ""
	switch {
	case s == nil:
	case l.settles(q, s), confirmed == s.ID:
		participants, err := l.Manager.End(r.Context(), s.ID)
		if err != nil && !errors.Is(err, session.ErrNotFound) {
			return fmt.Errorf("end session: %w", err)
		}
		frames, meant = l.frames(r.Context(), participants, s.ID), true
		l.Log.LogAttrs(r.Context(), slog.LevelInfo, "signed out", slog.String("subject", s.Subject))
	case l.App != "":
		return l.askElsewhere(w, r, q, s)
	default:
		return l.ask(w, q, s)
	}
	l.Browser.ClearSession(w)
	l.finish(w, q, frames, meant)
	return nil
}

// wanted returns what is asked for, and the session that the person has agreed to end
// if they were asked before.
func (l *Logout) wanted(r *http.Request) (q *wish, confirmed string, err error) {
	ctx := r.Context()
	if verifier := r.Form.Get("logout_verifier"); verifier != "" && l.App != "" {
		return l.answered(ctx, verifier)
	}
	if ticket := r.PostForm.Get("ticket"); ticket != "" {
		return l.redeem(ctx, ticket)
	}
	if carried := r.URL.Query().Get("request"); carried != "" {
		q, err = l.carried(ctx, carried)
		return q, "", err
	}
	q, err = l.read(r)
	return q, "", err
}

// session returns the browser's session, or nil if it has ended.
func (l *Logout) session(ctx context.Context, cookie string, q *wish) (*session.Session, error) {
	id := ""
	if q.client != nil {
		id = q.client.ID
	}
	s, _, err := l.Sessions.SessionAndConsent(ctx, session.Hash(cookie), id, l.Now())
	if errors.Is(err, session.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read session: %w", err)
	}
	return s, nil
}

// read establishes who asks, and that they may ask for what they ask.
func (l *Logout) read(r *http.Request) (*wish, error) {
	q := &wish{state: r.Form.Get("state")}
	id := r.Form.Get("client_id")
	if token := r.Form.Get("id_token_hint"); token != "" {
		h, err := l.verifyHint(token)
		if err != nil {
			return nil, err
		}
		if q.lostHint = h == nil; !q.lostHint {
			if id, err = h.audience(id); err != nil {
				return nil, err
			}
			q.sid = h.SessionID
		}
	}
	if id != "" {
		c, err := l.Clients.Client(r.Context(), id)
		switch {
		case errors.Is(err, client.ErrNotFound), err == nil && c.Disabled:
			return nil, refused("the client is not registered")
		case err != nil:
			return nil, fmt.Errorf("read client: %w", err)
		}
		q.client = c
		refusal.Concerns(r.Context(), c.ID)
	}
	if uri := r.Form.Get("post_logout_redirect_uri"); uri != "" && (q.client != nil || !q.lostHint) {
		if q.client == nil {
			return nil, refused("post_logout_redirect_uri needs id_token_hint or client_id")
		}
		if !q.client.MatchPostLogoutRedirectURI(uri) {
			return nil, refused("post_logout_redirect_uri is not registered for the client")
		}
		q.redirect = uri
	}
	if len(q.back()) > l.MaxRedirectURL {
		return nil, refused("state is too long")
	}
	return q, nil
}

// ask shows the page that asks whether the person means it.
func (l *Logout) ask(w http.ResponseWriter, q *wish, s *session.Session) error {
	ticket, err := l.ticket(q, s)
	if err != nil {
		return err
	}
	l.Pages.SignOut(w, http.StatusOK, pages.SignOut{
		Client: shown(q),
		Action: l.url(),
		Fields: []pages.Field{{Name: "ticket", Value: ticket}},
		Person: s.Username, CancelURL: strings.TrimRight(l.Issuer, "/") + "/",
	})
	return nil
}

// finish sends the person back to the relying party, or tells them that they are
// signed out. Where pages of clients must hear of it first, they pass a page that
// holds those. Anybody can register a client and send people here: unless a session was
// ended or the person has confirmed (meant), only a link leads to the address of a client
// that registered itself.
func (l *Logout) finish(w http.ResponseWriter, q *wish, frames []string, meant bool) {
	if !meant && q.redirect != "" && q.client.Dynamic {
		l.Pages.SignedOut(w, http.StatusOK, pages.SignedOut{Client: shown(q), ReturnURL: q.back()})
		return
	}
	page := pages.SignedOut{Client: shown(q), Next: cmp.Or(q.back(), l.After), Frames: frames}
	if page.Next != "" && len(frames) == 0 {
		pages.SeeOther(w, page.Next)
		return
	}
	if q.client != nil {
		page.ReturnURL = q.client.ClientURI
	}
	l.Pages.SignedOut(w, http.StatusOK, page)
}

// back is where the relying party wants the person, with the state it sent; empty
// if it did not say.
func (q *wish) back() string {
	if q.redirect == "" || q.state == "" {
		return q.redirect
	}
	sign := "?"
	if strings.Contains(q.redirect, "?") {
		sign = "&"
	}
	return q.redirect + sign + "state=" + url.QueryEscape(q.state)
}

func (l *Logout) url() string { return strings.TrimRight(l.Issuer, "/") + l.Path }

// shown is the client as a page shows it.
func shown(q *wish) *pages.Client {
	if q.client == nil {
		return nil
	}
	c := q.client
	page := &pages.Client{
		Name: c.Name(), LogoURI: c.LogoURI, PolicyURI: c.PolicyURI, TermsURI: c.TermsURI, URI: c.ClientURI,
	}
	if len(c.RedirectURIs) > 0 {
		if u, err := url.Parse(c.RedirectURIs[0]); err == nil {
			page.Host = u.Hostname()
		}
	}
	return page
}

// rejection is a request that ends on an error page, with what to tell whoever
// looks after the client.
type rejection struct{ code, detail string }

// Error returns the detail.
func (e *rejection) Error() string { return e.detail }

func refused(detail string) error { return &rejection{"invalid_request", detail} }

// refuse shows the error page. Nothing that is wrong here ever ends in a
// redirect.
func (l *Logout) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, page := http.StatusInternalServerError, pages.Error{Code: "server_error"}
	var known *rejection
	switch {
	case errors.As(err, &known):
		status, page = http.StatusBadRequest, pages.Error{Code: known.code, Detail: known.detail}
		if known.code == "invalid_request" {
			page.Title = "This sign-out cannot continue"
			page.Text = "The application that sent you here asked for something that this service cannot accept. You are still signed in."
		}
	case pages.Temporary(err):
		status, page = http.StatusServiceUnavailable, pages.Error{Code: "temporarily_unavailable"}
		w.Header().Set("Retry-After", "1")
	}
	refusal.Note(r.Context(), refusal.Rejection{
		Message: "sign-out refused", Status: status, Code: page.Code, Rule: logoutRule(status), Words: page.Detail, Err: err,
	})
	page.RequestID = w.Header().Get("X-Request-Id")
	l.Pages.Error(w, status, page)
}

func logoutRule(status int) refusal.Rule {
	if status == http.StatusBadRequest {
		return refusal.LogoutInvalid
	}
	return ""
}
