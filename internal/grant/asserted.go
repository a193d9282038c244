package grant

import "time"

// AssertedToken is an access token issued for the assertion of a trusted issuer. It has no
// grant: its authorization is the trust in its issuer.
//
// Spec: RFC 7523 §2.1.
type AssertedToken struct {
	ClientID string
	Trust    string // the ID of the trust
	Subject  string // the sub of the assertion
	JTI      string
	IssuedAt time.Time
}
