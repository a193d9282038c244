package authrequest

import "time"

// LogoutRequest is a logout request that waits for the answer of the logout app. It names
// one session: the answer ends only that session, in any browser.
type LogoutRequest struct {
	ID        string // see NewID
	SessionID string
	Subject   string
	ClientID  string // the requesting client; empty if no client is known
	Redirect  string // the post-logout redirect URI
	State     string
	CreatedAt time.Time
	ExpiresAt time.Time

	Decision       Decision
	DecidedAt      time.Time
	VerifierHash   []byte // SHA-256 of the verifier of the app's answer
	VerifierUsedAt time.Time

	// IdentityProviderSessionID is the session ID of the identity provider behind the login
	// app. It belongs to the session and is read with the request.
	IdentityProviderSessionID string
}
