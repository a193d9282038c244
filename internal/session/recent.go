package session

import (
	"slices"
	"time"
)

// SensitiveMaxAge is the maximum age of an authentication for adding and removing credentials.
const SensitiveMaxAge = 5 * time.Minute

// IsRecent reports whether the user authenticated within [SensitiveMaxAge].
func (s *Session) IsRecent(now time.Time) bool { return now.Sub(s.AuthTime) < SensitiveMaxAge }

// IsMailOnly reports whether the methods are those of a user who has proven nothing but a link for
// a new password or a mailed code: neither a password nor another factor.
func IsMailOnly(amr []string) bool { return slices.Equal(amr, []string{"otp"}) }
