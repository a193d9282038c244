package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A client whose token does not suffice at userinfo learns what to ask for, and gets a token that
// suffices by an authorization request with it. Introspection tells resource servers the same.
func TestStepUpAskedForByUserinfo(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startFactors(t, db, "on_demand")
		with := addSecurityKey(s, "ada", nil)
		c, err := db.Clients.Client(t.Context(), "web")
		servertest.Must(t, err)
		age := int64(600)
		c.UserinfoACRValues, c.UserinfoMaxAge = []string{"2"}, &age
		servertest.Must(t, db.Clients.UpdateClient(t.Context(), c))

		b := s.NewBrowser()
		tokens := s.ExchangeCode(servertest.CodeOf(t, b.Follow(b.SubmitPassword(b.BeginSignIn(), "ada", ""))))
		p := s.Userinfo(tokens["access_token"])
		challenge := p.Header.Get("WWW-Authenticate")
		if p.Status != http.StatusUnauthorized || !strings.Contains(challenge, `error="insufficient_user_authentication"`) || !strings.HasSuffix(challenge, `acr_values="2", max_age="600"`) {
			t.Fatalf("a token by password: %d %q %s", p.Status, challenge, p.Body)
		}

		p = b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("acr_values", "2", "max_age", "600").Encode())
		next := servertest.Text(b.SubmitSecurityKey(p.Location().Query().Get("request"), with).JSON(t)["location"])
		tokens = s.ExchangeCode(servertest.CodeOf(t, b.Follow(b.Get(next))))
		if p := s.Userinfo(tokens["access_token"]); p.Status != http.StatusOK {
			t.Errorf("a token by two factors: %d %q %s", p.Status, p.Header.Get("WWW-Authenticate"), p.Body)
		}
		seen := s.PostForm("/oauth2/introspect", url.Values{"token": {servertest.Text(tokens["access_token"])}}).JSON(t)
		if at, _ := seen["auth_time"].(float64); seen["acr"] != "2" || int64(at) != s.Time().Unix() {
			t.Errorf("introspection has acr %v and auth_time %v", seen["acr"], seen["auth_time"])
		}

		s.Advance(11 * time.Minute)
		refreshed := s.Refresh(tokens["refresh_token"]).JSON(t)
		if p := s.Userinfo(refreshed["access_token"]); p.Status != http.StatusUnauthorized || !strings.Contains(p.Header.Get("WWW-Authenticate"), "more recent") {
			t.Errorf("a refreshed token after eleven minutes: %d %q", p.Status, p.Header.Get("WWW-Authenticate"))
		}
	})
}
