// Package factors serves the pages of the account on which users manage their second factors:
// authenticator apps and recovery codes.
//
// Adding or removing a factor requires a recent authentication at the highest level of the
// account, so that a forgotten browser or a stolen cookie cannot do it.
package factors

import (
	"context"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/session"
)

// Service manages the second factors of an account, as [secondfactor.Service] does.
type Service interface {
	Enrolled(ctx context.Context, subject string) (secondfactor.FactorSet, error)
	BeginTOTP(ctx context.Context, subject, issuer, username string, b secondfactor.Binding) (secondfactor.Enrolment, error)
	ConfirmTOTP(ctx context.Context, subject, code, label string, b secondfactor.Binding, now time.Time) (*secondfactor.Authenticator, error)
	RemoveTOTP(ctx context.Context, subject, id string, now time.Time) error
	GenerateRecoveryCodes(ctx context.Context, subject string, now time.Time) ([]string, error)
}

// Pages renders pages.
type Pages interface {
	Show(w http.ResponseWriter, r *http.Request, status int, page pages.Page)
	Error(w http.ResponseWriter, r *http.Request, status int, v pages.Error)
}

// Config has the dependencies of the pages.
type Config struct {
	Issuer string // without a trailing slash: the prefix of every URL on the pages
	// Name is the name of the service, which authenticator apps show.
	Name    string
	Factors Service
	// Session returns the session of the user. A sensitive page needs a recent authentication
	// at the highest level of the account. If there is no such session, it has sent the user to
	// sign in and returns false.
	Session func(w http.ResponseWriter, r *http.Request, sensitive bool) (*session.Session, bool)
	// Manager raises the session after a factor was proven.
	Manager interface {
		Begin(w http.ResponseWriter, r *http.Request, current *session.Session, a session.Authentication) (*session.Session, error)
	}
	Accounts interface {
		Account(ctx context.Context, subject string) (*account.Account, error)
	}
	Cookies session.Cookies
	Pages   Pages
	Now     func() time.Time
}

// fail shows the error page and notes the reason for the log.
func (c *Config) fail(w http.ResponseWriter, r *http.Request, err error) {
	errs := &httpapi.Errors{
		Message: "page refused", RetryAfter: 2 * time.Second, Rule: func(*httpapi.Error) refusal.Rule { return "" },
	}
	response := errs.Prepare(w, r, err)
	c.Pages.Error(w, r, response.Status, pages.Error{Code: response.Code, RequestID: w.Header().Get("X-Request-Id")})
}
