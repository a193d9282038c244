package session

import (
	"slices"
	"time"
)

// SensitiveMaxAge is the maximum age of an authentication for adding and removing credentials.
const SensitiveMaxAge = 5 * time.Minute

// IsRecent reports whether the user authenticated within [SensitiveMaxAge].
func (s *Session) IsRecent(now time.Time) bool { return now.Sub(s.AuthTime) < SensitiveMaxAge }

// IsRecovery reports whether the methods are those of a user who has proven nothing but the link
// for a new password: neither that password nor another factor.
func IsRecovery(amr []string) bool { return slices.Equal(amr, []string{"otp"}) }
