package external

import (
	"crypto/subtle"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/session"
)

// Consent is a custom consent app, configured by the operator.
type Consent struct{ URL string }

// SeesEachRequest returns true: the app can add claims to the tokens of each request.
func (c *Consent) SeesEachRequest() bool { return true }

// ConsentURL prepares q, which is stored afterwards, and returns where the user of s
// consents. signedInAt is the time of the user's sign-in for the request, zero if there was none.
func (c *Consent) ConsentURL(q *authrequest.Request, s *session.Session, signedInAt time.Time) string {
	q.SessionID, q.SignedInAt = s.ID, signedInAt
	return challengeURL(c.URL, "consent_challenge", q, authrequest.StepConsent)
}

// RequestID returns the ID of the request of a verifier; ok is false if the verifier is
// malformed.
func (c *Consent) RequestID(verifier string) (id string, ok bool) {
	id, _, ok = authrequest.ParseVerifier(verifier, authrequest.StepConsent)
	return id, ok
}

// IsAnswer reports whether the verifier belongs to the app's answer to q. It is not
// redeemed, since the grant of a request is written at most once.
func (c *Consent) IsAnswer(q *authrequest.Request, verifier string) bool {
	return q.ConsentAnswer != nil && subtle.ConstantTimeCompare(q.VerifierHash, authrequest.HashVerifier(verifier)) == 1
}
