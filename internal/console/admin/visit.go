package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
)

// visit is a request of a signed-in administrator for a page.
type visit struct {
	console *Console
	w       http.ResponseWriter
	r       *http.Request
	who     signedIn
	session *session.Session
	account *account.Account
	scopes  []string // of the role
	now     time.Time
}

// serve returns the handler of a page, which calls handle for administrators whose role has the
// scope of the page.
func (c *Console) serve(p page, handle func(*visit) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := &visit{console: c, w: w, r: r, now: c.Now()}
		need, err := v.open(p) //nolint:contextcheck // it is that of the request
		switch {
		case err == nil && need != nil:
			err = c.begin(w, r, *need)
		case err == nil:
			err = handle(v)
		}
		if err != nil {
			c.fail(w, r, err)
		}
	}
}

// open reads who sends the request, and checks what the page needs. If the user has to sign in,
// it returns within which time.
func (v *visit) open(p page) (signIn *time.Duration, err error) {
	c := v.console
	again := idleLifetime
	if !c.openSealed(v.r, sessionCookie, &v.who) || !v.who.isCurrent(v.now) {
		return &again, nil
	}
	v.session, err = c.Sessions.Session(v.r.Context(), v.who.SessionID, v.now)
	if errors.Is(err, session.ErrNotFound) || err == nil && v.session.Subject != v.who.Subject {
		return &again, nil
	}
	if err != nil {
		return nil, err
	}
	if v.account, err = c.Accounts.Account(v.r.Context(), v.who.Subject); err != nil {
		return nil, err
	}
	if v.scopes = c.RoleScopes(v.account.AdminRole); len(v.scopes) == 0 {
		return nil, errNoRole
	}
	if _, reached := session.Strongest(v.session.ACR, levels()); !reached {
		return &again, nil
	}
	if need := p.need(v.r.Method); !v.holds(need) {
		return nil, v.deny(p, need)
	}
	if recent := session.SensitiveMaxAge; p.sensitive && (v.r.Method == http.MethodPost || p.fileBytes > 0) && v.now.Sub(v.session.AuthTime) > recent {
		return &recent, nil
	}
	return nil, v.frame(p)
}

// actionDenied is the audit action of a form that the role may not send.
const actionDenied = "console.change"

// deny returns the error for a role without the scope that the page needs. A form that is denied is an
// event of the audit log.
func (v *visit) deny(p page, scope string) error {
	refused := fmt.Errorf("%w: %w", errRole, &apikey.MissingError{Scopes: []string{scope}})
	if v.r.Method != http.MethodPost {
		return refused
	}
	return v.change(actionDenied, p.path, func(context.Context) error { return refused })
}

// holds reports whether the role has the scope; every role has the empty one.
func (v *visit) holds(scope string) bool { return scope == "" || slices.Contains(v.scopes, scope) }

// frame sets the frame of the page, and keeps the sign-in and the session at the issuer alive.
func (v *visit) frame(p page) error {
	c := v.console
	if err := c.Touch(v.r, v.session); err != nil {
		return err
	}
	if v.now.Sub(v.who.Seen) >= seenInterval {
		v.who.Seen = v.now
		if err := c.setSealed(v.w, sessionCookie, v.who, http.SameSiteStrictMode, 0); err != nil {
			return err
		}
	}
	locale, _ := v.account.Claims["locale"].(string)
	v.r = pages.WithPreferences(v.r, pages.Preferences{Account: locale, Since: v.session.CreatedAt})
	v.r = pages.WithFrame(v.r, pages.Frame{
		HomeURL: c.Root, SignOutURL: c.SignOutURL, User: v.account.Name(), Menu: v.menu(p), Status: v.takeStatus(),
	})
	return nil
}

// menu returns the pages that the role may read.
func (v *visit) menu(current page) []pages.MenuGroup {
	menu := make([]pages.MenuGroup, groups)
	for _, p := range v.console.pages() {
		if p.title.IsZero() || !v.holds(p.read) {
			continue
		}
		menu[p.group] = append(menu[p.group], pages.MenuItem{
			Link: pages.Link{URL: v.console.Root + p.path, Text: p.title}, Current: p.path == current.path || p.path != "" && strings.HasPrefix(current.path, p.path+"/"),
		})
	}
	return slices.DeleteFunc(menu, func(g pages.MenuGroup) bool { return len(g) == 0 })
}

// show writes a page.
func (v *visit) show(page pages.Page) error {
	v.console.Pages.Show(v.w, v.r, http.StatusOK, page)
	return nil
}

// refuse writes a page whose form has errors.
func (v *visit) refuse(status int, page pages.Page) error {
	v.console.Pages.Show(v.w, v.r, status, page)
	return nil
}

