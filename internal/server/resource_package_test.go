package server_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/pkg/resource"
)

// A service with a server of this project: by the signatures of its tokens, and by introspection, which
// notices a revocation.
func TestServiceWithResourcePackage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, nil)
		s.ImportClient(`{"client_id": "api", "client_secret": "` + servertest.OtherSecret + `", "token_endpoint_auth_method": "client_secret_basic",
			"grant_types": ["client_credentials"], "served_resources": ["https://api.example"]}`)
		signed, err := resource.NewJWT(resource.JWTConfig{Issuer: s.URL, Now: s.Time})
		servertest.Must(t, err)
		asked, err := resource.NewIntrospection(resource.IntrospectionConfig{
			Issuer: s.URL, Authentication: resource.ClientSecret("api", servertest.OtherSecret), CacheFor: -1, Now: s.Time,
		})
		servertest.Must(t, err)
		key := servertest.NewDPoPKey(s)
		for name, tokens := range map[string]resource.Lookup{"signature": signed, "introspection": asked} {
			api, err := resource.New(resource.Config{Resource: "https://api.example", Tokens: tokens, AuthorizationServers: []string{s.URL}, Now: s.Time})
			servertest.Must(t, err)
			service := httptest.NewServer(api.Require(resource.Need{Scopes: []string{"api"}, ACRValues: []string{"1"}})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				token := resource.TokenOf(r.Context())
				w.Header().Set("Subject", token.Subject)
				w.Header().Set("Client", token.ClientID)
			})))
			t.Cleanup(service.Close)
			get := func(authorization string, proofs ...string) servertest.Response {
				t.Helper()
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, service.URL+"/orders", nil)
				servertest.Must(t, err)
				r.Header.Set("Authorization", authorization)
				for _, proof := range proofs {
					r.Header.Add("DPoP", proof)
				}
				return servertest.Send(t, http.DefaultClient, r)
			}
			code := func() url.Values {
				return servertest.CodeExchange(s.NewBrowser().Code(servertest.AuthorizationRequest("resource", "https://api.example")))
			}
			unbound := s.PostForm("/oauth2/token", code()).JSON(t)
			bound := key.PostForm("/oauth2/token", code()).JSON(t)
			bearer, dpop := servertest.Text(unbound["access_token"]), servertest.Text(bound["access_token"])
			proof := key.Proof(http.MethodGet, "", dpop, servertest.Object{"htu": "https://api.example/orders"})
			subject := servertest.Text(servertest.Claims(t, unbound["id_token"])["sub"])
			for what, p := range map[string]servertest.Response{"bearer": get("Bearer " + bearer), "bound": get("DPoP "+dpop, proof)} {
				if p.Status != http.StatusOK || p.Header.Get("Subject") != subject || p.Header.Get("Client") != "web" {
					t.Errorf("%s, %s: %d %v", name, what, p.Status, p.Header)
				}
			}
			elsewhere := servertest.Text(s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest()))["access_token"])
			for what, p := range map[string]servertest.Response{
				"for the issuer": get("Bearer " + elsewhere), "an ID token": get("Bearer " + servertest.Text(unbound["id_token"])),
				"a refresh token": get("Bearer " + servertest.Text(unbound["refresh_token"])), "bound, as bearer": get("Bearer " + dpop), "a used proof": get("DPoP "+dpop, proof),
			} {
				if p.Status != http.StatusUnauthorized {
					t.Errorf("%s, %s: %d %v", name, what, p.Status, p.Header)
				}
			}
			if p := s.PostForm("/oauth2/revoke", url.Values{"token": {bearer}}); p.Status != http.StatusOK {
				t.Fatal(p.Body)
			}
			if p := get("Bearer " + bearer); (p.Status == http.StatusUnauthorized) != (name == "introspection") {
				t.Errorf("%s, revoked: %d", name, p.Status)
			}
		}
	})
}
