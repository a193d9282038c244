package admin

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/httpapi"
)

// redirect tells an app where to send the person.
type redirect struct {
	To string `json:"redirect_to"`
}

// challenge returns the id of the request that an app asks about. The query spells
// it as name, or as the apps of old do.
func challenge(r *http.Request, name string, step authrequest.Step) (id string, err error) {
	query := r.URL.Query()
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

// whole returns a body as it came.
func whole(r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, invalid("The request body cannot be read.")
	}
	return raw, nil
}

// read decodes a body. Members that are not known are ignored.
func read(r *http.Request, into any) error {
	err := json.NewDecoder(r.Body).Decode(into)
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind) && kind.Field != "":
		return invalid("The member " + httpapi.Description(kind.Field) + " has a wrong type.")
	case err != nil:
		return invalid("The request body is not what is expected here.")
	}
	return nil
}

// answering reads what an app answers to a challenge, into body, and returns the id
// of the request.
func answering(c *Call, name string, step authrequest.Step, body any) (id string, err error) {
	if id, err = challenge(c.Request, name, step); err != nil {
		return "", err
	}
	return id, read(c.Request, body)
}
