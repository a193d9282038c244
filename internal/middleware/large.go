package middleware

import "net/http"

// smallBody is what nearly every request is smaller than: a form, an assertion, the
// metadata of a client.
const smallBody = 8 << 10

// LargeBody admits requests whose body is large, or does not say how large it is, from
// before it is read: many of them together would fill the memory. It belongs in front
// of whatever reads the body, and lets small ones pass.
func LargeBody(a *Admission) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		large := a.Handler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength < 0 || r.ContentLength > smallBody {
				large.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
