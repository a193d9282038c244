package servertest

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/ostiary/ostiary/internal/dpop/dpoptest"
)

// DPoPKey is the key of a client that sends DPoP proofs (RFC 9449).
type DPoPKey struct {
	*dpoptest.Key

	server *Server
	// Nonce is the nonce of the next proofs; empty for none.
	Nonce string
}

// NewDPoPKey returns a new key for proofs to s.
func NewDPoPKey(s *Server) *DPoPKey {
	s.TB.Helper()
	key, err := dpoptest.NewKey()
	if err != nil {
		s.TB.Fatal(err)
	}
	return &DPoPKey{Key: key, server: s}
}

// Proof returns a new proof for a request to a path of the server, and for an access token unless it
// is empty. Claims replace those of the proof.
func (k *DPoPKey) Proof(method, path, accessToken string, claims ...Object) string {
	k.server.TB.Helper()
	if k.Nonce != "" {
		claims = append([]Object{{"nonce": k.Nonce}}, claims...)
	}
	proof, err := k.Key.Proof(method, k.server.URL+path, accessToken, k.server.Time(), claims...)
	if err != nil {
		k.server.TB.Fatal(err)
	}
	return proof
}

// PostForm posts a form with a new proof, as [Server.PostForm] does without one.
func (k *DPoPKey) PostForm(path string, form url.Values) Response {
	k.server.TB.Helper()
	return PostFormWithProof(k.server, path, form, k.Proof(http.MethodPost, path, ""))
}

// PostFormWithProof posts a form with DPoP headers, as [Server.PostForm] does without.
func PostFormWithProof(s *Server, path string, form url.Values, proofs ...string) Response {
	s.TB.Helper()
	r, err := http.NewRequestWithContext(s.TB.Context(), http.MethodPost, s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.TB.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if !form.Has("client_id") {
		r.SetBasicAuth("web", "web-secret-web-secret-web-secret-")
	}
	for _, proof := range proofs {
		r.Header.Add("DPoP", proof)
	}
	return Send(s.TB, http.DefaultClient, r)
}

// UserinfoWith sends a UserInfo request with the Authorization header and DPoP headers.
func UserinfoWith(s *Server, authorization string, proofs ...string) Response {
	s.TB.Helper()
	return CallResource(s, http.MethodGet, "/userinfo", authorization, proofs...)
}

// CallResource sends a request without a body to a path, with the Authorization header, unless it is
// empty, and DPoP headers.
func CallResource(s *Server, method, path, authorization string, proofs ...string) Response {
	s.TB.Helper()
	r, err := http.NewRequestWithContext(s.TB.Context(), method, s.URL+path, nil)
	if err != nil {
		s.TB.Fatal(err)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	for _, proof := range proofs {
		r.Header.Add("DPoP", proof)
	}
	return Send(s.TB, http.DefaultClient, r)
}
