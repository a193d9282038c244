package authorize

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/session"
)

// Need has the requirements of a page of this server for the session of its user.
type Need struct {
	MaxAge time.Duration // since the user authenticated; 0 for any
	ACR    string        // the level of authentication; empty for any
	// Sensitive requires that the user authenticated within the last five minutes, at the
	// highest level that their credentials reach: for pages that add or remove credentials.
	Sensitive bool
	// SignIn requires that the user signs in again.
	SignIn bool
}

// Session returns the session of the browser for a page of this server, such as the account
// console. If there is none, or it lacks what the page needs, Session sends the user to
// sign in, as a client would, and returns false: the response is written. The user then returns
// to the page with GET.
//
// Spec: OpenID Connect Core §3.1.2.3, RFC 9470 §4.
func (h *Handler) Session(w http.ResponseWriter, r *http.Request, need Need) (*session.Session, bool) {
	now := h.Now()
	browser, err := h.browser(r, client.AccountConsoleID, now)
	if err == nil && need.Sensitive {
		need, err = (&dispatcher{&h.Config}).sensitive(r.Context(), browser.session)
	}
	if err != nil {
		h.refuse(w, r, nil, err)
		return nil, false
	}
	form := url.Values{authrequest.PageParameter: {r.URL.RequestURI()}}
	if need.MaxAge > 0 {
		form.Set("max_age", strconv.Itoa(int(need.MaxAge.Seconds())))
	}
	if need.SignIn {
		form.Set("prompt", promptLogin)
	}
	if need.ACR != "" {
		form.Set("acr_values", need.ACR)
	}
	request, err := h.Requests.readOwnPage(form)
	if err != nil {
		h.refuse(w, r, nil, err)
		return nil, false
	}
	f, d := &flow{request: request, browserSession: browser, now: now}, &dispatcher{&h.Config}
	if err := d.readState(r.Context(), f); err != nil {
		h.refuse(w, r, nil, err)
		return nil, false
	}
	if next, _ := d.next(f); next != stepRespond {
		h.dispatch(w, r, f)
		return nil, false
	}
	return f.session, true
}

// sensitive returns the need of a sensitive page in the session s, nil for none. A user who has
// proven nothing but access to mail signs in again, with a password or another factor.
func (d *dispatcher) sensitive(ctx context.Context, s *session.Session) (Need, error) {
	need := Need{MaxAge: session.SensitiveMaxAge}
	if s == nil {
		return need, nil
	}
	var err error
	need.ACR, err = d.HighestLevel(ctx, s.Subject)
	need.SignIn = session.IsMailOnly(s.AMR) && session.Reaches(s.ACR, need.ACR)
	return need, err
}

// readOwnPage reads the request of a page of this server. Only this server writes its
// parameters.
func (q *Requests) readOwnPage(form url.Values) (*AuthorizationRequest, error) {
	a := &AuthorizationRequest{
		client: client.NewAccountConsole(strings.TrimSuffix(q.Issuer, "/")), form: form, ownPage: form.Get(authrequest.PageParameter),
	}
	return a, q.check(a, atOwnPage)
}

// returnToPage sends the user back to the page of this server that required the session.
func (p *responder) returnToPage(w http.ResponseWriter, f *flow) {
	if f.stored != nil {
		p.Cookies.UnbindRequest(w, f.stored.ID)
	}
	httpapi.SeeOther(w, p.PageURL(f.request.ownPage))
}

// refuseOwnPage sends a user who cancelled to the start page. Others read an error page.
func (p *responder) refuseOwnPage(w http.ResponseWriter, r *http.Request, err error, response *oauth2.Error) {
	if response.Code == oauth2.CodeAccessDenied {
		httpapi.SeeOther(w, p.PageURL("/"))
		return
	}
	p.Pages.Error(w, r, response.Status, p.errorPage(err, response, w.Header().Get("X-Request-Id")))
}
