package external

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/session"
)

// Requests redeems the answers of login apps.
type Requests interface {
	// RedeemLogin is a compare-and-set: every later call, and a call with another verifier
	// or from another browser, gets authrequest.ErrNotFound.
	RedeemLogin(ctx context.Context, id string, browser, verifier []byte, now time.Time) (*authrequest.Request, error)
	RecordSignIn(ctx context.Context, id, sessionID string, at, now time.Time) error
}

// Accounts adds accounts for subjects that a login app names for the first time.
type Accounts interface {
	// InsertAccount returns account.ErrExists for a subject that exists, and
	// account.ErrIsClient for the ID of a client.
	InsertAccount(ctx context.Context, a *account.Account) error
}

// Sessions begins and extends sessions, as [session.Manager] does.
type Sessions interface {
	Begin(w http.ResponseWriter, r *http.Request, current *session.Session, a session.Authentication) (*session.Session, error)
	Extend(w http.ResponseWriter, r *http.Request, s *session.Session, rememberFor time.Duration) error
}

// Login is a custom login app, configured by the operator: an authentication method whose
// result is the answer of the app.
type Login struct {
	URL      string
	Requests Requests
	Accounts Accounts
	Sessions Sessions
	Cookies  session.Cookies
	Now      func() time.Time
}

// SeesEachRequest returns true: the app decides who the user is, for each request.
func (l *Login) SeesEachRequest() bool { return true }

// SignInURL prepares q, which is stored afterwards, and returns where the user signs in.
// If reusable is not nil, the app may let the user continue in that session. The app finds
// in the request whether it is for a user who creates an account.
func (l *Login) SignInURL(q *authrequest.Request, _ bool, reusable *session.Session) string {
	q.LoginSession = session.NewID()
	if reusable != nil {
		q.LoginSession, q.LoginSkip, q.Subject = reusable.ID, true, reusable.Subject
	}
	return challengeURL(l.URL, "login_challenge", q, authrequest.StepLogin)
}

// FactorURL is not called: the app verifies all factors.
func (l *Login) FactorURL(*authrequest.Request) string { return l.URL }

// PasswordURL is not called: passwords are those of the app.
func (l *Login) PasswordURL(*authrequest.Request) string { return l.URL }

// TermsURL is not called: the app shows the terms.
func (l *Login) TermsURL(*authrequest.Request) string { return l.URL }

// Redeem returns the request that the app has answered, and redeems the verifier of the
// answer. It returns authrequest.ErrNotFound, with the ID of the request if the
// verifier has one, for a verifier that is invalid, redeemed before or of another browser.
func (l *Login) Redeem(r *http.Request, verifier string) (q *authrequest.Request, id string, err error) {
	id, hash, ok := authrequest.ParseVerifier(verifier, authrequest.StepLogin)
	if !ok {
		return nil, "", authrequest.ErrNotFound
	}
	q, err = l.Requests.RedeemLogin(r.Context(), id, l.Cookies.BoundRequest(r, id), hash, l.Now())
	return q, id, err
}

// SignIn returns the session that the app's answer to q leads to: a session for the subject
// of the answer, or current, the session of the browser, if the app let the user continue in
// it. It returns account.ErrDisabled or account.ErrIsClient if the subject cannot sign in.
func (l *Login) SignIn(w http.ResponseWriter, r *http.Request, q *authrequest.Request, current *session.Session) (*session.Session, error) {
	ctx, answer := r.Context(), q.LoginAnswer
	rememberFor := time.Duration(answer.RememberFor) * time.Second
	if q.LoginSkip {
		if !answer.Extend || current == nil || current.ID != q.SessionID {
			return current, nil
		}
		return current, l.Sessions.Extend(w, r, current, rememberFor)
	}
	if q.User.Disabled {
		return nil, account.ErrDisabled
	}
	if !q.User.Known {
		err := l.Accounts.InsertAccount(ctx, account.NewExternal(q.Subject, l.Now()))
		if err != nil && !errors.Is(err, account.ErrExists) {
			return nil, err
		}
	}
	s, err := l.Sessions.Begin(w, r, current, session.Authentication{
		Account: &account.Account{Subject: q.Subject, Username: q.User.Username}, Claims: q.User.Claims, Released: q.User.Released,
		Time: q.SignedInAt, ACR: answer.ACR, AMR: answer.AMR,
		ID: q.SessionID, IdentityProviderSessionID: answer.IdentityProviderSessionID,
		Remember: answer.Remember, RememberFor: rememberFor,
	})
	if err != nil {
		return nil, err
	}
	if s.ID != q.SessionID { // the session of the browser was raised and keeps its ID
		if err := l.Requests.RecordSignIn(ctx, q.ID, s.ID, q.SignedInAt, l.Now()); err != nil {
			return nil, err
		}
		q.SessionID = s.ID
	}
	return s, nil
}
