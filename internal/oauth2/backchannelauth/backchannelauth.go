// Package backchannelauth serves the backchannel authentication endpoint: a client names its user by a
// hint and requests authentication without a browser. The user decides in the account console, or in
// an app of the operator ([Decisions]), and the client gets its tokens at the token endpoint.
//
// Spec: OpenID Connect Client-Initiated Backchannel Authentication (CIBA Core).
package backchannelauth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/ciba"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/jws"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/refusal"
)

// Authenticator authenticates the client of a request.
type Authenticator interface {
	Authenticate(ctx context.Context, r *http.Request) (*client.Client, error)
}

// Objects opens what clients sign, as [requestobject.Opener] does.
type Objects interface {
	OpenBackchannel(ctx context.Context, c *client.Client, form url.Values) (inside url.Values, spend func(context.Context) error, err error)
	SignedBy(ctx context.Context, c *client.Client, compact, registered string, types ...string) (*jws.JWS, error)
}

// Checks checks the parameters that all authorization requests have.
type Checks interface {
	CheckBackchannel(ctx context.Context, c *client.Client, form url.Values, now time.Time, lifetime time.Duration) (*ciba.Checked, error)
}

// Accounts finds users. Each method is one statement, for unknown users too.
type Accounts interface {
	// AccountByHint returns the account of a username or verified email address, or else of a subject,
	// or [account.ErrNotFound].
	AccountByHint(ctx context.Context, name, subject string) (*account.Account, error)
}

// Requests stores requests.
type Requests interface {
	// Insert stores a request for a person, and notifies the user. It returns a
	// [*ciba.TooManyError] if a limit is reached. The time that it takes does not depend on whether
	// the request has a subject.
	Insert(ctx context.Context, r *ciba.Request, person string) error
}

// Throttle counts the requests of clients, as [client.Throttle] does.
type Throttle interface {
	CountAttempt(ctx context.Context, key string, window time.Duration, now time.Time) (count int, since time.Time, err error)
}

// Sealer encrypts the notification tokens of clients.
type Sealer interface {
	Seal(purpose string, plaintext []byte) ([]byte, error)
}

// NotificationPurpose is the purpose for which notification tokens are sealed.
const NotificationPurpose = "client notification token"

// Handler serves the endpoint. All of its members but Throttle are set.
type Handler struct {
	Authenticator Authenticator
	Objects       Objects
	Checks        Checks
	Accounts      Accounts
	Requests      Requests
	Throttle      Throttle // nil for no limit
	Sealer        Sealer
	Codec         *tokens.Codec

	Issuer      string
	PerMinute   int  // requests of one client
	RevealUsers bool // respond with unknown_user_id to a hint that names no user
	Network     func(context.Context) string
	Now         func() time.Time
}

// Response is an authentication request acknowledgement.
//
// Spec: CIBA Core §7.3.
type Response struct {
	AuthReqID string `json:"auth_req_id"`
	ExpiresIn int64  `json:"expires_in"` // seconds
	Interval  int64  `json:"interval"`   // seconds
}

// ServeHTTP serves POST /oauth2/ciba.
//
// Spec: CIBA Core §7, §13.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	response, err := h.authenticate(r)
	if tooMany, ok := errors.AsType[*ciba.TooManyError](err); ok {
		err = &oauth2.Error{
			Status: http.StatusTooManyRequests, Code: oauth2.CodeTemporarilyUnavailable, RetryAfter: tooMany.RetryAfter,
			Description: "There are too many requests of this client or for this user. Try again later.",
			Err:         refusal.New(refusal.BackchannelLimit, "too many backchannel authentication requests", refusal.Registered("limit", tooMany.Limit)),
		}
	}
	if err != nil {
		oauth2.WriteStandardError(w, r, err)
		return
	}
	httpapi.JSON(w, http.StatusOK, response)
}

