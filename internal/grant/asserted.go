package grant

import "time"

// AssertedToken is an access token that came of what a trusted issuer said (RFC 7523). There
// is no grant behind it: nobody here allowed anything but the operator, who trusts the
// issuer.
type AssertedToken struct {
	ClientID string
	Trust    string // the id of the trust
	Subject  string // as the issuer names it
	JTI      string
	IssuedAt time.Time
}
