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

// Presented is an access token as a request presents it.
type Presented struct {
	Token string
	// DPoP reports the scheme DPoP (RFC 9449 section 7.1), Bearer otherwise.
	DPoP bool
}

// PresentedToken returns the token of the Authorization header. It returns [ErrNoToken] if
// the header is missing or holds something else, and [ErrAmbiguousToken] if there are
// several headers.
//
// Spec: RFC 6750 §2.1, RFC 9449 §7.1.
func PresentedToken(r *http.Request) (Presented, error) {
	switch headers := r.Header.Values("Authorization"); len(headers) {
	case 0:
		return Presented{}, ErrNoToken
	case 1:
		scheme, token, _ := strings.Cut(headers[0], " ")
		p := Presented{Token: strings.Trim(token, " "), DPoP: strings.EqualFold(scheme, "DPoP")}
		if p.Token == "" || !p.DPoP && !strings.EqualFold(scheme, "Bearer") {
			return Presented{}, ErrNoToken
		}
		return p, nil
	default:
		return Presented{}, ErrAmbiguousToken
	}
}

// BearerToken returns the token of an Authorization header with the scheme Bearer, with the errors of
// [PresentedToken].
//
// Spec: RFC 6750 §2.1.
func BearerToken(r *http.Request) (string, error) {
	p, err := PresentedToken(r)
	if err == nil && p.DPoP {
		return "", ErrNoToken
	}
	return p.Token, err
}

// AccessToken returns the access token of a request to a protected resource: that of the
// Authorization header or of a POST form, which middleware has parsed. A token in the
// query, where logs and histories keep it, is ambiguous.
//
// Spec: RFC 6750 §2, RFC 9449 §7.1.
func AccessToken(r *http.Request) (Presented, error) {
	form := r.PostForm["access_token"]
	if r.URL.Query().Has("access_token") || len(form)+len(r.Header.Values("Authorization")) > 1 {
		return Presented{}, ErrAmbiguousToken
	}
	if len(form) == 1 && r.Method == http.MethodPost {
		return Presented{Token: form[0]}, nil
	}
	return PresentedToken(r)
}
