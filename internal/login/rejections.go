package login

import (
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/refusal"
)

// rejection is an unsuccessful authentication. The user reads the same words for every
// reason; why is for the log.
type rejection struct {
	status  int
	message messages.Message // for the user
	wait    time.Duration    // until the next attempt is allowed; 0 if it is
	rule    refusal.Rule
	why     string
	subject string // of the account, if there is one
}

// Error returns the reason for the log.
func (e *rejection) Error() string { return e.why }

// tooManyAttempts rejects an attempt without looking at its password. The user reads the
// same for every limit, unless waiting does not help; the log has the limit, so that the operator can unlock the account.
func tooManyAttempts(t throttled) error {
	if t.rests {
		return &rejection{
			status: http.StatusForbidden, message: messages.New("sign-in.rests"), rule: refusal.SignInThrottled,
			why: "100 failed sign-ins in a row from unknown devices and networks: the password is accepted only from known ones",
		}
	}
	why := "too many failed sign-ins at this account from unknown devices and networks, or from this known one"
	if t.network {
		why = "too many failed sign-ins from this network"
	}
	return &rejection{status: http.StatusTooManyRequests, message: messages.New("retry.too-many-attempts"), wait: t.wait, rule: refusal.SignInThrottled, why: why}
}

func wrongPassword(rule refusal.Rule, why, subject string) error {
	return &rejection{
		status: http.StatusForbidden, message: messages.New("sign-in.incorrect"),
		rule: rule, why: why, subject: subject,
	}
}

// noteSignIn records a rejected sign-in. The submitted username may be a password, so that
// only a keyed digest of it is logged, which shows repeated attempts at one account.
func (h *SignIn) noteSignIn(r *http.Request, f *flow, rejected *rejection) {
	var attrs []refusal.Attr
	if rejected.subject != "" {
		attrs = append(attrs, refusal.Registered("subject", rejected.subject))
	}
	if name := r.PostForm.Get("username"); h.AccountDigest != nil && name != "" {
		if canonical, err := account.CanonicalUsername(name); err == nil {
			name = canonical
		}
		attrs = append(attrs, refusal.Registered("account_digest", h.AccountDigest(name)))
	}
	if rejected.wait > 0 {
		attrs = append(attrs, refusal.Seconds("retry_after_seconds", rejected.wait))
	}
	refusal.Note(r.Context(), refusal.Rejection{
		Message: "sign-in refused", Status: rejected.status, Code: "access_denied", Rule: rejected.rule, Text: rejected.why,
		ClientID: f.client.ID, Attrs: attrs,
	})
}

// Failures records failed sign-ins at accounts, for their users.
type Failures interface {
	Add(subject, network string, now time.Time)
}

// recordFailedSignIn records a rejected sign-in for the user of the account, if it has one.
func (l *limiter) recordFailedSignIn(r *http.Request, rejected *rejection) {
	if networks := l.networks(r.Context()); rejected.subject != "" && len(networks) > 0 {
		l.Failures.Add(rejected.subject, networks[0], l.Now())
	}
}

// noteSignUp records a rejected sign-up, with the field that was not accepted.
func noteSignUp(r *http.Request, f *flow, status int, field string) {
	rule, words := refusal.SignUpInvalid, "the form was not accepted"
	if status == http.StatusTooManyRequests {
		rule, words = refusal.SignInThrottled, "too many sign-ups or failed sign-ins from this network"
	}
	refusal.Note(r.Context(), refusal.Rejection{
		Message: "sign-up refused", Status: status, Rule: rule, Text: words,
		ClientID: f.client.ID, Attrs: []refusal.Attr{refusal.Registered("field", field)},
	})
}

// noteUserCode records a rejected user code.
func noteUserCode(r *http.Request, status int) {
	rule, words := refusal.UserCodeUnknown, "no device waits for this user code"
	if status == http.StatusTooManyRequests {
		rule, words = refusal.UserCodeThrottled, "too many wrong user codes came from this network"
	}
	refusal.Note(r.Context(), refusal.Rejection{Message: "user code refused", Status: status, Rule: rule, Text: words})
}
