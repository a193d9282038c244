package authorize_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// default_max_age limits the age of the authentication for requests without max_age.
//
// Spec: OpenID Connect Registration §2.
func TestDefaultMaxAge(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	s.ImportClient(`{"client_id": "strict", "client_secret": "` + servertest.OtherSecret + `", "redirect_uris": ["` + servertest.RedirectURI + `"],
		"scope": "openid", "skip_consent": true, "default_max_age": 30}`)
	b := s.NewBrowser()
	b.Code(servertest.AuthorizationRequest())
	s.Advance(30 * time.Second)
	for name, tc := range map[string]struct {
		form url.Values
		want string
	}{
		"the default":   {servertest.AuthorizationRequest("client_id", "strict", "prompt", "none"), "login_required"},
		"a wider one":   {servertest.AuthorizationRequest("client_id", "strict", "prompt", "none", "max_age", "3600"), ""},
		"another asker": {servertest.AuthorizationRequest("prompt", "none"), ""},
	} {
		if got := b.Get("/oauth2/auth?" + tc.form.Encode()).Location().Query().Get("error"); got != tc.want {
			t.Errorf("%s: error %q, want %q", name, got, tc.want)
		}
	}
}
