// Package consent holds the remembered consents of users. A later authorization request
// for the same scopes skips the consent page.
package consent

import (
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/grant"
)

// Consent is a remembered decision of a user to grant scopes and details to a client. It
// applies to one session, or to all sessions of the user if SessionID is empty.
type Consent struct {
	Subject     string
	ClientID    string
	SessionID   string
	Scopes      []string
	GivenAt     time.Time
	ExpiresAt   time.Time
	Details     detail.List       // the latest, see [detail.List.Join]
	ExtraClaims grant.ExtraClaims // claims that the consent app added to tokens
}

// Covers reports whether the consent includes all scopes. A nil consent covers none.
func (c *Consent) Covers(scopes []string) bool {
	if c == nil {
		return false
	}
	return !slices.ContainsFunc(scopes, func(scope string) bool { return !slices.Contains(c.Scopes, scope) })
}

// CoversDetails reports whether the consent includes all details. A nil consent covers none.
func (c *Consent) CoversDetails(details detail.List) bool {
	return len(details) == 0 || c != nil && c.Details.Covers(details)
}

// Add adds scopes to the consent, without duplicates.
func (c *Consent) Add(scopes []string) {
	for _, scope := range scopes {
		if !slices.Contains(c.Scopes, scope) {
			c.Scopes = append(c.Scopes, scope)
		}
	}
}