// done redirects to the page at path below the root, which shows status.
func (v *visit) done(path string, status messages.Message) error {
	c := v.console
	if err := c.setSealed(v.w, statusCookie, result{v.who.SessionID, c.Text(v.r, status)}, http.SameSiteStrictMode, 0); err != nil {
		return err
	}
	httpapi.SeeOther(v.w, c.Root+path)
	return nil
}

// result is the result of the last action in a session.
type result struct{ SessionID, Text string }

// takeStatus returns the result of the last action and removes it; empty for none.
func (v *visit) takeStatus() string {
	var last result
	if !v.console.openSealed(v.r, statusCookie, &last) {
		return ""
	}
	v.console.clearCookie(v.w, statusCookie)
	if last.SessionID != v.who.SessionID {
		return ""
	}
	return last.Text
}

// change makes a change that the audit log records, as the admin API does.
func (v *visit) change(action, target string, make func(context.Context) error) error {
	return v.console.audited(v.r, v.account, action, target, make)
}

// audited makes a change of the administrator, which the audit log records.
func (c *Console) audited(r *http.Request, by *account.Account, action, target string, make func(context.Context) error) error {
	e := audit.NewEvent(action, target, actorOf(by), c.Now())
	e.RequestID = c.RequestID(r.Context())
	if address := c.Address(r.Context()); address.IsValid() {
		e.Address = address.String()
	}
	return manage.Audited{
		Log: c.AuditLog,
		Outcome: func(err error) (audit.Outcome, int) {
			if err != nil {
				status := failures().Of(err).Status
				return audit.OutcomeOf(status), status
			}
			return audit.Done, http.StatusSeeOther
		},
		Unrecorded: func(ctx context.Context, e *audit.Event, err error) {
			c.Log.LogAttrs(ctx, slog.LevelError, "audit event without outcome", slog.String("event", e.ID), slog.Any("error", err))
		},
	}.Change(r.Context(), []*audit.Event{e}, make)
}

// pathValue returns a variable of the path, percent-decoded.
func (v *visit) pathValue(name string) string {
	text := chi.URLParam(v.r, name)
	if v.r.URL.RawPath == "" {
		return text
	}
	decoded, err := url.PathUnescape(text)
	if err != nil {
		return text
	}
	return decoded
}

// when returns a time for a page.
func (v *visit) when(at time.Time) pages.When { return pages.When{At: at, Now: v.now} }

var (
	// errNoRole reports a user who is not an administrator, errRole a role without the scope of
	// the page, errNotFound something that does not exist.
	errNoRole   = errors.New("the account has no role of administrators")
	errRole     = errors.New("the role of the administrator does not allow this")
	errNotFound = errors.New("not found")
)

// failures maps errors to responses. Other errors are server errors, whose text is only in the
// log.
func failures() *httpapi.Errors {
	forbidden := httpapi.Error{Status: http.StatusForbidden, Code: "access_denied", Rule: refusal.AccessDenied}
	return &httpapi.Errors{
		Message: "console page refused", RetryAfter: 2 * time.Second,
		Table: []httpapi.Mapping{
			httpapi.Is(errNoRole, forbidden), httpapi.Is(errRole, forbidden),
			httpapi.Is(errNotFound, httpapi.Error{Status: http.StatusNotFound, Code: "not_found", Rule: refusal.NotFound}),
			httpapi.Is(account.ErrNotFound, forbidden),
		},
	}
}

// roles returns the names of roles in the language of the response.
func (c *Console) roles(r *http.Request, list []account.AdminRole) string {
	names := make([]string, len(list))
	for i, role := range list {
		names[i] = c.Text(r, messages.New(roleNames()[role]))
	}
	return strings.Join(names, ", ")
}

// fail writes the error page and notes the reason for the log, once.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, err error) {
	response := failures().Prepare(w, r, err)
	page := pages.Error{Code: response.Code, RequestID: c.RequestID(r.Context())}
	switch {
	case errors.Is(err, errNoRole) || errors.Is(err, account.ErrNotFound):
		page.Text, page.Advice = messages.New("console.no-role.text"), messages.New("console.no-role.advice")
	case errors.Is(err, errRole):
		page.Text, page.Advice = messages.New("console.role.text"), messages.New("console.no-role.advice")
		if missing, ok := errors.AsType[*apikey.MissingError](err); ok {
			page.Text = messages.New("console.role.needed", "roles", c.roles(r, apikey.RolesWith(missing.Scopes)))
		}
	}
	c.Pages.Error(w, r, response.Status, page)
}
