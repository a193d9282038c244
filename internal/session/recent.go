package session

import "time"

// SensitiveMaxAge is the maximum age of an authentication for adding and removing credentials.
const SensitiveMaxAge = 5 * time.Minute

// IsRecent reports whether the user authenticated within [SensitiveMaxAge].
func (s *Session) IsRecent(now time.Time) bool { return now.Sub(s.AuthTime) < SensitiveMaxAge }
