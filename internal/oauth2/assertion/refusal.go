package assertion

// Refusal is an assertion that is not taken. It is an invalid_grant (RFC 7521 section
// 4.1.1).
type Refusal struct { //nolint:errname // it is the word for it, and not every error here is one
	Description string // for the client
}

// Error returns what is wrong.
func (r *Refusal) Error() string { return r.Description }

// invalid says of an assertion what is wrong with it.
func invalid(what string) error { return &Refusal{"The assertion " + what} }
