package account_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
)

// The profile becomes claims. Invalid fields change nothing, and claims without a field stay.
func TestChangeProfile(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b := s.NewBrowser()
		servertest.Contains(t, open(b, "/account/profile").Body, `value="Ada Lovelace"`)
		for field, value := range map[string]string{
			"picture": "http://pictures.example/ada.png", "locale": "not a tag!", "zoneinfo": "Europe/../etc/passwd", "name": strings.Repeat("a", 256),
		} {
			p := b.Post("/account/profile", form("name", "Changed", field, value))
			wantStatus(t, field+" "+value, p, http.StatusBadRequest)
			servertest.Contains(t, p.Body, `role="alert"`, `href="#`+field+`"`)
		}
		claims := func() map[string]any {
			a, err := s.Store.Accounts.AccountByUsername(t.Context(), "ada")
			if err != nil {
				t.Fatal(err)
			}
			return a.Claims
		}
		wantText(t, "name after invalid forms", servertest.Text(claims()["name"]), "Ada Lovelace")
		after := submit(b, "/account/profile", "name", "Ada King", "given_name", "Ada", "family_name", "", "picture", "https://pictures.example/ada.png", "locale", "de-AT", "zoneinfo", "Europe/Vienna")
		if !strings.Contains(after.Body, `lang="de"`) {
			t.Errorf("the page after a change of the language:\n%s", after.Body)
		}
		got := claims()
		for claim, want := range map[string]string{
			"name": "Ada King", "given_name": "Ada", "family_name": "", "picture": "https://pictures.example/ada.png",
			"locale": "de-AT", "zoneinfo": "Europe/Vienna", "email": "ada@example.com",
		} {
			wantText(t, claim, servertest.Text(got[claim]), want)
		}
		form := open(b, "/account/profile").HiddenField("fields")
		submit(b, "/account/profile", "fields", form, "name", "Ada King", "given_name", "", "locale", "de-AT", "zoneinfo", "", "picture", "")
		for claim, want := range map[string]string{"name": "Ada King", "given_name": "", "picture": "", "zoneinfo": "", "locale": "de-AT"} {
			wantText(t, claim+" after empty fields", servertest.Text(claims()[claim]), want)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/account/profile", strings.NewReader("name=Evil"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		wantStatus(t, "a form of another site", servertest.Send(t, b.Client, r), http.StatusForbidden)
	})
}
