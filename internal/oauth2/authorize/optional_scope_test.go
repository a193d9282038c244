package authorize_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// TestRefusedOptionalScopeIsNotGranted follows a refused scope to the token response.
func TestRefusedOptionalScopeIsNotGranted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := servertest.Start(t, db, nil)
		servertest.ImportClientObject(s, servertest.Object{
			"client_id": "notes", "client_secret": servertest.OtherSecret, "token_endpoint_auth_method": "client_secret_post", "client_name": "Notes", "redirect_uris": []string{servertest.RedirectURI},
			"scope": "openid profile email", "optional_scope": "email",
		})
		b := s.NewBrowser()
		b.SignInWithPassword(servertest.Password)
		request := servertest.AuthorizationRequest("client_id", "notes", "scope", "openid profile email")
		for _, ticked := range []bool{false, true} {
			p := b.Get("/oauth2/auth?" + request.Encode())
			form := b.Get(p.Header.Get("Location"))
			answer := url.Values{"request": {form.HiddenField("request")}, "decision": {"accept"}}
			want := "openid profile"
			if ticked {
				answer.Set("scope email", "on")
				want = "openid profile email"
			}
			code := servertest.CodeOf(t, b.Follow(b.Post(form.FormAction(), answer)))
			r := s.PostForm("/oauth2/token", servertest.CodeExchange(code, "client_id", "notes", "client_secret", servertest.OtherSecret))
			if got, _ := r.JSON(t)["scope"].(string); got != want {
				t.Errorf("granted %q, want %q: %d %s", got, want, r.Status, r.Body)
			}
		}
		if p := b.Get("/oauth2/auth?" + request.Encode()); !strings.HasPrefix(p.Header.Get("Location"), servertest.RedirectURI) {
			t.Errorf("after all is allowed, a further request leads to %q", p.Header.Get("Location"))
		}
	})
}
