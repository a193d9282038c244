package authrequest

import "time"

// LogoutRequest is a wish to sign out that the operator's own app is asked about.
//
// It names the session that it is about, so that what the app allows ends that one
// and no other, in whichever browser its answer arrives.
type LogoutRequest struct {
	ID        string // see NewID
	SessionID string
	Subject   string
	ClientID  string // who asks for it, empty for nobody in particular
	Redirect  string // where the client wants the person afterwards
	State     string
	CreatedAt time.Time
	ExpiresAt time.Time

	Decision       Decision
	DecidedAt      time.Time
	VerifierHash   []byte // what the app's answer is known by
	VerifierUsedAt time.Time

	// IdentityProviderSessionID is how the login app's own identity provider calls the session.
	// It is read with the sign-out, not part of it.
	IdentityProviderSessionID string
}
