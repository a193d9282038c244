package account

import (
	"errors"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
)

// visit is a request of a signed-in user for a page.
type visit struct {
	console *Console
	w       http.ResponseWriter
	r       *http.Request
	session *session.Session
	account *account.Account
	now     time.Time
}

// serve returns the handler of a page, which calls handle for signed-in users. Pages that handle
// shows have the frame of the console.
func (c *Console) serve(p page, handle func(*visit) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, ok := c.Session(w, r, p.sensitive)
		if !ok {
			return
		}
		v := &visit{console: c, w: w, r: r, session: s, now: c.Now()}
		err := v.open(p) //nolint:contextcheck // it is that of the request
		if err == nil {
			err = handle(v)
		}
		if err != nil {
			v.fail(err)
		}
	}
}

// framed returns the handler of a page of another package, with the frame of the console.
func (c *Console) framed(p page, handle http.HandlerFunc) http.HandlerFunc {
	return c.serve(p, func(v *visit) error {
		handle(v.w, v.r)
		return nil
	})
}

// open reads the account and sets the frame and the language of the page.
func (v *visit) open(p page) (err error) {
	if v.account, err = v.console.Accounts.Account(v.r.Context(), v.session.Subject); err != nil {
		return err
	}
	if err := v.console.SessionManager.Touch(v.r, v.session); err != nil {
		return err
	}
	locale, _ := v.account.Claims["locale"].(string)
	v.r = pages.WithPreferences(v.r, pages.Preferences{Account: locale, Since: v.session.CreatedAt})
	menu, err := v.menu(p)
	if err != nil {
		return err
	}
	v.r = pages.WithFrame(v.r, pages.Frame{
		HomeURL: v.console.url(""), SignOutURL: v.console.SignOut, User: v.name(), Menu: menu, Status: v.console.Cookies.TakeStatus(v.w, v.r, v.session),
	})
	return nil
}

// url returns the URL of a page of the console.
func (c *Config) url(path string) string { return c.Issuer + Root + path }

// show writes a page.
func (v *visit) show(page pages.Page) error { return v.refuse(http.StatusOK, page) }

// refuse writes a page whose form has errors.
func (v *visit) refuse(status int, page pages.Page) error {
	v.console.Pages.Show(v.w, v.r, status, page)
	return nil
}

// done redirects to the page at path below [Root], which shows status.
func (v *visit) done(path string, status messages.Message) error {
	v.console.Cookies.SetStatus(v.w, v.session, v.console.Texts.Text(v.r, status))
	httpapi.SeeOther(v.w, v.console.url(path))
	return nil
}

// name returns the display name of the user, or the username.
func (v *visit) name() string {
	if name, _ := v.account.Claims["name"].(string); name != "" {
		return name
	}
	return v.account.Name()
}

func (v *visit) menu(current page) (menu []pages.MenuGroup, err error) {
	menu = make([]pages.MenuGroup, groups)
	for _, p := range v.console.pages() {
		if p.title.IsZero() {
			continue
		}
		item := pages.MenuItem{Link: pages.Link{URL: v.console.url(p.path), Text: p.title}, Current: p.path == current.path}
		if p.badge != nil {
			if item.Badge, err = p.badge(v); err != nil {
				return nil, err
			}
		}
		menu[p.group] = append(menu[p.group], item)
	}
	return menu, nil
}

// when returns a time for a page.
func (v *visit) when(at time.Time) pages.When { return pages.When{At: at, Now: v.now} }

// errNotFound reports something that does not exist or belongs to another user.
var errNotFound = errors.New("not found")

// failures maps errors to responses. Other errors are server errors, whose text is only in
// the log.
func failures() *httpapi.Errors {
	return &httpapi.Errors{
		Message: "account page refused", RetryAfter: 2 * time.Second,
		Table: []httpapi.Mapping{
			httpapi.Is(errNotFound, httpapi.Error{Status: http.StatusNotFound, Code: "not_found", Rule: refusal.NotFound}),
			httpapi.Is(account.ErrChanged, httpapi.Error{Status: http.StatusConflict, Code: "conflict", Rule: refusal.PageInvalid}),
		},
	}
}

// fail writes the error page and notes the reason for the log, once.
func (v *visit) fail(err error) {
	response := failures().Prepare(v.w, v.r, err)
	v.console.Pages.Error(v.w, v.r, response.Status, pages.Error{Code: response.Code, RequestID: v.w.Header().Get("X-Request-Id")})
}
