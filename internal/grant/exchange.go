package grant

import "time"

// Actor is a party that acts on behalf of the subject of a token. Actor is the one before, whose
// token it exchanged.
//
// Spec: RFC 8693 §4.1.
type Actor struct {
	Subject  string `json:"sub"`
	Issuer   string `json:"iss,omitempty"`       // of the subject, unless it is this server
	ClientID string `json:"client_id,omitempty"` // the client of an actor that is a user
	Actor    *Actor `json:"act,omitempty"`
}

// Depth returns the number of actors, 0 for nil.
func (a *Actor) Depth() int {
	n := 0
	for ; a != nil; a = a.Actor {
		n++
	}
	return n
}

// Exchanged is a token that a client got by token exchange. It has no row: it is valid while
// everything is that it came from.
//
// Spec: RFC 8693.
type Exchanged struct {
	JTI      string
	ClientID string
	IssuedAt time.Time
	// Root is the grant of its user, the zero value for a subject without one. It may be the grant of
	// another client.
	Root    Locator
	Sources []Source
}

// Source is a token from which another was exchanged, as subject_token or actor_token.
type Source struct {
	ClientID string    // of the client that it was issued to
	JTI      string    // empty for a refresh token or an ID token
	IssuedAt time.Time // for a JWT of a trusted issuer when it was exchanged; zero if the grant decides
	Grant    Locator   // the zero value for none
	// Trust and Subject are set for a JWT of a trusted issuer, which was issued to no client, and for a
	// token that was issued for one.
	Trust, Subject string
}

// WithoutClaims returns a copy of a grant for a token that another client gets under it: without the
// session, and without the claims that were consented to and added for its own client.
func (g *WithAccount) WithoutClaims(clientID string) *WithAccount {
	copied := *g
	copied.ClientID, copied.SessionID = clientID, ""
	copied.Authorization.Claims, copied.Authorization.ClaimScopes, copied.Authorization.Details = nil, nil, nil
	copied.Authorization.ExtraClaims = ExtraClaims{ForcedSubject: g.Authorization.ExtraClaims.ForcedSubject}
	return &copied
}
