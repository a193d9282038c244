package middleware

import (
	"net/http"

	"github.com/ostiary/ostiary/internal/refusal"
)

// Origins says which pages may post forms to an endpoint.
type Origins struct {
	// Issuer is the origin of the issuer. Its pages may post whatever Host says, since
	// a proxy may rewrite that.
	Issuer string
	// Refuse answers forms of other sites.
	Refuse Refuser
	// WrongAddress answers a browser that shows that it opened the server at another
	// address than the issuer: its Origin is that of the received Host.
	WrongAddress http.HandlerFunc
}

// OwnForms refuses what pages of other sites post. Callers that send neither
// Sec-Fetch-Site nor Origin are no browsers, and pass.
//
// Spec: Fetch Metadata §2.3; Fetch §3.2 (Origin); RFC 6454 §7.
func OwnForms(o Origins) func(http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	if err := protection.AddTrustedOrigin(o.Issuer); err != nil {
		panic(err) // the configuration accepts no such issuer
	}
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		note(r, refusal.CrossOrigin, http.StatusForbidden, "request_forbidden", "the form was sent by a page of another origin",
			refusal.Received("received_origin", r.Header.Get("Origin")), refusal.Registered("issuer", o.Issuer))
		o.Refuse(w, r, http.StatusForbidden, "request_forbidden", "The form was sent by a page of another origin than "+o.Issuer)
	}))
	return func(next http.Handler) http.Handler {
		checked := protection.Handler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if o.misdirected(r) {
				note(r, refusal.WrongAddress, http.StatusForbidden, "request_forbidden",
					"the browser opened the server at another address than the issuer",
					refusal.Received("received_origin", r.Header.Get("Origin")), refusal.Registered("issuer", o.Issuer))
				o.WrongAddress(w, r)
				return
			}
			checked.ServeHTTP(w, r)
		})
	}
}

// misdirected reports whether a browser sent a form to the address where it opened the
// page, and that is not the issuer's. Host alone says nothing: behind a proxy that
// rewrites it, it is always another one.
func (o *Origins) misdirected(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	origin := r.Header.Get("Origin")
	return origin != o.Issuer && (origin == "http://"+r.Host || origin == "https://"+r.Host)
}
