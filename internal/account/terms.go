package account

import "time"

// AcceptedTerms is the version of the operator's terms that a user has accepted, and when. The
// zero value means none.
type AcceptedTerms struct {
	Version string
	At      time.Time
}
