package tokens_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A dynamically registered client that changes to a redirect URI of another sector does not
// learn the subjects of that sector with its existing tokens and codes.
func TestMovedClientCannotLearnOtherSectorSubjects(t *testing.T) {
	t.Parallel()
	const theirs = "https://victim.example/cb"
	pairwise := map[string]any{"subject_type": "pairwise"}
	for name, tc := range map[string]struct {
		before   map[string]any
		redirect string
		vouched  bool
	}{
		"a pairwise client":                     {pairwise, "https://thief.example/cb", false},
		"one whose former host was vouched for": {pairwise, "https://thief.example/cb", true},
		"a client with public subjects":         {map[string]any{}, "https://thief.example/cb", false},
		"a client with both addresses":          {map[string]any{"redirect_uris": []string{theirs, "https://thief.example/cb"}}, "https://thief.example/cb", false},
		"a client on a device":                  {map[string]any{"subject_type": "pairwise", "application_type": "native"}, "http://127.0.0.1/cb", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				t.Helper()
				s := servertest.Start(t, db, map[string]string{"rate_limits": "off"})
				b := s.NewBrowser()
				known := servertest.Claims(t, signIn(t, s, b, servertest.RegisterClient(t, s, theirs, pairwise))["id_token"])["sub"]

				thief := servertest.RegisterClient(t, s, tc.redirect, tc.before)
				if tc.vouched {
					vouch(s, thief.ID)
				}
				tokens := signIn(t, s, b, thief)
				code := b.Code(servertest.AuthorizationRequest("client_id", thief.ID, "redirect_uri", tc.redirect, "scope", "openid email offline_access"))
				move(t, s, thief, theirs)

				if sub := s.Userinfo(tokens["access_token"]).JSON(t)["sub"]; sub == known || sub == nil {
					t.Errorf("userinfo says %v after the move, the sector of the host %v", sub, known)
				}
				for _, form := range []url.Values{
					servertest.CodeExchange(code, "client_id", thief.ID, "client_secret", thief.Secret, "redirect_uri", tc.redirect),
					{"grant_type": {"refresh_token"}, "refresh_token": {servertest.Text(tokens["refresh_token"])}, "client_id": {thief.ID}, "client_secret": {thief.Secret}},
				} {
					if sub := servertest.Claims(t, s.PostForm("/oauth2/token", form).JSON(t)["id_token"])["sub"]; sub == known || sub == nil {
						t.Errorf("%s says %v after the move, the sector of the host %v", form.Get("grant_type"), sub, known)
					}
				}
			})
		})
	}
}

// vouch lets a client have the sector of its host, as an operator does.
func vouch(s *servertest.Server, id string) {
	s.TB.Helper()
	c, err := s.Store.Clients.Client(s.TB.Context(), id)
	if err != nil {
		s.TB.Fatal(err)
	}
	c.SubjectSector = client.SectorHost
	if err := s.Store.Clients.UpdateClient(s.TB.Context(), c); err != nil {
		s.TB.Fatal(err)
	}
}

// move gives a client another redirect URI and pairwise subjects, as it does itself.
func move(t *testing.T, s *servertest.Server, c servertest.RegisteredClient, redirect string) {
	t.Helper()
	change, err := json.Marshal(map[string]any{
		"client_id": c.ID, "redirect_uris": []string{redirect}, "token_endpoint_auth_method": "client_secret_post",
		"grant_types": []string{"authorization_code", "refresh_token"}, "scope": "openid email offline_access",
		"subject_type": "pairwise",
	})
	if err != nil {
		t.Fatal(err)
	}
	if p := s.Call(t, http.MethodPut, "/connect/register/"+c.ID, c.RegistrationToken, string(change)); p.Status != http.StatusOK {
		t.Fatalf("move to %s: %d %s", redirect, p.Status, p.Body)
	}
}
