package account

// BreachCheck is whether the current password of an account has appeared in a data breach.
type BreachCheck int

// The results of a check.
const (
	BreachUnknown BreachCheck = iota // not checked since the password was set
	NotBreached
	Breached
)
