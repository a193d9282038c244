package logout_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// The redirect of a logout has the same maximum length as other redirects. A logout request with a
// longer one ends no session.
func TestLongLogoutStateIsRejected(t *testing.T) {
	t.Parallel()

	const back = "https://client.example/bye"
	s := servertest.Start(t, storetest.New(t), map[string]string{"max_redirect_url_length": "4096"})
	s.ImportClient(`{"client_id": "leaver", "client_secret": "` + servertest.OtherSecret + `", "redirect_uris": ["` + servertest.RedirectURI + `"], "post_logout_redirect_uris": ["` + back + `"]}`)
	b := s.NewBrowser()
	for n, want := range map[int]int{4096 - len(back+"?state="): http.StatusSeeOther, 4097 - len(back+"?state="): http.StatusBadRequest} {
		query := url.Values{"client_id": {"leaver"}, "post_logout_redirect_uri": {back}, "state": {strings.Repeat("s", n)}}
		if p := b.Get("/oauth2/sessions/logout?" + query.Encode()); p.Status != want || p.Status == http.StatusSeeOther && len(p.Location().Query().Get("state")) != n {
			t.Errorf("a state of %d bytes: %d to %d bytes, want %d", n, p.Status, len(p.Header.Get("Location")), want)
		}
	}
}
