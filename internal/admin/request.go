package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/httpapi"
)

// Request is an authorized call of an operation.
type Request struct {
	HTTP  *http.Request
	Actor audit.Actor // the caller
	// Target is the target in the audit log. It is set from the path; an operation that
	// creates something sets it to the new ID.
	Target string
	// Detail is that of the audit event.
	Detail string

	header http.Header // of the response
}

// Response is the result of an operation.
type Response struct {
	Status int
	Body   any // encoded as JSON; nil if there is no body
}

func ok(body any) *Response { return &Response{http.StatusOK, body} }

// created returns the response for a new resource, whose URL is that of the request and its ID.
func (r *Request) created(id string, body any) *Response {
	r.header.Set("Location", strings.TrimSuffix(r.HTTP.URL.EscapedPath(), "/")+"/"+url.PathEscape(id))
	return &Response{http.StatusCreated, body}
}

// nameInPath returns the name of a resource: path, unless that is empty, which body may repeat.
func nameInPath(path, body string) (string, error) {
	if path != "" && body != "" && body != path {
		return "", invalid("The member name must be the same as in the path.")
	}
	return cmp.Or(path, body), nil
}

func noContent() *Response { return &Response{Status: http.StatusNoContent} }

// Context returns the context of the HTTP request.
func (r *Request) Context() context.Context { return r.HTTP.Context() }

func (r *Request) query() url.Values { return r.HTTP.URL.Query() }

func (r *Request) pathValue(name string) string { return pathValue(r.HTTP, name) }

// readBody returns the body as it was sent.
func (r *Request) readBody() ([]byte, error) {
	raw, err := io.ReadAll(r.HTTP.Body)
	if err != nil {
		return nil, invalid("The request body cannot be read.")
	}
	return raw, nil
}

// decode decodes the JSON body into a value. It ignores unknown members.
func (r *Request) decode(into any) error {
	err := json.NewDecoder(r.HTTP.Body).Decode(into)
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind) && kind.Field != "":
		return invalid("The member " + httpapi.Description(kind.Field) + " has a wrong type.")
	case err != nil:
		return invalid("The request body must be a JSON value of the type in /openapi.json.")
	}
	return nil
}

// flag returns a parameter of the query that is true or false, and false if it is absent.
func (r *Request) flag(name string) (bool, error) {
	switch r.query().Get(name) {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	}
	return false, invalid("The parameter " + name + " must be true or false.")
}

// pathValue returns a variable of the path, percent-decoded. chi decodes it only if the
// request has no RawPath.
func pathValue(r *http.Request, name string) string {
	text := chi.URLParam(r, name)
	if r.URL.RawPath == "" {
		return text
	}
	if decoded, err := url.PathUnescape(text); err == nil && utf8.ValidString(decoded) {
		return decoded
	}
	return text
}
