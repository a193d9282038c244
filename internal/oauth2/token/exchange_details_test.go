package token_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// The new token has authorization details of the subject token, of types that the client may use and that belong to
// its resource, and never more.
//
// Spec: RFC 9396 §6.1.
func TestExchangeNarrowsAuthorizationDetails(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, nil)
		servertest.DeclareDetails(s)
		servertest.AddExchangeClient(s, `{"subject_clients": ["shop"], "audiences": ["https://api.example", "https://down.example"]}`, `, "authorization_details_types": ["payment"]`)
		c, err := db.Clients.Client(t.Context(), "svc")
		servertest.Must(t, err)
		c.Audience = nil // the policy decides
		servertest.Must(t, db.Clients.UpdateClient(t.Context(), c))
		shop := s.PostForm("/oauth2/token", url.Values{
			"grant_type": {"client_credentials"}, "client_id": {"shop"}, "client_secret": {servertest.ShopSecret},
			"authorization_details": {"[" + servertest.Payment + "," + servertest.AccountData + "]"},
		}).JSON(t)["access_token"]
		want := func(p servertest.Response, details string) {
			t.Helper()
			got := wantExchanged(t, p)
			var expected any
			if details != "" {
				expected = []any{servertest.ParseObject(t, details)}
			}
			servertest.WantMembers(t, got, servertest.Object{"authorization_details": expected})
			servertest.WantMembers(t, servertest.Claims(t, got["access_token"]), servertest.Object{"authorization_details": expected})
		}
		narrow := strings.Replace(servertest.Payment, `["initiate","status"]`, `["status"]`, 1)
		want(s.Exchange(shop, "resource", "https://api.example"), servertest.Payment)
		want(s.Exchange(shop, "resource", "https://api.example", "authorization_details", "["+narrow+"]"), narrow)
		want(s.Exchange(shop, "resource", "https://down.example"), "")
		for name, details := range map[string]string{
			"a larger amount":          strings.Replace(servertest.Payment, "120.50", "900.00", 1),
			"a type of another client": servertest.AccountData,
			"an unknown type":          `{"type":"other"}`,
		} {
			p := s.Exchange(shop, "resource", "https://api.example", "authorization_details", "["+details+"]")
			if p.JSON(t)["error"] != "invalid_authorization_details" {
				t.Errorf("%s: %d %s", name, p.Status, p.Body)
			}
		}
	})
}