func (h *Handler) authenticate(r *http.Request) (*Response, error) {
	ctx, now := r.Context(), h.Now()
	c, err := h.Authenticator.Authenticate(ctx, r)
	if err != nil {
		return nil, err
	}
	if !c.AllowsGrantType(client.GrantCIBA) || c.IsPublic() {
		return nil, oauth2.StandardError(oauth2.CodeUnauthorizedClient)
	}
	if err := h.limit(ctx, c, now); err != nil {
		return nil, err
	}
	form, spend, err := h.Objects.OpenBackchannel(ctx, c, r.PostForm)
	if err != nil {
		return nil, err
	}
	p, err := parse(c, form)
	if err != nil {
		return nil, err
	}
	checked, err := h.Checks.CheckBackchannel(ctx, c, form, now, p.lifetime)
	if err != nil {
		return nil, err
	}
	request := &ciba.Request{
		Grant: checked.At, ClientID: c.ID, Seed: make([]byte, 32), Interval: ciba.Interval, CreatedAt: now, ExpiresAt: now.Add(p.lifetime),
		Details: ciba.Details{
			Scopes: checked.Access.Scopes, Resources: checked.Access.Resources, AuthorizationDetails: checked.Access.Details, BindingMessage: p.bindingMessage, ACRValues: checked.ACRValues,
			Network: h.Network(ctx),
		},
	}
	_, _ = rand.Read(request.Seed) // never fails: crypto/rand ends the process instead
	if p.notificationToken != "" {
		if request.Notification, err = h.Sealer.Seal(NotificationPurpose, []byte(p.notificationToken)); err != nil {
			return nil, fmt.Errorf("seal notification token: %w", err)
		}
	}
	hint, err := h.hint(ctx, c, form, checked.HintSubject)
	if err != nil {
		return nil, err
	}
	person, cause, err := h.user(ctx, c, hint, request)
	if err != nil {
		return nil, err
	}
	if err := spend(ctx); err != nil {
		return nil, err
	}
	if cause != nil && h.RevealUsers {
		return nil, oauth2.NewError(oauth2.CodeUnknownUserID, "The hint names no user who may use this client").Because(cause)
	}
	if err := h.Requests.Insert(ctx, request, person); err != nil {
		return nil, err
	}
	if cause != nil {
		refusal.Note(ctx, refusal.Rejection{Message: "hint without a user", Err: cause, Succeeded: true, Flood: true})
	}
	return &Response{
		AuthReqID: h.Codec.Make(tokens.AuthReqID, request.Grant, 0, request.Seed),
		ExpiresIn: int64(p.lifetime.Seconds()), Interval: int64(ciba.Interval.Seconds()),
	}, nil
}

// limit counts the request of a client.
func (h *Handler) limit(ctx context.Context, c *client.Client, now time.Time) error {
	if h.Throttle == nil || h.PerMinute == 0 {
		return nil
	}
	count, since, err := h.Throttle.CountAttempt(ctx, "ciba client "+c.ID, time.Minute, now)
	if err != nil {
		return fmt.Errorf("count request: %w", err)
	}
	if count > h.PerMinute {
		return &ciba.TooManyError{Limit: "ciba_requests_per_client", RetryAfter: since.Add(time.Minute).Sub(now)}
	}
	return nil
}

// user sets the subject of the request, unless the hint names no user who may use the client: the cause
// is then the reason. Limits count requests by the person.
func (h *Handler) user(ctx context.Context, c *client.Client, n hint, r *ciba.Request) (person string, cause *refusal.Cause, err error) {
	a, err := h.Accounts.AccountByHint(ctx, n.name, n.subject)
	switch {
	case errors.Is(err, account.ErrNotFound):
		return "hint " + n.name + " " + n.subject, refusal.New(refusal.UserHintUnknown, "no account has the username, verified email address or subject of the hint"), nil
	case err != nil:
		return "", nil, fmt.Errorf("find user: %w", err)
	case !a.DisabledAt.IsZero():
		cause = refusal.New(refusal.UserHintUnknown, "the account of the hint is disabled")
	case !c.Admits(a.Groups):
		cause = refusal.New(refusal.UserHintUnknown, "the user of the hint is in none of the groups that may use the client")
	default:
		r.Subject = a.Subject
	}
	return "subject " + a.Subject, cause, nil
}
