package middleware

import (
	"bytes"
	"io"
	"net/http"
)

// smallBody is what nearly every request is smaller than: a form, an assertion, the
// metadata of a client.
const smallBody = 8 << 10

// LargeBody admits requests whose body is large before it is read: many of them together
// would fill the memory. It belongs in front of whatever reads the body.
//
// Small bodies pass. Where the size is not known, or is said to be large, so much is read
// first as is small, without a place: a client that stalls in its body takes none.
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

// takesBody reports whether the body of a request is read at all.
func takesBody(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

// readSmall reads so much of the body as is small, and returns a request whose body
// begins with it. It reports whether that is all there is.
func readSmall(r *http.Request) (*http.Request, bool) {
	head, err := io.ReadAll(io.LimitReader(r.Body, smallBody+1))
	out := *r
	switch {
	case err != nil: // the reader of the body answers for it
		out.Body = joined{io.MultiReader(bytes.NewReader(head), failing{err}), r.Body}
	case len(head) > smallBody:
		out.Body = joined{io.MultiReader(bytes.NewReader(head), r.Body), r.Body}
		return &out, false
	default:
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(head)), int64(len(head))
	}
	return &out, true
}

// joined reads what was read before and then the rest of a body.
type joined struct {
	io.Reader
	io.Closer
}

// failing is a reader that returns an error.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
