package admin

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/web"
)

// redirect tells an app where to send the person.
type redirect struct {
	To string `json:"redirect_to"`
}

// refusal is an error in the words of the API.
type refusal struct {
	status      int
	code        string
	description string
}

// Error returns what the caller is told.
func (e *refusal) Error() string { return e.code + ": " + e.description }

func invalid(description string) error {
	return &refusal{http.StatusBadRequest, "invalid_request", description}
}

// refuse writes what err means to the caller, and logs it.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var known *refusal
	switch {
	case errors.As(err, &known):
	case errors.Is(err, grant.ErrNoRequest):
		known = &refusal{http.StatusNotFound, "Not Found", "There is no such request, or it has expired."}
	case errors.Is(err, client.ErrNotFound):
		known = &refusal{http.StatusNotFound, "Not Found", "The client of the request is gone."}
	case errors.Is(err, account.ErrBarred):
		known = &refusal{http.StatusForbidden, "request_forbidden", "This subject may not sign in."}
	case web.Temporary(err):
		w.Header().Set("Retry-After", "2")
		known = &refusal{http.StatusServiceUnavailable, "temporarily_unavailable", "The server cannot answer right now."}
	default:
		known = &refusal{http.StatusInternalServerError, "server_error", "The server met a fault of its own."}
	}
	ctx := r.Context()
	h.Log.LogAttrs(ctx, web.Level(ctx, known.status, err), "admin request refused",
		slog.String("path", r.URL.Path), slog.Int("status", known.status), slog.Any("error", err))
	web.JSONError(w, known.status, known.code, known.description)
}

// challenge returns the id of the request that an app asks about. The query spells
// it as name, or as the apps of old do.
func challenge(r *http.Request, name string, step grant.Step) (id string, err error) {
	query := r.URL.Query()
	value := query.Get(name)
	if value == "" {
		value = query.Get("challenge")
	}
	if value == "" {
		return "", invalid("The parameter " + name + " is missing.")
	}
	id, ok := grant.ParseChallenge(value, step)
	if !ok {
		return "", grant.ErrNoRequest
	}
	return id, nil
}

// read decodes a body. Members that are not known are ignored.
func read(r *http.Request, into any) error {
	err := json.NewDecoder(r.Body).Decode(into)
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind) && kind.Field != "":
		return invalid("The member " + ascii(kind.Field) + " has a wrong type.")
	case err != nil:
		return invalid("The request body is not what is expected here.")
	}
	return nil
}

// answering reads what an app answers to a challenge, into body, and returns the id
// of the request. Where it cannot be read, the app has been told so.
func (h *Handler) answering(w http.ResponseWriter, r *http.Request, name string, step grant.Step, body any) (id string, ok bool) {
	id, err := challenge(r, name, step)
	if err == nil {
		err = read(r, body)
	}
	if err != nil {
		h.refuse(w, r, err)
	}
	return id, err == nil
}

// ascii is text as it may stand in an error: printable ASCII without quotation marks
// and backslashes (RFC 6749 section 4.1.2.1).
func ascii(text string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '"':
			return '\''
		case c == '\n', c == '\r', c == '\t':
			return ' '
		case c < 0x20, c > 0x7e, c == '\\':
			return '?'
		default:
			return c
		}
	}, text)
}
