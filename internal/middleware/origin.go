package middleware

import (
	"net/http"

	"github.com/ostiary/ostiary/internal/refusal"
)

// Origins configures which pages may post forms to an endpoint.
type Origins struct {
	// Issuer is the origin of the issuer. Its pages may post regardless of the Host header,
	// because a proxy may rewrite it.
	Issuer string
	// Refuse writes the response to forms of other sites.
	Refuse Refuser
	// WrongAddress writes the response to a browser that opened the server at another
	// address than the issuer: its Origin is the received Host.
	WrongAddress http.HandlerFunc
}

// OwnForms rejects forms that pages of other sites post. Clients that send neither
// Sec-Fetch-Site nor Origin are no browsers, and pass.
//
// Spec: Fetch Metadata §2.3, Fetch §3.2 (Origin), RFC 6454 §7.
func OwnForms(o Origins) func(http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	if err := protection.AddTrustedOrigin(o.Issuer); err != nil {
		panic(err) // the configuration rejects such an issuer
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

// misdirected reports whether the origin of a form is the received Host instead of the
// issuer: the browser opened the server at another address. The Host header is
// not sufficient, because a proxy may rewrite it.
func (o *Origins) misdirected(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	origin := r.Header.Get("Origin")
	return origin != o.Issuer && (origin == "http://"+r.Host || origin == "https://"+r.Host)
}
