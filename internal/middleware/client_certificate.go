package middleware

import (
	"net/http"
	"net/netip"

	"github.com/ostiary/ostiary/internal/clientcert"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/refusal"
)

// ForwardedCertificate reads the client certificate that a trusted proxy forwards, for
// [clientcert.Of]. It removes the headers of the form from all requests: those of another
// sender are claims of that sender. An empty form returns next.
//
// Spec: RFC 9440 §2, §4.
func ForwardedCertificate(form clientcert.Form, trusted []netip.Prefix) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		if form == "" {
			return next
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if trusts(trusted, peer(r)) {
				forwarded, err := form.Read(r.Header)
				if err != nil {
					refusal.Note(r.Context(), refusal.Rejection{
						Status: http.StatusBadRequest, Code: "invalid_request",
						Err: refusal.New(refusal.CertificateMalformed, "a trusted proxy forwarded a client certificate that cannot be read: "+err.Error()),
					})
					httpapi.JSONError(w, http.StatusBadRequest, "invalid_request", err.Error())
					return
				}
				r = clientcert.WithForwarded(r, forwarded)
			}
			for _, name := range form.Headers() {
				r.Header.Del(name)
			}
			next.ServeHTTP(w, r)
		})
	}
}
