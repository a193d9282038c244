package middleware

import (
	"bytes"
	"io"
	"net/http"
)

// smallBody is the size below which nearly all requests are: forms, assertions and client
// metadata.
const smallBody = 8 << 10

// BodyLimit admits requests with a large body before the body is read, because many of
// them together would fill the memory. It comes before the middleware that reads the
// body.
//
// Requests with a small body pass. If the size is unknown or large, BodyLimit reads the
// first [smallBody] bytes without a slot, so that a client that stalls in its body holds
// none.
func BodyLimit(a *Admission) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		large := a.Handler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength >= 0 && r.ContentLength <= smallBody || !takesBody(r.Method) {
				next.ServeHTTP(w, r)
				return
			}
			r, small := readSmall(r)
			if small {
				next.ServeHTTP(w, r)
				return
			}
			large.ServeHTTP(w, r)
		})
	}
}

// takesBody reports whether the body of a request is read.
func takesBody(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

// readSmall reads up to smallBody bytes and returns a request whose body begins with
// them. It reports whether that is the whole body.
func readSmall(r *http.Request) (*http.Request, bool) {
	head, err := io.ReadAll(io.LimitReader(r.Body, smallBody+1))
	out := *r
	switch {
	case err != nil: // the reader of the body reports it
		out.Body = joined{io.MultiReader(bytes.NewReader(head), failing{err}), r.Body}
	case len(head) > smallBody:
		out.Body = joined{io.MultiReader(bytes.NewReader(head), r.Body), r.Body}
		return &out, false
	default:
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(head)), int64(len(head))
	}
	return &out, true
}

// joined reads the bytes that were read before, and then the rest of the body.
type joined struct {
	io.Reader
	io.Closer
}

// failing is a reader that returns an error.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
