package admin

import (
	"context"
	"errors"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
)

// AuthorizationRequests finds pending authorization requests.
type AuthorizationRequests interface {
	// Request returns authrequest.ErrNotFound for an unknown or expired request.
	Request(ctx context.Context, id string, now time.Time) (*authrequest.Request, error)
}

// redirect is the URL to which the app must redirect the browser.
type redirect struct {
	To string `json:"redirect_to"`
}

// challenge returns the request ID from a challenge. The query parameter has the given name,
// or the old name challenge.
func challenge(r *Request, name string, step authrequest.Step) (id string, err error) {
	query := r.query()
	value := query.Get(name)
	if value == "" {
		value = query.Get("challenge")
	}
	if value == "" {
		return "", invalid("The parameter " + name + " is missing.")
	}
	id, ok := authrequest.ParseChallenge(value, step)
	if !ok {
		return "", authrequest.ErrNotFound
	}
	return id, nil
}

func challengeParameters(name string) []Parameter {
	return []Parameter{
		{Name: name, Type: "string", Required: true, Description: "The challenge from the query of the app's URL."},
		{Name: "challenge", Type: "string", Description: "An old name of the same parameter."},
	}
}

// decodeAnswer decodes the body of an app's answer and returns the ID of the request that
// the challenge identifies.
func decodeAnswer(r *Request, name string, step authrequest.Step, body any) (id string, err error) {
	if id, err = challenge(r, name, step); err != nil {
		return "", err
	}
	return id, r.decode(body)
}

// errAnswered reports a request that an app has already answered.
var errAnswered = errors.New("the request was answered before")

// answeredError is errAnswered with the URL at which the user can start again.
type answeredError struct{ redirect }

// Error implements error.
func (*answeredError) Error() string { return errAnswered.Error() }

// Is reports whether target is errAnswered.
func (*answeredError) Is(target error) bool { return target == errAnswered }

// asAnswered returns the answeredError in err.
func asAnswered(err error) (*answeredError, bool) { return errors.AsType[*answeredError](err) }
