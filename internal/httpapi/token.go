package httpapi

import (
	"errors"
	"net/http"
	"strings"
)

var (
	// ErrNoToken reports a request without an access token.
	ErrNoToken = errors.New("no bearer token")
	// ErrAmbiguousToken reports a request with an access token in the query, or with more
	// than one.
	ErrAmbiguousToken = errors.New("bearer token in the query or more than once")
)

// BearerToken returns the token of the Authorization header. It returns [ErrNoToken] if
// the header is missing or holds something else, and [ErrAmbiguousToken] if there are
// several headers.
//
// Spec: RFC 6750 §2.1.
func BearerToken(r *http.Request) (string, error) {
	switch headers := r.Header.Values("Authorization"); len(headers) {
	case 0:
		return "", ErrNoToken
	case 1:
		scheme, token, _ := strings.Cut(headers[0], " ")
		if token = strings.Trim(token, " "); token == "" || !strings.EqualFold(scheme, "Bearer") {
			return "", ErrNoToken
		}
		return token, nil
	default:
		return "", ErrAmbiguousToken
	}
}

// AccessToken returns the access token of a request to a protected resource: that of the
// Authorization header or of a POST form, which middleware has parsed. A token in the
// query, where logs and histories keep it, is ambiguous.
//
// Spec: RFC 6750 §2.
func AccessToken(r *http.Request) (string, error) {
	form := r.PostForm["access_token"]
	if r.URL.Query().Has("access_token") || len(form)+len(r.Header.Values("Authorization")) > 1 {
		return "", ErrAmbiguousToken
	}
	if len(form) == 1 && r.Method == http.MethodPost {
		return form[0], nil
	}
	return BearerToken(r)
}
