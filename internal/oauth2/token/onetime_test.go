package token_test

import (
	"maps"
	"net/http"
	"net/url"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
)

// The client's assertion and its DPoP proof are used up together, by one statement each, whether the
// request succeeds or not.
func TestAssertionAndProofAreUsedUpTogether(t *testing.T) {
	eachServer(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		signer := servertest.AddPrivateKeyJWTClient(s)
		key := servertest.NewDPoPKey(s)
		good := func(changes ...string) url.Values {
			form := servertest.PrivateKeyJWTForm(s, signer)
			for i := 0; i < len(changes); i += 2 {
				form.Set(changes[i], changes[i+1])
			}
			return form
		}
		proof := func() string { return key.Proof(http.MethodPost, "/oauth2/token", "") }

		form, used := good(), proof()
		servertest.PostFormWithProof(s, "/oauth2/token", good(), proof()) // fills the caches
		before := s.Store.Statements()
		if p := servertest.PostFormWithProof(s, "/oauth2/token", form, used); p.Status != http.StatusOK || s.Store.Statements()-before != 2 {
			t.Errorf("%d %s with %d statements, want 2", p.Status, p.Body, s.Store.Statements()-before)
		}
		servertest.WantError(t, servertest.PostFormWithProof(s, "/oauth2/token", form, proof()), 401, "invalid_client")
		servertest.WantError(t, servertest.PostFormWithProof(s, "/oauth2/token", good(), used), 400, "invalid_dpop_proof")
		// Neither is used up by the other's failure.
		fresh := good()
		servertest.WantError(t, servertest.PostFormWithProof(s, "/oauth2/token", fresh, used), 400, "invalid_dpop_proof")
		if p := servertest.PostFormWithProof(s, "/oauth2/token", fresh, proof()); p.Status != http.StatusOK {
			t.Errorf("with a new proof: %d %s", p.Status, p.Body)
		}

		for name, form := range map[string]url.Values{
			"unknown grant type": good("grant_type", "password"),
			"unknown scope":      good("scope", "unknown"),
			"unknown code":       good("grant_type", "authorization_code", "code", "unknown"),
		} {
			used := proof()
			if p := servertest.PostFormWithProof(s, "/oauth2/token", form, used); p.Status != http.StatusBadRequest {
				t.Errorf("%s: %d %s, want 400", name, p.Status, p.Body)
			}
			again := maps.Clone(form)
			again.Set("grant_type", "client_credentials")
			again.Del("scope")
			servertest.WantError(t, servertest.PostFormWithProof(s, "/oauth2/token", again), 401, "invalid_client")
		}
	})
}
