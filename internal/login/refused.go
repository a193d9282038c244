package login

import (
	"net/http"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/refusal"
)

// noteSignIn notes why a sign-in was refused. What the person typed as a user name may be
// a password, so that only a keyed digest of it is logged: enough to see that the same
// account is tried again.
func (h *Handler) noteSignIn(r *http.Request, v *visit, no *denied) {
	var attrs []refusal.Attr
	if no.subject != "" {
		attrs = append(attrs, refusal.Registered("subject", no.subject))
	}
	if name := r.PostForm.Get("username"); h.AccountDigest != nil && name != "" {
		if canonical, err := account.CanonicalUsername(name); err == nil {
			name = canonical
		}
		attrs = append(attrs, refusal.Registered("account_digest", h.AccountDigest(name)))
	}
	if no.wait > 0 {
		attrs = append(attrs, refusal.Seconds("retry_after_seconds", no.wait))
	}
	refusal.Note(r.Context(), refusal.Rejection{
		Message: "sign-in refused", Status: no.status, Code: "access_denied", Rule: no.rule, Words: no.why,
		ClientID: v.client.ID, Attrs: attrs,
	})
}

// noteSignUp notes that a new account was refused for what was entered in a field.
func noteSignUp(r *http.Request, v *visit, status int, field string) {
	rule, words := refusal.SignUpInvalid, "the form was not accepted"
	if status == http.StatusTooManyRequests {
		rule, words = refusal.SignInThrottled, "too many sign-ups or failed sign-ins from this network"
	}
	refusal.Note(r.Context(), refusal.Rejection{
		Message: "sign-up refused", Status: status, Rule: rule, Words: words,
		ClientID: v.client.ID, Attrs: []refusal.Attr{refusal.Registered("field", field)},
	})
}

// noteUserCode notes that a user code was not accepted.
func noteUserCode(r *http.Request, status int) {
	rule, words := refusal.UserCodeUnknown, "no device waits for this user code"
	if status == http.StatusTooManyRequests {
		rule, words = refusal.UserCodeThrottled, "too many wrong user codes came from this network"
	}
	refusal.Note(r.Context(), refusal.Rejection{Message: "user code refused", Status: status, Rule: rule, Words: words})
}
