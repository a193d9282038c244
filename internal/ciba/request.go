// Package ciba holds backchannel authentication requests (OpenID Connect Client-Initiated Backchannel
// Authentication): a client names a user by a hint, the user decides on another device, and the client
// polls meanwhile.
package ciba

import (
	"errors"
	"time"

	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/scope"
)

var (
	// ErrNotFound reports a request that is unknown, has expired, or has been decided.
	ErrNotFound = errors.New("backchannel authentication request not found")
	// ErrExpired reports a request that the user did not decide in time.
	ErrExpired = errors.New("backchannel authentication request has expired")
)

// The lifetime of requests and the time between two polls.
//
// Spec: CIBA Core §7.1 (requested_expiry), §7.3.
const (
	DefaultLifetime = 2 * time.Minute
	MaxLifetime     = 10 * time.Minute
	Interval        = 5 * time.Second
)

// Request is a backchannel authentication request. Allowing it creates a grant at a locator that is
// chosen here, so that it succeeds once. Denying it sets DeniedAt.
//
// Spec: CIBA Core §7.
type Request struct {
	Grant    grant.Locator // also identifies the request
	ClientID string
	// Subject is the user who decides. It is empty if the hint names no user, or one who may not use
	// the client: such a request expires like one that its user ignores.
	Subject string
	Details Details
	// Notification is the sealed token with which the client recognizes the notification of this server.
	Notification []byte
	Seed         []byte        // of the auth_req_id, and later of the grant
	Interval     time.Duration // minimum time between two polls
	CreatedAt    time.Time
	ExpiresAt    time.Time

	PolledAt time.Time
	DeniedAt time.Time
}

// Details is what a client requested, as it is stored.
type Details struct {
	Scopes    []string `json:"scopes"`
	Resources []string `json:"resources,omitempty"`
	// AuthorizationDetails are those of RFC 9396.
	AuthorizationDetails detail.List `json:"authorization_details,omitempty"`
	BindingMessage       string      `json:"binding_message,omitempty"`
	ACRValues            []string    `json:"acr_values,omitempty"`
	// Network is the address range that sent the request.
	Network string `json:"network,omitempty"`
}

// ID returns the identifier of the request for operators and pages. It is no credential, unlike the
// auth_req_id.
func (r *Request) ID() string { return r.Grant.ID.String() }

// Checked is a new request whose parameters have been checked.
type Checked struct {
	At        grant.Locator // of the grant to which it leads
	Access    scope.Access  // of the client if the user agrees
	ACRValues []string
	// HintSubject is the sub of the id_token_hint, as the client knows it; empty without a hint.
	HintSubject string
}

// Approval is the decision of a user to allow a request.
type Approval struct {
	Subject string
	// Scopes are the granted ones among those of the request; nil grants all.
	Scopes   []string
	AuthTime time.Time // of the authentication of the user
	ACR      string
	AMR      []string
}

// Limits bound the requests that reach one user. 0 is no limit.
type Limits struct {
	Open    int // requests that wait for a decision
	PerHour int
}

// TooManyError reports a request above one of the limits.
type TooManyError struct {
	Limit      string // its setting
	RetryAfter time.Duration
}

// Error implements error.
func (e *TooManyError) Error() string { return "too many backchannel authentication requests" }
