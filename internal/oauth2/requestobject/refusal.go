package requestobject

// The error codes of a [Refusal] (OpenID Connect Core section 3.1.2.6).
const (
	invalidRequest    = "invalid_request"
	invalidRequestURI = "invalid_request_uri"
	invalidObject     = "invalid_request_object"
)

// Refusal is a request object that cannot be used, in the protocol's words.
type Refusal struct { //nolint:errname // it is the word for it, and not every error here is one
	Code        string
	Description string // for the client
	Reason      string // for the log, where there is more to tell
}

// Error returns the code with what is known.
func (r *Refusal) Error() string {
	if r.Reason != "" {
		return r.Code + ": " + r.Reason
	}
	return r.Code + ": " + r.Description
}

func refuse(code, description string) *Refusal {
	return &Refusal{Code: code, Description: description}
}

// invalid says of a request object what is wrong with it.
func invalid(what string) *Refusal { return refuse(invalidObject, "The request object "+what) }
