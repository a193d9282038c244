package admin

import (
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/manage"
)

// tagged returns the response with a record, whose version is its ETag.
//
// Spec: RFC 9110 §8.8.3.
func (r *Request) tagged(version string, body any) *Response {
	r.header.Set("ETag", `"`+version+`"`)
	return ok(body)
}

// precondition returns the precondition of the request: the version of the record is one of those in
// If-Match. It is nil without that header, and for "*".
//
// Spec: RFC 9110 §13.1.1.
func (r *Request) precondition() (manage.Precondition, error) {
	values := r.HTTP.Header.Values("If-Match")
	if len(values) == 0 {
		return nil, nil
	}
	var versions []string
	for tag := range strings.SplitSeq(strings.Join(values, ","), ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" && len(values) == 1 && strings.TrimSpace(values[0]) == "*" {
			return nil, nil
		}
		// A weak tag never matches (RFC 9110 section 8.8.3.2).
		version, isWeak := strings.CutPrefix(tag, "W/")
		if len(version) < 2 || version[0] != '"' || version[len(version)-1] != '"' {
			return nil, invalid("The header If-Match must be * or a list of the ETag values of responses.")
		}
		if !isWeak {
			versions = append(versions, strings.Trim(version, `"`))
		}
	}
	return func(version string) error {
		if !slices.Contains(versions, version) {
			return account.ErrChanged
		}
		return nil
	}, nil
}
