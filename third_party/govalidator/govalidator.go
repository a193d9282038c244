// Package govalidator holds the one function of its namesake that fosite calls.
package govalidator

import "net/url"

// IsRequestURL reports whether text is a URL as a request line may carry one,
// with its scheme.
func IsRequestURL(text string) bool {
	u, err := url.ParseRequestURI(text)
	return err == nil && u.Scheme != ""
}
